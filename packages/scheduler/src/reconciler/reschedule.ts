/** Which failed allocations are replaced, now or later (spec §3.5). */
import { type Nanos, nanosToMs } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  DesiredStatus,
  isClientTerminal,
  isDeploymentActive,
  isServerTerminal,
  isTerminal,
  type Reason,
  type RescheduleTracker,
  type TaskGroup,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { failedAt, ranSuccessfully } from "./alloc-facts.ts";
import { Open } from "./open.ts";
import { whyNotReplaced } from "./why-group.ts";

type ReschedulePolicy = NonNullable<TaskGroup["reschedulePolicy"]>;

/** A follow-up that is due within this time is done at once. */
const NOW_TOLERANCE_MS = 1_000;
/** Events kept where attempts are unlimited. */
const EVENTS_MAX = 5;
export const LastReschedule = { ok: "ok", noPlacement: "no placement" } as const;

export interface RescheduleContext {
  readonly now: number;
  readonly evalId: string;
  readonly isBatch: boolean;
  readonly deployment: Deployment | null;
  /** Of the version that the allocation runs. */
  readonly policyOf: (alloc: Allocation) => ReschedulePolicy | null;
  /** One that was only prepared and then given up has replaced nothing. */
  readonly isReplaced: (alloc: Allocation) => boolean;
}

export type RescheduleDecision =
  | { readonly kind: "now" }
  /** It has not failed: nothing is to be replaced. */
  | { readonly kind: "keep" }
  /** `at`: epoch ms for which an evaluation is still to be made; null = none is. */
  | { readonly kind: "wait"; readonly at: number | null; readonly reason: Reason };

const NOW: RescheduleDecision = { kind: "now" };
const KEEP: RescheduleDecision = { kind: "keep" };

/** One that is to be replaced, now or later. */
export interface Failed {
  readonly alloc: Allocation;
  readonly decision: Exclude<RescheduleDecision, { readonly kind: "keep" }>;
}

interface RescheduleSplit {
  readonly untainted: readonly Allocation[];
  readonly failed: Open<"failed", Failed>;
}

export function* splitReschedulable(
  allocs: readonly Allocation[],
  context: RescheduleContext,
): Slices<RescheduleSplit> {
  const untainted: Allocation[] = [];
  const failed: Failed[] = [];
  yield* inSlices(allocs, (alloc) => {
    if (isTerminal(alloc) && context.isReplaced(alloc)) return; // R1
    const fate = context.isBatch ? batchFate(alloc) : serviceFate(alloc);
    if (fate === "drop") return;
    const decision = fate === "keep" ? KEEP : decideReschedule(alloc, context);
    if (decision.kind === "keep") untainted.push(alloc);
    else failed.push({ alloc, decision });
  });
  return { untainted, failed: new Open("failed", failed) };
}

/** R2: a service's allocation that ended for good frees its name. */
function serviceFate(alloc: Allocation): "drop" | "candidate" {
  if (isServerTerminal(alloc) && !hadNoPlacement(alloc)) return "drop";
  const { clientStatus } = alloc;
  const isOver = clientStatus === ClientStatus.complete || clientStatus === ClientStatus.lost;
  return isOver ? "drop" : "candidate";
}

/** R3: a batch allocation that finished its work is kept, and never run again. */
function batchFate(alloc: Allocation): "drop" | "candidate" | "keep" {
  const transition = alloc.desiredTransition;
  if (transition.migrateDisablePlacement === true) return "keep";
  if (transition.reschedule === true) return "candidate";
  if (alloc.desiredStatus === DesiredStatus.stop) {
    if (ranSuccessfully(alloc)) return "keep";
    return hadNoPlacement(alloc) ? "candidate" : "drop";
  }
  if (alloc.desiredStatus === DesiredStatus.evict) return "drop";
  return alloc.clientStatus === ClientStatus.failed ? "candidate" : "keep";
}

function hadNoPlacement(alloc: Allocation): boolean {
  return alloc.rescheduleTracker?.lastReschedule === LastReschedule.noPlacement;
}

export function decideReschedule(
  alloc: Allocation,
  context: RescheduleContext,
): RescheduleDecision {
  const { deployment, now } = context;
  const isWatched =
    deployment !== null && isDeploymentActive(deployment) && alloc.deploymentId === deployment.id;
  if (isWatched && alloc.desiredTransition.reschedule !== true) {
    return hold(alloc, whyNotReplaced.awaitsDeployment); // R4
  }
  if (alloc.unretryableError !== "") return hold(alloc, whyNotReplaced.versionFailed); // R5
  const isForced = alloc.desiredTransition.forceReschedule === true;
  if (isForced && isClientTerminal(alloc)) return NOW; // R6
  const next = nextReschedule(alloc, context.policyOf(alloc), context.isBatch);
  if (!next.isEligible) return hold(alloc, whyNotReplaced.exhausted);
  if (alloc.followupEvalId === context.evalId) return NOW; // R7
  if (next.at - now <= NOW_TOLERANCE_MS) return NOW;
  const at = alloc.followupEvalId === "" ? next.at : null; // R8
  return { kind: "wait", at, reason: whyNotReplaced.delayed(alloc, next.at) };
}

