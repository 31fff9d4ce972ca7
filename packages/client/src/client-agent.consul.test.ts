import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { MILLISECOND, SECOND } from "@drover/base";
import { ConsulDiscovery } from "@drover/discovery";
import { mockId } from "@drover/model/testing";
import { FakeDriver } from "./testing/fakes.ts";
import { httpCheck, service, stopped, want } from "./testing/jobs.ts";
import { onRealNode, type RealParts } from "./testing/real-node.ts";

/** Against a Consul agent that runs already. */
const ADDRESS = process.env.CONSUL_HTTP_ADDR ?? "127.0.0.1:8500";
const reachable = await fetch(`http://${ADDRESS}/v1/agent/self`).then(
  (answer) => answer.ok,
  () => false,
);
if (reachable) defineTests();
else console.log(`client: tests on a real Consul skipped: none at ${ADDRESS}`);

async function inCatalog(name: string): Promise<number> {
  const answer = await fetch(`http://${ADDRESS}/v1/health/service/${name}?passing`);
  return ((await answer.json()) as unknown[]).length;
}

function defineTests(): void {
  test("consul: healthy by the catalog, and out of it before the task is stopped", async () => {
    const web = createServer((_request, answer) => answer.end("ok"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as { port: number };
    const name = `drover-client-test-${port}`;
    const driver = new FakeDriver();
    const atStop: number[] = [];
    const stop = driver.stop.bind(driver);
    driver.stop = async (handle, options) => {
      atStop.push(await inCatalog(name));
      await stop(handle, options);
    };
    const parts: RealParts = {
      driver: () => driver,
      discovery: (_link, nodeId) => new ConsulDiscovery({ address: ADDRESS, nodeId }),
    };
    await onRealNode(parts, async (node) => {
      const checks = [httpCheck({ interval: 200 * MILLISECOND, timeout: SECOND })];
      const services = [service({ name, provider: "consul", checks })];
      const place = want(node.agent.nodeId, {
        alloc: { id: mockId(name) },
        port,
        task: { services },
      });
      for (const group of place.job.taskGroups) {
        if (group.update !== null) group.update.minHealthyTime = 300 * MILLISECOND;
      }
      const { id } = place.alloc;
      node.push(place);
      await node.until(id, "healthy", (r) => r.healthy === true);
      assert.equal(await inCatalog(name), 1);
      node.push(stopped(place));
      await node.until(id, "complete", (r) => r.clientStatus === "complete");
      assert.deepEqual(atStop, [0]);
    });
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });
}
