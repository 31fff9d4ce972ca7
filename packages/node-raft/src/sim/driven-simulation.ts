/**
 * The same runs as simulation.ts, with members that are real down to the bytes on their disks. Slower
 * by an order of magnitude, so it gets fewer seeds.
 */
import type { CoreOptions } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import { DrivenMember } from "./driven-member.ts";
import { SimFailure } from "./failure.ts";
import { Faults } from "./faults.ts";
import { scenarioOf } from "./scenario.ts";
import { lagging, type RunOptions, type RunResult } from "./simulation.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";

const LIVENESS_MS = 30_000;
const LIVENESS_STEP_MS = 50;

export async function runDrivenSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const run = new DrivenRun(seed, options);
  const failure = await run.play();
  const { world } = run;
  return {
    seed,
    hash: world.trace.hash,
    events: world.clock.events,
    simulatedMs: world.clock.now,
    counts: world.trace.counts,
    acknowledged: world.oracle.acknowledged,
    answered: world.oracle.answered,
    terms: Math.max(...[...world.members.values()].map((m) => m.view()?.term ?? 0)),
    failure,
    lines: world.trace.lines,
  };
}

class DrivenRun {
  readonly world: World;
  #failure: SimFailure | null = null;

  constructor(seed: number, options: RunOptions) {
    const newCore = options.newCore ?? ((core: CoreOptions) => new RaftCore(core));
    const scenario = scenarioOf(seed);
    const keepLines = options.keepLines ?? false;
    this.world = new World(
      scenario,
      (id, world, voters) => {
        const random = world.random.fork(id);
        const failed = (error: Error) => this.#fail(error);
        return new DrivenMember(id, { world, random, newCore, failed }, voters);
      },
      keepLines,
    );
  }

  async play(): Promise<SimFailure | null> {
    const { world } = this;
    const faults = new Faults(world);
    const workload = new Workload(world);
    try {
      world.bootstrap();
      faults.start();
      workload.start();
      await this.#runUntil(world.scenario.faultsForMs);
      faults.stop();
      world.network.calm = true;
      workload.stop();
      await this.#expectLife(workload);
      if (this.#failure === null) world.oracle.finish(world.watch.ledger);
    } catch (error) {
      this.#fail(error);
    }
    return this.#failure;
  }

  async #runUntil(until: number): Promise<void> {
    const { clock } = this.world;
    await settle();
    while (this.#failure === null && clock.step(until)) await settle();
    clock.now = Math.max(clock.now, until);
  }

  async #expectLife(workload: Workload): Promise<void> {
    const { clock, oracle } = this.world;
    const deadline = clock.now + LIVENESS_MS;
    const before = oracle.acknowledged;
    while (clock.now < deadline && this.#failure === null) {
      if (oracle.acknowledged === before) workload.writeNow("k0");
      await this.#runUntil(clock.now + LIVENESS_STEP_MS);
      if (oracle.acknowledged > before && lagging(this.world) === null) return;
    }
    const what = oracle.acknowledged === before ? "no write was acknowledged" : lagging(this.world);
    throw new SimFailure("liveness", "liveness", `${LIVENESS_MS} ms after healing: ${what}`);
  }

  /** The first one counts. */
  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    if (error instanceof SimFailure) {
      this.#failure = error;
      return;
    }
    const isAssertion = error instanceof Error && error.name === "RaftAssertionError";
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#failure = new SimFailure("crash", isAssertion ? "assertion" : "exception", text, error);
  }
}

/** Lets every promise that can go on go on, however long its chain. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
