/** Everything that a seed decides before the run starts. */
import { type Scenario, SimRandom, scenarioOf } from "@raft/node-raft/sim";
import type { JobShape } from "./shapes.ts";
import type { ImageKind } from "./world/images.ts";

export type FaultKind =
  | "serverCrash"
  | "leaderCrash"
  | "leaderPause"
  | "partition"
  | "transfer"
  | "agentCrash"
  | "agentPause"
  | "nodeDeath"
  | "clientCut"
  | "dockerOutage"
  | "consulOutage"
  | "taskCrash"
  | "serverLoss"
  | "clockStep";

/** Times in simulated milliseconds. */
export interface Plan {
  readonly seed: number;
  readonly raft: Scenario;
  readonly machines: number;
  /** A group's allocations, at most. */
  readonly countMax: number;
  /** Of each machine. */
  readonly cpuShares: number;
  /** How far the wall clocks of servers are off, each way. */
  readonly wallOffsetMs: number;
  readonly wireDelayMs: readonly [number, number];
  readonly faultsForMs: number;
  /** Infinity = none. */
  readonly faultEveryMs: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly jobs: number;
  readonly types: readonly JobShape["type"][];
  readonly actionEveryMs: number;
  readonly actions: {
    readonly start: number;
    readonly update: number;
    readonly inPlace: number;
    readonly recount: number;
    readonly reshape: number;
    readonly stop: number;
    readonly revert: number;
    readonly scale: number;
    readonly promote: number;
    readonly pause: number;
    readonly resume: number;
    readonly fail: number;
    readonly drain: number;
    readonly drainCancel: number;
    readonly ineligible: number;
    readonly eligible: number;
    readonly purge: number;
    readonly stopAlloc: number;
    readonly restartAlloc: number;
    readonly reschedule: number;
    readonly setHealth: number;
    readonly purgeNode: number;
    readonly gc: number;
  };
  readonly images: Readonly<Record<Exclude<ImageKind, "batch" | "hook">, number>>;
}

/** So few that evaluations block, and wake when something has gone. */
export const TIGHT_CPU_SHARES = 1_500;

/** One seed in so many is a wide one: more servers, tens of machines, larger jobs. */
const WIDE_EVERY = 100;

const COUNT_MAX = 6;

export function planOf(seed: number): Plan {
  const plan = narrowPlanOf(seed);
  return seed % WIDE_EVERY === 0 ? widened(plan) : plan;
}

function widened(plan: Plan): Plan {
  const random = new SimRandom(plan.seed, "wide");
  return {
    ...plan,
    raft: { ...plan.raft, voters: random.pick([5, 7, 7]) },
    machines: random.pick([20, 30, 40]),
    jobs: 2 + random.int(4),
    countMax: 18,
    // As many machines, as much that goes wrong.
    faultEveryMs: plan.faultEveryMs / 3,
  };
}

function narrowPlanOf(seed: number): Plan {
  const random = new SimRandom(seed, "cluster");
  const calm = random.chance(0.15);
  const maybe = (weight: number) => (random.chance(0.7) ? weight : 0);
  return {
    seed,
    raft: raftOf(seed, random),
    machines: random.pick([3, 4, 5, 5, 6, 8, 12]),
    countMax: COUNT_MAX,
    cpuShares: random.pick([4_000, 4_000, 4_000, TIGHT_CPU_SHARES]),
    wallOffsetMs: random.pick([800, 800, 800, 60_000]),
    wireDelayMs: random.pick([
      [0.2, 1],
      [0.5, 6],
      [2, 60],
    ] as const),
    // Many short histories find more than few long ones; what takes long to go wrong has its share.
    faultsForMs: random.chance(0.05)
      ? random.between(80_000, 160_000)
      : random.between(25_000, 50_000),
    faultEveryMs: calm ? Number.POSITIVE_INFINITY : random.between(1_200, 4_000),
    faults: {
      serverCrash: maybe(2),
      leaderCrash: maybe(2),
      leaderPause: maybe(1),
      partition: maybe(2),
      transfer: maybe(1),
      agentCrash: 3,
      agentPause: maybe(1),
      nodeDeath: maybe(2),
      clientCut: maybe(2),
      dockerOutage: maybe(1),
      consulOutage: maybe(1),
      taskCrash: 3,
      serverLoss: random.chance(0.3) ? 1 : 0,
      clockStep: random.chance(0.2) ? 2 : 0,
    },
    jobs: random.pick([1, 2, 3, 4]),
    types: random.pick([
      ["service"],
      ["service", "service", "batch", "system"],
      ["service", "sysbatch", "system", "batch"],
      ["service", "service", "service", "batch"],
    ] as const),
    actionEveryMs: random.between(2_000, 6_000),
    actions: {
      start: 2,
      update: 8,
      inPlace: maybe(2),
      recount: maybe(2),
      reshape: maybe(2),
      stop: maybe(1),
      revert: maybe(2),
      scale: maybe(1),
      promote: maybe(3),
      pause: maybe(1),
      resume: maybe(2),
      fail: maybe(1),
      drain: calm ? 0 : maybe(2),
      drainCancel: calm ? 0 : maybe(1),
      ineligible: maybe(0.5),
      eligible: maybe(1.5),
      purge: maybe(1),
      stopAlloc: maybe(1),
      restartAlloc: maybe(1),
      reschedule: maybe(0.5),
      setHealth: maybe(1),
      purgeNode: calm ? 0 : maybe(0.5),
      gc: maybe(0.7),
    },
    images: {
      good: 6,
      slow: maybe(2),
      stubborn: maybe(1),
      missing: maybe(1),
      crash: maybe(1),
      sick: maybe(1),
    },
  };
}

function raftOf(seed: number, random: SimRandom): Scenario {
  const base = scenarioOf(seed);
  return {
    ...base,
    voters: random.pick([3, 3, 3, 3, 5]),
    tickMs: 100,
    limits: { ...base.limits, heartbeatTicks: 2, electionTicksMin: 10, electionTicksMax: 20 },
    network: {
      dropChance: random.pick([0, 0, 0.01]),
      duplicateChance: random.pick([0, 0.02]),
      delayMs: random.pick([
        [0.2, 1],
        [0.5, 6],
      ] as const),
      stragglerChance: random.pick([0, 0.005]),
      inOrder: true,
      reportsUnreachable: true,
    },
    disk: {
      syncMs: random.pick([
        [0.2, 3],
        [2, 12],
      ] as const),
    },
    turnMs: random.pick([0, 0.2]),
    applyMs: 0,
    clockSkew: 0,
    snapshotEntries: random.pick([60, 300, 100_000]),
    trailingEntries: random.pick([5, 50]),
    crashHintChance: random.pick([0, 0.5, 1]),
  };
}
