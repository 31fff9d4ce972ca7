/**
 * One seed = one run. First everything goes wrong and only safety is asked for; then everything
 * heals and the cluster must elect, serve and converge. The same seed gives the same trace hash.
 */
import { bootstrapState } from "../core/bootstrap.ts";
import type { CoreOptions } from "../core/options.ts";
import { RaftCore } from "../core/raft.ts";
import { MembershipController } from "../node/membership-controller.ts";
import { openRaftNode } from "../node/open-raft-node.ts";
import { openLocalStorage } from "../wal/local-port.ts";
import { CoreMember } from "./core-member.ts";
import { Divergence, divergenceScenario } from "./divergence.ts";
import { drainedSteps } from "./drain.ts";
import { asFailure, SimFailure } from "./failure.ts";
import { Faults, type InjectedFault } from "./faults.ts";
import { LeaseFaults } from "./lease-faults.ts";
import { LocalReaders } from "./local-readers.ts";
import { type NodeCode, NodeMember } from "./node-member.ts";
import { EVENTS_MIN, FAULTS_MIN, nodeScenarioOf, type Scenario, scenarioOf } from "./scenario.ts";
import { SessionClients } from "./session-clients.ts";
import { Upgrade, upgradeScenario } from "./upgrade.ts";
import { Upkeep, upkeepScenario } from "./upkeep.ts";
import { Workload } from "./workload.ts";
import { type MemberFactory, World } from "./world.ts";

/** Simulated time in which a healed cluster must serve and agree. */
const LIVENESS_MS = 30_000;
const LIVENESS_STEP_MS = 50;
/** Simulated time after which nothing more goes wrong, however little it was. */
const FAULTS_MS_MAX = 60_000;
const FAULTS_STEP_MS = 100;

/**
 * core: the bare core with a small driver of the simulator's own, fast and wide. node: the real
 * driver over the real log on a simulated disk. upkeep: the same with the membership controller on
 * every member; machines die for good, and spare ones are there. states: what a member holds comes
 * to differ. upgrade: members with programs of different age, replaced by newer ones in turn.
 */
export type SimMode = "core" | "node" | "upkeep" | "states" | "upgrade";

export const simModes: readonly SimMode[] = ["core", "node", "upkeep", "states", "upgrade"];

/** What a mode adds to members and faults. */
interface Addition {
  readonly factory: MemberFactory;
  start(world: World): void;
  /** What is to be waited for in the end; null = nothing. */
  unmet?(): string | null;
}

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
  readonly faults: readonly InjectedFault[];
  /** Newest last; only when asked for. */
  readonly lines: readonly string[];
}

/** The code to run instead of the real one: a mutant. */
export interface SimCode {
  readonly newCore: (options: CoreOptions) => RaftCore;
  readonly node: NodeCode;
}

export interface RunOptions {
  readonly mode?: SimMode | undefined;
  readonly code?: SimCode | undefined;
  readonly keepLines?: boolean | undefined;
  /** Makes the seed's scenario a smaller one. */
  readonly smaller?: ((scenario: Scenario) => Scenario) | undefined;
}

export const realCode: SimCode = {
  newCore: (options) => new RaftCore(options),
  node: { openRaftNode, openLocalStorage, MembershipController },
};

/** A run in which little happens proves little. null = enough did. */
export function thinness({ events, faults }: RunResult): string | null {
  if (events >= EVENTS_MIN && faults.length >= FAULTS_MIN) return null;
  return `only ${events} events and ${faults.length} faults`;
}

/** The command that plays the seed again, and makes it smaller where it fails. */
export function reproduction(mode: SimMode, seed: number): string {
  return `node packages/node-raft/src/sim/cli.ts --seed ${seed} --seeds 1 --mode ${mode}`;
}

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const { mode = "core", code = realCode, keepLines = false, smaller = (all) => all } = options;
  const addition = additionOf(mode, code);
  const factory = addition?.factory ?? (mode === "core" ? coreMembers(code) : nodeMembers(code));
  const world = new World(smaller(scenarios[mode](seed)), factory, keepLines);
  const faults = new Faults(world);
  const failure = await attempt(world, mode, addition, faults);
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
    faults: faults.injected,
    lines: world.trace.lines,
  };
}

const scenarios: Readonly<Record<SimMode, (seed: number) => Scenario>> = {
  core: scenarioOf,
  node: nodeScenarioOf,
  upkeep: upkeepScenario,
  states: divergenceScenario,
  upgrade: upgradeScenario,
};

