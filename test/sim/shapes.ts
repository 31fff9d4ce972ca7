/** What a simulated user decides about a job, at random. */
import type { SimRandom } from "@raft/node-raft/sim";

export type Hook = "prestart" | "sidecar" | "poststart" | "poststop";

export interface JobShape {
  readonly id: string;
  readonly type: "service" | "batch" | "system" | "sysbatch";
  readonly count: number;
  /** Of a second group; 0 = there is none. */
  readonly sideCount: number;
  readonly image: string;
  /** Changing it is an in-place update. */
  readonly killTimeoutS: number;
  readonly maxParallel: number;
  /** Of the count, instead of `maxParallel`; 0 = not used. */
  readonly maxParallelPercent: number;
  readonly maxSurge: number;
  readonly healthCheck: "checks" | "task_states" | "manual";
  readonly minHealthyS: number;
  readonly healthyDeadlineS: number;
  readonly progressDeadlineS: number;
  readonly canary: number;
  readonly autoRevert: boolean;
  readonly autoPromote: boolean;
  readonly restart: {
    readonly attempts: number;
    readonly intervalS: number;
    readonly mode: "fail" | "delay";
  };
  readonly reschedule: {
    /** 0 = without a limit. */
    readonly attempts: number;
    readonly delayFunction: "constant" | "exponential" | "fibonacci";
  };
  readonly disconnect: {
    readonly lostAfterS: number;
    readonly stopAfterS: number | null;
    readonly replace: boolean;
    readonly reconcile: string;
  } | null;
  /** Tasks beside the main one. */
  readonly hooks: readonly Hook[];
  readonly withService: boolean;
  /** Static port; 0 = none. Then no two of them fit on one machine. */
  readonly port: number;
  readonly cpu: number;
}

export interface ShapeLimits {
  readonly machines: number;
  /** Machines so small that not everything fits at once. */
  readonly tight: boolean;
  /** Of a group. */
  readonly countMax: number;
}

const STATIC_PORT = 8_000;

export function randomShape(
  random: SimRandom,
  of: Pick<JobShape, "id" | "type" | "image">,
  limits: ShapeLimits,
): JobShape {
  const { type } = of;
  const isService = type === "service";
  const port = isService && random.chance(0.15) ? portOf(of.id) : 0;
  const count = randomCount(random, port, limits);
  const healthyDeadlineS = random.pick([15, 25, 40]);
  const healthCheck = random.pick(["checks", "checks", "checks", "task_states"] as const);
  const canary = canaries(random, { type, count, port });
  return {
    ...of,
    count,
    sideCount:
      type !== "system" && type !== "sysbatch" && random.chance(0.2) ? 1 + random.int(2) : 0,
    killTimeoutS: random.pick([2, 5]),
    maxParallel: random.pick([1, 1, 2, 3, 6]),
    maxParallelPercent: isService ? random.pick([0, 0, 0, 40]) : 0,
    // A second one beside the first finds its port taken.
    maxSurge: isService && port === 0 ? random.pick([0, 0, 0, 1, 2]) : 0,
    healthCheck: isService && random.chance(0.07) ? "manual" : healthCheck,
    minHealthyS: random.pick([0, 1, 3, 8]),
    healthyDeadlineS,
    progressDeadlineS: random.pick([0, healthyDeadlineS + 10, healthyDeadlineS + 30]),
    canary,
    autoRevert: random.chance(0.5),
    autoPromote: canary > 0 && random.chance(0.6),
    restart: restartOf(random),
    reschedule: {
      attempts: type === "batch" || random.chance(0.15) ? 3 : 0,
      delayFunction: random.pick(["constant", "constant", "exponential", "fibonacci"] as const),
    },
    disconnect: disconnectOf(random, type),
    hooks: hooksOf(random),
    withService: isService && random.chance(0.8),
    port,
    cpu: random.pick([100, 300, 600]),
  };
}

/** Each job has its own: two that share one might not find room beside each other. */
function portOf(jobId: string): number {
  return STATIC_PORT + Number(/\d+$/.exec(jobId)?.[0] ?? 0);
}

/** A static port fits once on each machine. */
export function randomCount(random: SimRandom, port: number, limits: ShapeLimits): number {
  const { machines, countMax } = limits;
  return 1 + random.int(port === 0 ? countMax : Math.max(1, Math.min(countMax, machines - 1)));
}

function canaries(
  random: SimRandom,
  { type, count, port }: Pick<JobShape, "type" | "count" | "port">,
): number {
  // A canary finds its port taken by the one that it stands beside.
  if (port !== 0) return 0;
  if (type === "system") return random.pick([0, 0, 0, 50]);
  return type === "service" ? random.pick([0, 0, 0, 1, 1, 2, count]) : 0;
}

function restartOf(random: SimRandom): JobShape["restart"] {
  const attempts = random.pick([0, 1, 2]);
  const mode = attempts > 0 && random.chance(0.2) ? "delay" : "fail";
  return { attempts, intervalS: random.pick([10, 60]), mode };
}

function disconnectOf(random: SimRandom, type: JobShape["type"]): JobShape["disconnect"] {
  if (random.chance(0.65)) return null;
  const reconcile = random.pick([
    "best_score",
    "longest_running",
    "keep_original",
    "keep_replacement",
  ]);
  const replace = random.chance(0.7);
  const mayStop = type === "service" || type === "batch";
  if (mayStop && random.chance(0.2)) return { lostAfterS: 0, stopAfterS: 10, replace, reconcile };
  return { lostAfterS: random.pick([0, 15, 40, 120]), stopAfterS: null, replace, reconcile };
}

function hooksOf(random: SimRandom): Hook[] {
  if (random.chance(0.75)) return [];
  const all: readonly Hook[] = ["prestart", "sidecar", "poststart", "poststop"];
  return all.filter(() => random.chance(0.4));
}
