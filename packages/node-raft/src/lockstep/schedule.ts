/**
 * What a seed decides before a schedule is played: the settings, and operations that name no
 * message or index but pick, when they are played, among what is there. So any of them can be left
 * out, and the rest still means something (shrink.ts).
 */
import { SimRandom } from "../sim/random.ts";

/** `pick` and `pick2` are uniform in [0, 1). */
export interface Operation {
  readonly kind: OperationKind;
  readonly pick: number;
  readonly pick2: number;
}

export type OperationKind =
  | "tick"
  | "tickAll"
  | "deliver"
  | "deliverAny"
  | "drop"
  | "duplicate"
  | "settle"
  | "propose"
  | "cut"
  | "cutLeader"
  | "rival"
  | "heal"
  | "disk"
  | "crash"
  | "compact"
  | "transfer"
  | "unreachable"
  | "change"
  | "read";

export interface Settings {
  /** Whose messages travel. */
  readonly source: "ours" | "etcd";
  readonly voters: number;
  /** Whether writes wait for "disk"; without, they are on disk at once. */
  readonly slowDisk: boolean;
  /** Whether the membership changes. */
  readonly changes: boolean;
  readonly electionTicksMin: number;
  readonly electionTicksMax: number;
  readonly messageBytesMax: number;
  readonly inflightMessagesMax: number;
}

export interface Schedule {
  readonly seed: number;
  readonly settings: Settings;
  readonly operations: readonly Operation[];
}

/** Reads come in between the others, so that these are what they were without. */
type Weights = Readonly<Record<Exclude<OperationKind, "read">, number>>;
const READ_CHANCE = 0.08;

const CALM: Weights = {
  tick: 12,
  tickAll: 6,
  deliver: 40,
  deliverAny: 4,
  drop: 1,
  duplicate: 1,
  settle: 8,
  propose: 14,
  cut: 1,
  cutLeader: 1,
  rival: 0.5,
  heal: 2,
  disk: 0,
  crash: 1,
  compact: 2,
  transfer: 1,
  unreachable: 0.5,
  change: 0,
};

/** What kind of trouble a schedule is about; each adds to the calm one. */
const TROUBLES: readonly Partial<Weights>[] = [
  {},
  { drop: 10, duplicate: 6, deliverAny: 20 },
  { cut: 5, heal: 4, tick: 20 },
  { cutLeader: 8, rival: 8, heal: 5, settle: 12, propose: 25 },
  { cut: 4, heal: 5, compact: 15, settle: 15 },
  { crash: 6, compact: 5 },
  { transfer: 8, cut: 2 },
];

const CHANGES: Partial<Weights> = { change: 8, settle: 12 };

export function scheduleOf(seed: number): Schedule {
  const random = new SimRandom(seed, "lock-step");
  const about = random.weighted({ disk: 4, change: 3, both: 3, neither: 2 });
  const slowDisk = about === "disk" || about === "both";
  const changes = about === "change" || about === "both";
  const electionTicksMin = 3 + random.int(4);
  const settings: Settings = {
    source: random.chance(0.5) ? "ours" : "etcd",
    voters: random.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5]),
    slowDisk,
    changes,
    electionTicksMin,
    electionTicksMax: electionTicksMin * 2 - 1,
    messageBytesMax: random.pick([1, 20, 10_000]),
    inflightMessagesMax: random.pick([1, 3, 64]),
  };
  const weights = {
    ...CALM,
    ...random.pick(TROUBLES),
    ...(slowDisk ? { disk: 25 } : {}),
    ...(changes ? CHANGES : {}),
  };
  const count = 60 + random.int(240);
  const operations = Array.from({ length: count }, () => ({
    kind: random.weighted(weights),
    pick: random.float(),
    pick2: random.float(),
  }));
  // N29: a token's quorum is looked at anew by other events where the membership changes.
  if (changes) return { seed, settings, operations };
  return { seed, settings, operations: withReads(operations, new SimRandom(seed, "reads")) };
}

function withReads(operations: readonly Operation[], random: SimRandom): readonly Operation[] {
  return operations.flatMap((operation) => {
    if (!random.chance(READ_CHANCE)) return [operation];
    const [pick, pick2] = [random.float(), random.float()];
    return [operation, { kind: "read", pick, pick2 }];
  });
}
