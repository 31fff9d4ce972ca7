/**
 * Everything that a seed decides before the run starts: size, speeds, and what goes wrong how
 * often.
 */
import type { CoreLimits } from "../core/options.ts";
import { SimRandom } from "./random.ts";

export type FaultKind =
  | "crash"
  | "crashLeader"
  | "crashAll"
  | "isolate"
  | "isolateLeader"
  | "newLeader"
  | "storm"
  | "partition"
  | "asymmetric"
  | "pause"
  | "slowDisk"
  | "hungDisk"
  | "diskError"
  | "diskFull"
  | "syncLie"
  | "rot"
  | "wipe"
  | "clockJump"
  | "gcStall"
  | "lossy"
  | "transfer"
  | "addMember"
  | "removeMember"
  | "replaceMember"
  | "demoteMember";

/** Times in simulated milliseconds. */
export interface Scenario {
  readonly seed: number;
  readonly voters: number;
  readonly faultsForMs: number;
  readonly tickMs: number;
  readonly limits: CoreLimits;
  readonly network: {
    readonly dropChance: number;
    readonly duplicateChance: number;
    readonly delayMs: readonly [number, number];
    /** Now and then a message takes many times as long. */
    readonly stragglerChance: number;
    readonly inOrder: boolean;
    readonly reportsUnreachable: boolean;
  };
  readonly disk: { readonly syncMs: readonly [number, number] };
  readonly turnMs: number;
  readonly applyMs: number;
  /** Largest factor by which a member's ticks differ. */
  readonly clockSkew: number;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly faultEveryMs: number;
  /** The time for faults is prolonged until there were so many of both. */
  readonly faultsMin: number;
  readonly eventsMin: number;
  /** By their numbers from 1: a smaller run leaves them out (shrink.ts). */
  readonly faultsLeftOut: ReadonlySet<number>;
  readonly faultWeights: Readonly<Record<FaultKind, number>>;
  /** A member that is asked for its vote crashes and is back at once. */
  readonly voteCrashChance: number;
  /** Peers of a crashed member notice its closed socket. */
  readonly crashHintChance: number;
  readonly workload: {
    readonly everyMs: number;
    readonly keys: number;
    readonly readShare: number;
  };
  /** Machines freeze, or have their wall clocks set; else a pause stops the program only. */
  readonly machinesFreeze: boolean;
  /** Only where clocks run nearly equally fast. */
  readonly leases: boolean;
  /** Of a member, while others have them. */
  readonly withoutLeasesChance: number;
  /** Clients whose writes must happen once, and the room that the cluster has for them. */
  readonly sessions: {
    readonly clients: number;
    readonly everyMs: number;
    readonly max: number;
    readonly resultsMax: number;
    readonly resultBytesMax: number;
    readonly answerLostChance: number;
  };
}

/** Every seed has at least so many; lost, doubled and late messages are not counted. */
export const FAULTS_MIN = 5;
export const EVENTS_MIN = 500;
/** Leases allow for clocks of which one runs faster than the other by so much each way. */
const CLOCK_SKEW_FOR_LEASES = 0.05;

export function scenarioOf(seed: number): Scenario {
  const random = new SimRandom(seed, "scenario");
  const churn = random.chance(0.5);
  const network = networkOf(random);
  return {
    seed,
    voters: random.pick([1, 2, 3, 3, 3, 3, 3, 3, 5, 5, 5]),
    faultsForMs: random.between(2000, 4000),
    tickMs: 10,
    limits: limitsOf(random, network.delayMs[1]),
    network,
    disk: { syncMs: random.chance(0.3) ? [2, 25] : [0.2, 3] },
    turnMs: random.pick([0, 0.2, 2]),
    applyMs: random.pick([0, 0.5, 10]),
    clockSkew: random.pick([0, 0.05, 0.3]),
    snapshotEntries: random.pick([8, 25, 100_000]),
    trailingEntries: random.pick([0, 5, 20]),
    faultEveryMs: random.between(60, 400),
    faultsMin: FAULTS_MIN,
    eventsMin: EVENTS_MIN,
    faultsLeftOut: new Set(),
    faultWeights: faultWeightsOf(random, churn),
    voteCrashChance: random.pick([0, 0, 0.4]),
    crashHintChance: random.pick([0, 0.5, 1]),
    workload: {
      everyMs: random.pick([3, 10, 40]),
      keys: 3,
      readShare: random.pick([0.2, 0.5]),
    },
    machinesFreeze: false,
    leases: false,
    withoutLeasesChance: 0,
    sessions: sessionsOf(new SimRandom(seed, "sessions")),
  };
}

