/** One agent in a world of fakes, and words for what tests say about it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "@drover/base";
import type { Allocation, AllocClientReport, Job } from "@drover/model";
import { type ClientAgent, startClient } from "../client-agent.ts";
import { CLIENT_DEFAULTS, type ClientOptions } from "../options.ts";
import type { AllocStore } from "../state/alloc-store.ts";
import { FakeClock, FakeDiscovery, FakeDriver, FakeLink } from "./fakes.ts";

export class World {
  readonly clock = new FakeClock();
  readonly driver = new FakeDriver();
  readonly discovery = new FakeDiscovery("nomad");
  readonly logs: string[] = [];
  link = new FakeLink();
  readonly dataDir: string;
  #agent: ClientAgent | null = null;
  #index = 100;
  #tickedAt = 0;
  #options: Partial<ClientOptions>;

  private constructor(dataDir: string, options: Partial<ClientOptions>) {
    this.dataDir = dataDir;
    this.#options = options;
  }

  static async create(options: Partial<ClientOptions> = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), "drover-client-")), options);
    await world.boot();
    return world;
  }

  get agent(): ClientAgent {
    assert.ok(this.#agent, "the agent has been started");
    return this.#agent;
  }

  get nodeId(): string {
    return this.agent.node.id;
  }

  async boot(store?: AllocStore): Promise<void> {
    const { clock, driver, discovery, link } = this;
    this.#agent = await startClient(
      {
        ...CLIENT_DEFAULTS,
        name: "n1",
        dataDir: this.dataDir,
        httpAddr: "127.0.0.1:4646",
        rpcAddr: "127.0.0.1:4647",
        consumerGraceMs: 0,
        ...this.#options,
      },
      {
        clock,
        random: new SeededRandom(7),
        log: (level, message, fields) => {
          this.logs.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
        },
        link,
        drivers: [driver],
        discoveries: [discovery],
        ...(store === undefined ? {} : { store }),
      },
    );
  }

  /** As after `kill -9`: nothing of the old agent acts any more; tasks and files stay. */
  async restart(store?: AllocStore): Promise<void> {
    await this.agent.stop();
    this.link = new FakeLink();
    await this.boot(store);
  }

  push(
    wants: readonly { alloc: Allocation; job: Job }[],
    more: { removed?: readonly string[]; complete?: boolean; index?: number; epoch?: number } = {},
  ): void {
    this.#index = more.index ?? this.#index + 1;
    this.link.push({
      clusterId: "c1",
      epoch: more.epoch ?? 1,
      index: this.#index,
      complete: more.complete ?? false,
      allocs: wants,
      removed: more.removed ?? [],
    });
  }

  report(id: string): AllocClientReport | undefined {
    return this.link.reports.get(id);
  }

  /**
   * Lets time pass while something is waited for. Slowly: the agent's disk must keep up, or a
   * deadline would pass before the agent had a chance.
   */
  tick(ms: number): void {
    if (Date.now() - this.#tickedAt < 20) return;
    this.#tickedAt = Date.now();
    this.clock.advance(ms);
  }

  /** Waits for a state, not for a time; real time only bounds it. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const end = Date.now() + 5_000;
    while (!holds()) {
      if (Date.now() > end) {
        const reports = JSON.stringify([...this.link.reports.values()], null, 1);
        assert.fail(`never: ${what}\n${this.logs.join("\n")}\n${this.driver.calls}\n${reports}`);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async status(id: string, status: string): Promise<void> {
    await this.until(`${id} is ${status}`, () => this.report(id)?.clientStatus === status);
  }

  async close(): Promise<void> {
    await this.#agent?.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A world for one test. */
export async function inWorld(
  act: (world: World) => Promise<void>,
  options: Parameters<typeof World.create>[0] = {},
): Promise<void> {
  const world = await World.create(options);
  try {
    await act(world);
  } finally {
    await world.close();
  }
}
