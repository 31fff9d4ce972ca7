/**
 * One seed = one run. First everything goes wrong and only safety is asked for; then everything heals
 * and the cluster must elect, serve and converge. The same seed gives the same trace hash.
 */

import { bootstrapState } from "../core/bootstrap.ts";
import type { CoreOptions } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import { CoreMember } from "./core-member.ts";
import { SimFailure } from "./failure.ts";
import { Faults } from "./faults.ts";
import { scenarioOf } from "./scenario.ts";
import { Workload } from "./workload.ts";
import { type MemberFactory, World } from "./world.ts";

/** Simulated time in which a healed cluster must serve and agree. */
const LIVENESS_MS = 30_000;
const LIVENESS_STEP_MS = 50;

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly acknowledged: number;
  readonly answered: number;
  readonly terms: number;
  readonly failure: SimFailure | null;
  /** Newest last; only when asked for. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** The core to run instead of the real one (a mutant). */
  readonly newCore?: ((options: CoreOptions) => RaftCore) | undefined;
  readonly keepLines?: boolean | undefined;
}

export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const newCore = options.newCore ?? ((core: CoreOptions) => new RaftCore(core));
  const world = new World(scenarioOf(seed), coreMembers(newCore), options.keepLines ?? false);
  const failure = attempt(() => play(world));
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

function coreMembers(newCore: (options: CoreOptions) => RaftCore): MemberFactory {
  return (id, world, voters) => {
    const { clock, network, watch, oracle, scenario } = world;
    const random = world.random.fork(id);
    const deps = { clock, random, network, watch, oracle, scenario, newCore };
    const member = new CoreMember(id, deps);
    if (voters !== null) {
      const { hardState, entries } = bootstrapState(voters);
      member.disk.hardState = hardState;
      member.disk.entries = [...entries];
    }
    return member;
  };
}

function play(world: World): void {
  const { clock, oracle, network, scenario, watch } = world;
  const faults = new Faults(world);
  const workload = new Workload(world);
  world.bootstrap();
  faults.start();
  workload.start();
  runUntil(world, scenario.faultsForMs);
  faults.stop();
  network.calm = true;
  workload.stop();
  expectLife(world, workload);
  runUntil(world, clock.now);
  oracle.finish(watch.ledger);
}

function runUntil(world: World, until: number): void {
  while (world.clock.step(until));
  world.clock.now = Math.max(world.clock.now, until);
}

/** A leader, a write acknowledged after the healing, and all members at the same state. */
function expectLife(world: World, workload: Workload): void {
  const { clock, oracle } = world;
  const deadline = clock.now + LIVENESS_MS;
  const acknowledgedBefore = oracle.acknowledged;
  while (clock.now < deadline) {
    if (oracle.acknowledged === acknowledgedBefore) workload.writeNow("k0");
    runUntil(world, clock.now + LIVENESS_STEP_MS);
    if (oracle.acknowledged > acknowledgedBefore && lagging(world) === null) return;
  }
  const what =
    oracle.acknowledged === acknowledgedBefore ? "no write was acknowledged" : lagging(world);
  throw new SimFailure("liveness", "liveness", `${LIVENESS_MS} ms after healing: ${what}`);
}

/** null = everyone in the configuration holds the leader's state. */
export function lagging(world: World): string | null {
  const leader = world.leader();
  if (leader === null) return "nobody leads";
  const { conf, commit, lastIndex } = leader.view;
  if (conf.votersOutgoing.length > 0) return "the joint configuration was not left";
  if (commit !== lastIndex) return `the leader commits ${commit} of ${lastIndex}`;
  for (const id of [...conf.voters, ...conf.learners]) {
    const state = world.members.get(id)?.state();
    if (state?.index !== commit) return `${id} is at ${state?.index} of ${commit}`;
    if (state.chain !== leader.member.state().chain) return `${id} differs at ${commit}`;
  }
  return null;
}

function attempt(fn: () => void): SimFailure | null {
  try {
    fn();
    return null;
  } catch (error) {
    if (error instanceof SimFailure) return error;
    const text = error instanceof Error ? error.message : String(error);
    const checker =
      error instanceof Error && error.name === "RaftAssertionError" ? "assertion" : "exception";
    return new SimFailure("crash", checker, text, error);
  }
}
