/** Allocations whose node is out of reach, and those that come back (spec §3.10). */
import { nanosToMs, SECOND } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  isServerTerminal,
  type Job,
  type PlannedAttributeUpdate,
  type TaskGroup,
} from "@drover/model";
import { groupOf, isLive, lastUnknownAt, lostAfterMs } from "./alloc-facts.ts";
import type { Due } from "./followups.ts";
import { hasUpdateStrategy } from "./limit.ts";
import { nextDelay } from "./reschedule.ts";
import { Description, type StopRequest } from "./types.ts";

const NOW_TOLERANCE_MS = 1_000;
const STOP_DELAY_MIN_NANOS = 5 * SECOND;

interface DisconnectPlan {
  /** Time-outs after which they count as lost. */
  readonly timeouts: Due[];
  /** Replaced at once, without stopping the unreachable one. */
  readonly replaceNow: Allocation[];
  readonly replaceLater: Due[];
}

/** D1, D2: the unreachable become `unknown`; where the group says so they are replaced meanwhile. */
export function planDisconnects(
  disconnecting: readonly Allocation[],
  groupOf: (alloc: Allocation) => TaskGroup | undefined,
  now: number,
): DisconnectPlan {
  const plan: DisconnectPlan = { timeouts: [], replaceNow: [], replaceLater: [] };
  for (const alloc of disconnecting) {
    const group = groupOf(alloc);
    plan.timeouts.push({ allocId: alloc.id, at: now + lostAfterMs(group) });
    const policy = group?.reschedulePolicy ?? null;
    if (group?.disconnect?.replace === false || policy === null) continue;
    if (policy.attempts === 0 && !policy.unlimited) continue;
    const delayMs = nanosToMs(nextDelay(alloc.rescheduleTracker, policy, now));
    if (delayMs <= NOW_TOLERANCE_MS) plan.replaceNow.push(alloc);
    else plan.replaceLater.push({ allocId: alloc.id, at: now + delayMs });
  }
  return plan;
}

/** D3: the replacement of an unknown one that was put off until this evaluation. */
export function isDueForReplacement(alloc: Allocation, evalId: string): boolean {
  return alloc.clientStatus === ClientStatus.unknown && alloc.followupEvalId === evalId;
}

/** D8: another one has taken its place, and may have to give it back. */
export function isStoodInFor(alloc: Allocation): boolean {
  return alloc.clientStatus === ClientStatus.unknown && alloc.nextAllocation !== "";
}

interface ReconnectPlan {
  readonly kept: Allocation[];
  readonly updates: PlannedAttributeUpdate[];
  readonly stops: StopRequest[];
}

/** D4 to D7: for each that came back, keep it or its replacement. */
export function planReconnects(
  reconnecting: readonly Allocation[],
  untainted: readonly Allocation[],
  context: {
    readonly job: Job;
    readonly groupOf: (alloc: Allocation) => TaskGroup | undefined;
    readonly now: number;
  },
): ReconnectPlan {
  const plan: ReconnectPlan = { kept: [], updates: [], stops: [] };
  const byId = new Map(untainted.map((alloc) => [alloc.id, alloc]));
  for (const alloc of reconnecting) {
    const stop = stopAtOnce(alloc, context.job);
    if (stop) {
      plan.stops.push(stop);
      continue;
    }
    const replacements = liveReplacements(alloc, byId);
    const strategy = context.groupOf(alloc)?.disconnect?.reconcile ?? "best_score";
    if (replacements.some((each) => isReplacementBetter(alloc, each, strategy))) {
      plan.stops.push({ alloc, description: Description.notNeeded });
      continue;
    }
    for (const each of replacements) {
      plan.stops.push({ alloc: each, description: Description.reconnected });
    }
    plan.kept.push(alloc);
    if (alloc.clientStatus === ClientStatus.unknown) continue;
    const { clientStatus, id } = alloc;
    // Should it fail, or go out of reach again, it is replaced as if it had not been before.
    const anew = { followupEvalId: "", nextAllocation: "" } as const;
    plan.updates.push({ allocId: id, clientStatus, allocStateAt: context.now, ...anew });
  }
  return plan;
}

