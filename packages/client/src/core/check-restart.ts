/**
 * Restarts tasks whose checks stay bad (spec chapter 5 §5.5): after a grace from the task's start,
 * a check that is bad for `interval × (limit − 1)` restarts what it belongs to, as a failure.
 */
import { nanosToMs } from "@drover/base";
import type { ServiceCheck } from "@drover/model";

export interface WatchedCheck {
  readonly id: string;
  readonly name: string;
  /** "" = the whole allocation. */
  readonly taskName: string;
  readonly definition: ServiceCheck;
  /** What the catalog says; null = nothing yet, or it cannot be seen. */
  readonly status: string | null;
  /** Newest start of what the check belongs to; 0 = not all of it runs. */
  readonly startedAt: number;
}

/** Per check id: bad since when, for which start. */
export type CheckRestartState = ReadonlyMap<string, { startedAt: number; badSince: number }>;

export interface CheckRestartStep {
  readonly state: CheckRestartState;
  readonly restart: readonly { readonly taskName: string; readonly reason: string }[];
  /** Epoch ms to look again; Infinity = nothing is pending. */
  readonly recheckAt: number;
}

export function stepCheckRestart(
  before: CheckRestartState,
  checks: readonly WatchedCheck[],
  now: number,
): CheckRestartStep {
  const state = new Map<string, { startedAt: number; badSince: number }>();
  const restart: { taskName: string; reason: string }[] = [];
  let recheckAt = Number.POSITIVE_INFINITY;
  for (const check of checks) {
    const rule = check.definition.checkRestart;
    if (rule === null || rule.limit <= 0 || check.startedAt === 0) continue;
    const graceEnd = check.startedAt + nanosToMs(rule.grace);
    if (!isBad(check.status, rule.ignoreWarnings)) continue;
    if (now < graceEnd) {
      recheckAt = Math.min(recheckAt, graceEnd);
      continue;
    }
    const known = before.get(check.id);
    const badSince = known?.startedAt === check.startedAt ? known.badSince : now;
    const due = badSince + nanosToMs(check.definition.interval) * (rule.limit - 1);
    state.set(check.id, { startedAt: check.startedAt, badSince });
    if (now < due) recheckAt = Math.min(recheckAt, due);
    else {
      const reason = `healthcheck: check ${JSON.stringify(check.name)} unhealthy`;
      restart.push({ taskName: check.taskName, reason });
    }
  }
  return { state, restart, recheckAt };
}

function isBad(status: string | null, ignoreWarnings: boolean): boolean {
  if (status === null || status === "passing") return false;
  return status === "warning" ? !ignoreWarnings : true;
}