/** With what only the real driver knows of. */
export function nodeScenarioOf(seed: number): Scenario {
  const scenario = { ...scenarioOf(seed), machinesFreeze: true };
  const random = new SimRandom(seed, "leases");
  if (scenario.clockSkew > CLOCK_SKEW_FOR_LEASES || random.chance(0.2)) return scenario;
  return {
    ...scenario,
    // As in life, a lease outlasts an election that nothing holds back, and the writes after it.
    tickMs: 30,
    faultEveryMs: 4 * scenario.faultEveryMs,
    limits: { ...scenario.limits, heartbeatTicks: 1, electionTicksMin: 8, electionTicksMax: 14 },
    network: { ...scenario.network, delayMs: random.pick([[0.2, 1] as const, [0.5, 6] as const]) },
    disk: { syncMs: [0.2, 3] },
    // A leap of a clock that counts on makes it a faster one than leases allow for.
    faultWeights: { ...scenario.faultWeights, clockJump: 0, gcStall: 0 },
    leases: true,
    withoutLeasesChance: random.pick([0, 0, 0.6]),
  };
}

function sessionsOf(random: SimRandom): Scenario["sessions"] {
  const clients = random.pick([2, 3, 4]);
  return {
    clients,
    everyMs: random.pick([20, 60]),
    // Sometimes there is no room for all, and they take it from each other.
    max: random.pick([clients - 1, clients, 100]),
    resultsMax: random.pick([1, 2, 8]),
    answerLostChance: random.pick([0, 0.1, 0.4]),
    // A result takes one to three: now and then room for one at a time, or two.
    resultBytesMax: random.pick([1, 4, 1_000, 1_000]),
  };
}

function limitsOf(random: SimRandom, delayMsMax: number): CoreLimits {
  // One small message per slow round trip would need minutes to catch up.
  const tiny = delayMsMax < 20;
  // The defaults' coarse ticks, where a message takes less than one; else finer ones.
  const elections =
    delayMsMax < 10 && random.chance(0.4)
      ? { heartbeatTicks: 1, electionTicksMin: 4, electionTicksMax: 7 }
      : { heartbeatTicks: 2, electionTicksMin: 10, electionTicksMax: random.pick([14, 20, 20]) };
  return {
    ...elections,
    inflightMessagesMax: random.pick([tiny ? 1 : 4, 4, 64]),
    inflightBytesMax: random.pick([tiny ? 16 : 256, 256, 65_536]),
    messageBytesMax: random.pick([tiny ? 8 : 64, 64, 4096]),
    uncommittedBytesMax: random.pick([200, 100_000]),
  };
}

function networkOf(random: SimRandom): Scenario["network"] {
  return {
    dropChance: random.pick([0, 0, 0.01, 0.05, 0.2]),
    duplicateChance: random.pick([0, 0.02, 0.1]),
    delayMs: random.pick([
      [0.2, 1],
      [0.5, 6],
      [1, 40],
    ] as const),
    stragglerChance: random.pick([0, 0.005, 0.03]),
    inOrder: random.chance(0.4),
    reportsUnreachable: random.chance(0.5),
  };
}

function faultWeightsOf(random: SimRandom, churn: boolean): Scenario["faultWeights"] {
  // Each seed has its own mix: some faults only bite where others keep away.
  const maybe = (weight: number) => (random.chance(0.7) ? weight : 0);
  return {
    crash: 3,
    crashLeader: maybe(3),
    crashAll: maybe(0.7),
    isolate: maybe(2),
    isolateLeader: maybe(2),
    newLeader: maybe(3),
    storm: maybe(1.5),
    partition: maybe(2),
    asymmetric: maybe(2),
    pause: maybe(2),
    slowDisk: maybe(1),
    hungDisk: maybe(1),
    diskError: maybe(1),
    lossy: maybe(1),
    transfer: maybe(1.5),
    addMember: churn ? 2 : 0,
    removeMember: churn ? 1.5 : 0,
    replaceMember: churn ? 1.5 : 0,
    demoteMember: churn ? 0.7 : 0,
    diskFull: maybe(0.7),
    syncLie: maybe(0.7),
    clockJump: maybe(0.7),
    gcStall: maybe(0.7),
    // A machine that is gone for good, and one more that churn takes out, could be too many.
    rot: churn ? 0 : maybe(2),
    wipe: churn ? 0 : maybe(2),
  };
}
