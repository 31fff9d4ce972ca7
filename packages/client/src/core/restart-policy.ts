/**
 * Whether and when a task that ended is started again (spec chapter 5 §5.4). Pure: the jitter
 * comes from the given random stream, the window is part of the task's stored state.
 */
import { formatDuration, type Nanos, nanosToMs, type Random } from "@drover/base";
import type { RestartPolicy } from "@drover/model";
import { WITHIN_POLICY } from "./task-events.ts";

/** How many restarts the current interval has seen. */
export interface RestartWindow {
  readonly count: number;
  /** Epoch ms; 0 = no window is open. */
  readonly startedAt: number;
}

export const NO_RESTARTS: RestartWindow = { count: 0, startedAt: 0 };

export interface TaskEnd {
  readonly cause: "exit" | "startError" | "unrecoverable" | "userRestart" | "failureRestart";
  /** An exit with code 0 and no signal. */
  readonly success: boolean;
}

export type RestartDecision =
  | { kind: "restart"; delayMs: number; reason: string; window: RestartWindow }
  | { kind: "terminated" }
  | { kind: "fail"; reason: string };

export interface RestartContext {
  readonly now: number;
  readonly random: Random;
  /** Service main tasks and sidecars start again even after exit code 0. */
  readonly restartOnSuccess: boolean;
}

export function decideRestart(
  policy: RestartPolicy,
  window: RestartWindow,
  end: TaskEnd,
  ctx: RestartContext,
): RestartDecision {
  if (end.cause === "userRestart") return { kind: "restart", delayMs: 0, reason: "", window };
  if (end.cause === "unrecoverable") {
    return { kind: "fail", reason: "Error was unrecoverable" };
  }
  const finished = end.success && !ctx.restartOnSuccess;
  if (finished) return { kind: "terminated" };
  if (policy.attempts === 0) return { kind: "fail", reason: "Policy allows no restarts" };
  const interval = nanosToMs(policy.interval);
  const expired = window.startedAt === 0 || ctx.now >= window.startedAt + interval;
  const next: RestartWindow = expired
    ? { count: 1, startedAt: ctx.now }
    : { count: window.count + 1, startedAt: window.startedAt };
  if (next.count <= policy.attempts) {
    return {
      kind: "restart",
      delayMs: jittered(policy.delay, ctx),
      reason: WITHIN_POLICY,
      window: next,
    };
  }
  if (policy.mode === "delay") {
    return {
      kind: "restart",
      delayMs: Math.max(0, next.startedAt + interval - ctx.now),
      reason: "Exceeded allowed attempts, applying a delay",
      window: next,
    };
  }
  const within = `${policy.attempts} in interval ${formatDuration(policy.interval)}`;
  return { kind: "fail", reason: `Exceeded allowed attempts ${within} and mode is "fail"` };
}

function jittered(delay: Nanos, ctx: RestartContext): number {
  const ms = nanosToMs(delay);
  return ms + Math.floor(ctx.random.next() * ms * 0.25);
}