function additionOf(mode: SimMode, code: SimCode): Addition | null {
  if (mode === "upkeep") return new Upkeep(code.node);
  if (mode === "upgrade") return new Upgrade(code.node);
  return mode === "states" ? new Divergence(code.node) : null;
}

function coreMembers(code: SimCode): MemberFactory {
  return (id, world, voters) => {
    const { clock, network, watch, oracle, scenario } = world;
    const random = world.random.fork(id);
    const deps = { clock, random, network, watch, oracle, scenario, newCore: code.newCore };
    const member = new CoreMember(id, deps);
    if (voters !== null) {
      const { hardState, entries } = bootstrapState(voters);
      member.disk.hardState = hardState;
      member.disk.entries = [...entries];
    }
    return member;
  };
}

function nodeMembers(code: SimCode): MemberFactory {
  return (id, world, voters) => new NodeMember(id, world, voters, code.node);
}

async function attempt(
  world: World,
  mode: SimMode,
  addition: Addition | null,
  faults: Faults,
): Promise<SimFailure | null> {
  try {
    await play(world, mode, addition, faults);
    return null;
  } catch (error) {
    return asFailure("exception", error);
  }
}

async function play(
  world: World,
  mode: SimMode,
  addition: Addition | null,
  faults: Faults,
): Promise<void> {
  const { clock, oracle, network, scenario, watch } = world;
  const workload = new Workload(world);
  // What only the real driver can serve, and what is only a fault for it.
  const extras =
    mode === "node"
      ? [new SessionClients(world), new LocalReaders(world), new LeaseFaults(world)]
      : [];
  world.bootstrap();
  addition?.start(world);
  faults.start();
  workload.start();
  for (const each of extras) each.start();
  await runUntil(world, mode, scenario.faultsForMs);
  const isThin = () =>
    faults.injected.length < scenario.faultsMin || clock.events < scenario.eventsMin;
  while (isThin() && clock.now < FAULTS_MS_MAX) {
    await runUntil(world, mode, clock.now + FAULTS_STEP_MS);
  }
  faults.stop();
  network.calm = true;
  workload.stop();
  for (const each of extras) each.stop();
  await expectLife(world, mode, workload, addition);
  oracle.finish(watch.ledger);
}

async function runUntil(world: World, mode: SimMode, until: number): Promise<void> {
  const { clock } = world;
  if (mode === "core") {
    while (clock.step(until));
  } else if (clock.step(until)) {
    await drainedSteps(() => {
      if (world.failure !== null) throw world.failure;
      return clock.step(until);
    });
  }
  clock.now = Math.max(clock.now, until);
}

/** A leader, a write acknowledged after the healing, and all members at the same state. */
async function expectLife(
  world: World,
  mode: SimMode,
  workload: Workload,
  addition: Addition | null,
): Promise<void> {
  const { clock, oracle } = world;
  const deadline = clock.now + LIVENESS_MS;
  const before = oracle.acknowledged;
  const unmet = (): string | null => addition?.unmet?.() ?? null;
  while (clock.now < deadline) {
    if (oracle.acknowledged === before || unmet() !== null) workload.writeNow("k0");
    await runUntil(world, mode, clock.now + LIVENESS_STEP_MS);
    if (oracle.acknowledged > before && unmet() === null && lagging(world) === null) return;
  }
  const unanswered = oracle.acknowledged === before ? "no write was acknowledged" : null;
  const what = unanswered ?? unmet() ?? lagging(world);
  throw new SimFailure("liveness", "liveness", `${LIVENESS_MS} ms after healing: ${what}`);
}

/** null = everyone in the configuration holds the leader's state. */
function lagging(world: World): string | null {
  const leader = world.leader();
  if (leader === null) return "nobody leads";
  const { conf, commit, lastIndex } = leader.view;
  if (conf.votersOutgoing.length > 0) return "the joint configuration was not left";
  if (commit !== lastIndex) return `the leader commits ${commit} of ${lastIndex}`;
  const { votersWanted, gone } = world;
  if (votersWanted > 0 && conf.voters.length !== votersWanted) {
    return `${conf.voters.length} of ${votersWanted} vote`;
  }
  for (const id of [...conf.voters, ...conf.learners]) {
    if (gone.has(id) && !conf.voters.includes(id)) continue;
    const member = world.members.get(id);
    if (member?.quarantined) continue;
    const state = member?.state();
    if (state?.index !== commit) return `${id} is at ${state?.index} of ${commit}`;
    if (state.chain !== leader.member.state().chain) return `${id} differs at ${commit}`;
  }
  return null;
}