function stopAtOnce(alloc: Allocation, job: Job): StopRequest | null {
  if (alloc.clientStatus === ClientStatus.failed) {
    return { alloc, description: Description.rescheduled, clientStatus: ClientStatus.failed };
  }
  const { forceReschedule, migrate, reschedule } = alloc.desiredTransition;
  const isUnwanted =
    isServerTerminal(alloc) ||
    migrate === true ||
    reschedule === true ||
    forceReschedule === true ||
    (alloc.jobVersion < job.version && !isRolled(alloc, job)) ||
    alloc.jobCreateIndex < job.createIndex;
  return isUnwanted ? { alloc, description: Description.notNeeded } : null;
}

/** D7: the rolling limit decides when it goes, as for everything else that is older. */
function isRolled(alloc: Allocation, job: Job): boolean {
  const group = groupOf(job, alloc.taskGroup);
  return group !== undefined && hasUpdateStrategy(group);
}

function liveReplacements(alloc: Allocation, byId: ReadonlyMap<string, Allocation>): Allocation[] {
  const found: Allocation[] = [];
  let next = byId.get(alloc.nextAllocation);
  while (next && !found.includes(next)) {
    if (isLive(next)) found.push(next);
    next = byId.get(next.nextAllocation);
  }
  return found;
}

function isReplacementBetter(
  original: Allocation,
  replacement: Allocation,
  strategy: string,
): boolean {
  if (replacement.jobVersion > original.jobVersion) return true;
  switch (strategy) {
    case "keep_original":
      return false;
    case "keep_replacement":
      return true;
    case "longest_running": {
      const first = startedAt(original);
      const second = startedAt(replacement);
      if (first > 0 && second > 0) return second < first;
      return hasBetterScore(original, replacement);
    }
    default:
      return hasBetterScore(original, replacement);
  }
}

function hasBetterScore(original: Allocation, replacement: Allocation): boolean {
  const isUp =
    replacement.clientStatus === ClientStatus.running ||
    original.clientStatus !== ClientStatus.running;
  if (!isUp) return false;
  const before = topScore(original);
  const after = topScore(replacement);
  if (after === null) return false;
  return before === null || after > before;
}

function topScore(alloc: Allocation): number | null {
  return alloc.metrics?.scoreMetaData[0]?.normScore ?? null;
}

/** Epoch ms at which its first task started; 0 = unknown. */
function startedAt(alloc: Allocation): number {
  const starts = Object.values(alloc.taskStates)
    .map((state) => state.startedAt)
    .filter((at) => at > 0);
  return starts.length === 0 ? 0 : Math.min(...starts);
}

/** Lost allocations that are replaced only when their client has surely stopped them. */
export function clientStopWaits(
  lost: readonly Allocation[],
  groupOf: (alloc: Allocation) => TaskGroup | undefined,
  now: number,
): Due[] {
  const waits: Due[] = [];
  for (const alloc of lost) {
    const group = groupOf(alloc);
    const delay = group?.disconnect?.stopOnClientAfter ?? null;
    if (group === undefined || delay === null || delay <= 0) continue;
    const killTimeout = Math.max(...group.tasks.map((task) => task.killTimeout), 0);
    const lostAt = lastUnknownAt(alloc) || lostSince(alloc) || now;
    if (alloc.nextAllocation !== "") continue;
    const at = lostAt + nanosToMs(delay + Math.max(STOP_DELAY_MIN_NANOS, killTimeout));
    if (at > now) waits.push({ allocId: alloc.id, at });
  }
  return waits;
}

/** Epoch ms; 0 = it is not lost yet. */
function lostSince(alloc: Allocation): number {
  const told = alloc.allocStates.findLast((state) => state.value === ClientStatus.lost)?.time ?? 0;
  return told || (alloc.clientStatus === ClientStatus.lost ? alloc.modifyTime : 0);
}
