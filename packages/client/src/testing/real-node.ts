/** One agent on real parts: the machine's clock and disk, and whatever drivers a test gives it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "@drover/base";
import type { ServiceDiscovery } from "@drover/discovery";
import type { TaskDriver } from "@drover/drivers";
import type { AllocClientReport } from "@drover/model";
import { type ClientAgent, startClient } from "../client-agent.ts";
import { CLIENT_DEFAULTS } from "../options.ts";
import { loadNodeIdentity } from "../state/identity.ts";
import { FakeLink } from "./fakes.ts";
import type { Want } from "./jobs.ts";
import { machineClock } from "./real-parts.ts";

export const TEST_CLUSTER = "client-test";

export interface RealParts {
  driver(): TaskDriver;
  discovery(link: FakeLink, nodeId: string): ServiceDiscovery;
}

export class RealNode {
  readonly dataDir: string;
  readonly #parts: RealParts;
  link = new FakeLink();
  #agent: ClientAgent | null = null;
  #index = 1;

  constructor(dataDir: string, parts: RealParts) {
    this.dataDir = dataDir;
    this.#parts = parts;
  }

  get agent(): ClientAgent {
    assert.ok(this.#agent, "the agent has been started");
    return this.#agent;
  }

  get owner() {
    return { clusterId: TEST_CLUSTER, nodeId: this.agent.nodeId };
  }

  async boot(): Promise<void> {
    this.link = new FakeLink();
    const { nodeId } = await loadNodeIdentity(this.dataDir);
    this.#agent = await startClient(
      {
        ...CLIENT_DEFAULTS,
        clusterId: TEST_CLUSTER,
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
        drivers: [this.#parts.driver()],
        discoveries: [this.#parts.discovery(this.link, nodeId)],
      },
    );
  }

  push(...allocs: Want[]): void {
    this.#index++;
    this.link.push({
      clusterId: TEST_CLUSTER,
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
  }
}

/** Whatever a test leaves running under its node's id is removed. */
export async function onRealNode(
  parts: RealParts,
  act: (node: RealNode) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "drover-real-"));
  const node = new RealNode(dataDir, parts);
  await node.boot();
  try {
    await act(node);
  } finally {
    await node.shutDown();
    const driver = parts.driver();
    for (const task of await driver.list(node.owner)) await driver.destroy(task);
    await driver.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}
