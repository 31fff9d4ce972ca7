import assert from "node:assert/strict";
import test from "node:test";
import { MILLISECOND, SECOND } from "@drover/base";
import { BuiltinDiscovery } from "@drover/discovery";
import { DockerDriver } from "@drover/drivers";
import { mockId } from "@drover/model/testing";
import { registrationSink } from "./sync/registration-sink.ts";
import { changed, httpCheck, service, stopped, want } from "./testing/jobs.ts";
import { freePort, onRealNode, type RealNode, type RealParts } from "./testing/real-node.ts";
import { missingDriver } from "./testing/real-parts.ts";

const PARTS: RealParts = {
  driver: () => new DockerDriver(),
  discovery: (link) => new BuiltinDiscovery({ sink: registrationSink(link) }),
};

const missing = await missingDriver(new DockerDriver());
if (missing !== "") console.log(`client: tests on a real engine skipped: ${missing}`);
else defineTests();

async function geoApi(node: RealNode, version: string, over: { phase?: string } = {}) {
  const port = await freePort();
  const place = want(node.agent.nodeId, {
    alloc: { id: mockId(`geo ${version} ${port}`), phase: over.phase ?? "" },
    port,
    task: {
      driver: "docker",
      config: { image: `geo-api-server:${version}`, network_mode: "host" },
      env: { PORT: `\${NOMAD_PORT_http}`, BIND: "127.0.0.1" },
      killTimeout: 2 * SECOND,
      services: [
        service({ checks: [httpCheck({ interval: 200 * MILLISECOND, timeout: SECOND })] }),
      ],
    },
  });
  for (const group of place.job.taskGroups) {
    if (group.update === null) continue;
    group.update.minHealthyTime = 500 * MILLISECOND;
    group.update.healthyDeadline = 3 * SECOND;
  }
  return { place, port, id: place.alloc.id };
}

function defineTests(): void {
  test("docker: prepared, started, healthy, re-attached after a crash, and stopped", () =>
    onRealNode(PARTS, async (node) => {
      const { place, port, id } = await geoApi(node, "0.2", { phase: "prepare" });
      node.push(place);
      await node.until(id, "prepared", (r) => r.prepared);
      const go = changed(place, { phase: "go" });
      node.push(go);
      const healthy = await node.until(id, "healthy", (r) => r.healthy === true);
      assert.equal(healthy.clientStatus, "running");
      assert.match(Object.keys(healthy.imageDigests)[0] ?? "", /^geo-api-server:0.2$/);
      const startedAt = healthy.taskStates.server?.startedAt;
      const answer = await fetch(`http://127.0.0.1:${port}/health`);
      assert.equal(answer.status, 200);
      await node.shutDown();
      await node.boot();
      node.push(go);
      const again = await node.until(id, "reported again", (r) => r.clientStatus === "running");
      assert.equal(again.taskStates.server?.startedAt, startedAt, "the same process");
      await logsAndStats(node, id, port);
      node.push(stopped(go));
      const done = await node.until(id, "complete", (r) => r.clientStatus === "complete");
      assert.equal(done.taskStates.server?.failed, false);
      await node.until(id, "removed", () => {
        return node.agent.runner(id)?.record.stage.kind === "done";
      });
      assert.deepEqual(await PARTS.driver().list(node.owner), []);
    }));

  test("docker: an image that answers 500 is unhealthy at its deadline", () =>
    onRealNode(PARTS, async (node) => {
      const { place, id } = await geoApi(node, "0.3");
      node.push(place);
      const report = await node.until(id, "unhealthy", (r) => r.healthy === false);
      assert.equal(report.clientStatus, "running");
      const last = report.taskStates.server?.events.at(-1)?.displayMessage;
      assert.equal(last, "Services not healthy by deadline: api");
    }));

  test("docker: an image that does not exist says so", () =>
    onRealNode(PARTS, async (node) => {
      const { place, id } = await geoApi(node, "0.33", { phase: "prepare" });
      node.push(place);
      const report = await node.until(id, "a failure", (r) => {
        const events = r.taskStates.server?.events ?? [];
        return events.some((event) => event.type === "Driver Failure");
      });
      assert.equal(report.prepared, false);
    }));
}

async function logsAndStats(node: RealNode, id: string, port: number): Promise<void> {
  const { signal } = new AbortController();
  const options = { offset: 0, origin: "start", follow: false, signal } as const;
  let text = "";
  for await (const frame of node.agent.fs.logs(id, { task: "server", type: "stdout" }, options)) {
    text += frame.data.toString();
  }
  assert.match(text, new RegExp(`listening on ${port}`));
  const stats = await node.agent.allocStats(id);
  assert.ok((stats.tasks.server?.memoryUsageBytes ?? 0) > 0);
}