/** Not replaced as things are; only one that failed waits for something. */
function hold(alloc: Allocation, why: (alloc: Allocation) => Reason): RescheduleDecision {
  const { clientStatus } = alloc;
  const hasFailed = clientStatus === ClientStatus.failed || clientStatus === ClientStatus.lost;
  return hasFailed ? { kind: "wait", at: null, reason: why(alloc) } : KEEP;
}

interface NextReschedule {
  readonly isEligible: boolean;
  /** Epoch ms. */
  readonly at: number;
  readonly delay: Nanos;
}

const NOT_ELIGIBLE: NextReschedule = { isEligible: false, at: 0, delay: 0 };

export function nextReschedule(
  alloc: Allocation,
  policy: ReschedulePolicy | null,
  isBatch: boolean,
): NextReschedule {
  if (!policy || (policy.attempts === 0 && !policy.unlimited)) return NOT_ELIGIBLE;
  if (alloc.unretryableError !== "") return NOT_ELIGIBLE;
  const { clientStatus } = alloc;
  const hasFailed = clientStatus === ClientStatus.failed || clientStatus === ClientStatus.lost;
  if (!hasFailed && !(isBatch && alloc.desiredTransition.reschedule === true)) return NOT_ELIGIBLE;
  if (alloc.desiredStatus === DesiredStatus.stop && !hadNoPlacement(alloc)) return NOT_ELIGIBLE;
  const at = failedAt(alloc);
  const delay = nextDelay(alloc.rescheduleTracker, policy, at);
  const isEligible = policy.unlimited || hasAttemptsLeft(alloc, policy, { at, delay });
  return { isEligible, at: at + nanosToMs(delay), delay };
}

function hasAttemptsLeft(
  alloc: Allocation,
  policy: ReschedulePolicy,
  failure: { readonly at: number; readonly delay: Nanos },
): boolean {
  const events = alloc.rescheduleTracker?.events ?? [];
  if (policy.attempts > 0 && events.length === 0) return true;
  const attempted = events.filter(
    (event) => failure.at - event.rescheduleTime < nanosToMs(policy.interval),
  ).length;
  return attempted < policy.attempts && failure.delay < policy.interval;
}

/** Nanoseconds until the next attempt after a failure at `failed` (epoch ms). */
export function nextDelay(
  tracker: RescheduleTracker | null,
  policy: ReschedulePolicy,
  failed: number,
): Nanos {
  const events = tracker?.events ?? [];
  const last = events.at(-1);
  if (!last) return policy.delay;
  const delay = growDelay(events, policy);
  if (policy.maxDelay === 0 || delay <= policy.maxDelay) return delay;
  const hasRunLong = failed - last.rescheduleTime > nanosToMs(policy.maxDelay);
  return hasRunLong ? policy.delay : policy.maxDelay;
}

function growDelay(events: RescheduleTracker["events"], policy: ReschedulePolicy): Nanos {
  const last = events.at(-1)?.delay ?? 0;
  switch (policy.delayFunction) {
    case "exponential":
      return last * 2;
    case "fibonacci": {
      const before = events.at(-2)?.delay;
      if (before === undefined) return last;
      // A reset to the first delay shows as a small delay after the largest one.
      if (before === policy.maxDelay && last === policy.delay) return policy.delay;
      return before + last;
    }
    default:
      return policy.delay;
  }
}

/** The tracker of the allocation that replaces `previous` (spec §3.5, "On placement"). */
export function nextTracker(
  previous: Allocation,
  policy: ReschedulePolicy | null,
  now: number,
): RescheduleTracker {
  const events = previous.rescheduleTracker?.events ?? [];
  const isLimited = policy !== null && !policy.unlimited;
  const kept = isLimited
    ? events.filter((event) => now - event.rescheduleTime < nanosToMs(policy.interval))
    : events.slice(-(EVENTS_MAX - 1));
  const delay = policy ? nextDelay(previous.rescheduleTracker, policy, failedAt(previous)) : 0;
  const event = {
    rescheduleTime: now,
    prevAllocId: previous.id,
    prevNodeId: previous.nodeId,
    delay,
  };
  return { events: [...kept, event], lastReschedule: LastReschedule.ok };
}
