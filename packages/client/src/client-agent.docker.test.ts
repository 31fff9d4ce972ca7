import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { MILLISECOND, SECOND, SeededRandom } from "@drover/base";
import { BuiltinDiscovery } from "@drover/discovery";
import { DockerDriver } from "@drover/drivers";
import type { AllocClientReport } from "@drover/model";
import { mockId } from "@drover/model/testing";
import { type ClientAgent, startClient } from "./client-agent.ts";
import { CLIENT_DEFAULTS } from "./options.ts";
import { registrationSink } from "./sync/registration-sink.ts";
import { FakeLink } from "./testing/fakes.ts";
import { changed, httpCheck, service, stopped, want } from "./testing/jobs.ts";
import { machineClock, missingDriver } from "./testing/real-parts.ts";

const missing = await missingDriver(new DockerDriver());
if (missing !== "") console.log(`client: tests on a real engine skipped: ${missing}`);
else defineTests();

class RealNode {
  readonly dataDir: string;
  readonly driver = new DockerDriver();
  link = new FakeLink();
  #agent: ClientAgent | null = null;
  #discovery: BuiltinDiscovery | null = null;
  #index = 1;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  get agent(): ClientAgent {
    assert.ok(this.#agent);
    return this.#agent;
  }

  async boot(): Promise<void> {
    this.link = new FakeLink();
    const discovery = new BuiltinDiscovery({ sink: registrationSink(this.link) });
    this.#discovery = discovery;
    this.#agent = await startClient(
      {
        ...CLIENT_DEFAULTS,
        clusterId: "client-test",
        dataDir: this.dataDir,
        name: "real",
        httpAddr: "127.0.0.1:4646",
        rpcAddr: "127.0.0.1:4647",
        consumerGraceMs: 0,
      },
      {
        clock: machineClock,
        random: new SeededRandom(1),
        log: () => undefined,
        link: this.link,
        drivers: [this.driver],
        discoveries: [discovery],
      },
    );
  }

  push(...wants: ReturnType<typeof want>[]): void {
    this.#index++;
    const allocs = wants;
    const clusterId = "client-test";
    this.link.push({
      clusterId,
      epoch: 1,
      index: this.#index,
      complete: true,
      allocs,
      removed: [],
    });
  }

  async until(
    id: string,
    what: string,
    holds: (report: AllocClientReport) => boolean,
  ): Promise<AllocClientReport> {
    const end = Date.now() + 20_000;
    for (;;) {
      const report = this.link.reports.get(id);
      if (report !== undefined && holds(report)) return report;
      if (Date.now() > end) assert.fail(`never: ${what}: ${JSON.stringify(report, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async shutDown(): Promise<void> {
    await this.#agent?.stop();
    await this.#discovery?.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

async function geoApi(node: RealNode, version: string, over: { phase?: string } = {}) {
  const port = await freePort();
  const place = want(node.agent.nodeId, {
    alloc: { id: mockId(`geo ${version} ${port}`), phase: over.phase ?? "" },
    port,
    group: {},
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

async function onRealNode(act: (node: RealNode) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "drover-real-"));
  const node = new RealNode(dataDir);
  await node.boot();
  const owner = { clusterId: "client-test", nodeId: node.agent.nodeId };
  try {
    await act(node);
  } finally {
    await node.shutDown();
    for (const task of await node.driver.list(owner)) await node.driver.destroy(task);
    await node.driver.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function defineTests(): void {
  test("docker: prepared, started, healthy, re-attached after a crash, and stopped", () =>
    onRealNode(async (node) => {
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
      const owner = { clusterId: "client-test", nodeId: node.agent.nodeId };
      await node.until(id, "removed", () => {
        return node.agent.runner(id)?.record.stage.kind === "done";
      });
      assert.deepEqual(await node.driver.list(owner), []);
    }));

  test("docker: an image that answers 500 is unhealthy at its deadline", () =>
    onRealNode(async (node) => {
      const { place, id } = await geoApi(node, "0.3");
      node.push(place);
      const report = await node.until(id, "unhealthy", (r) => r.healthy === false);
      assert.equal(report.clientStatus, "running");
      const last = report.taskStates.server?.events.at(-1)?.displayMessage;
      assert.equal(last, "Services not healthy by deadline: api");
    }));

  test("docker: an image that does not exist says so", () =>
    onRealNode(async (node) => {
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
