/** First half of a group's pass: which allocations there are, and in what condition (spec §3.3). */
import {
  type Allocation,
  ClientStatus,
  isServerTerminal,
  isTerminal,
  type TaskGroup,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import {
  AllocClass,
  type ClassifyContext,
  classify,
  expectNoMore,
  sortIntoBuckets,
} from "./buckets.ts";
import {
  clientStopWaits,
  isDueForReplacement,
  planDisconnects,
  planReconnects,
} from "./disconnect.ts";
import { passOn } from "./draft.ts";
import {
  batchFollowups,
  DISCONNECT_KIND,
  type Due,
  RESCHEDULE_KIND,
  STOP_DELAY_KIND,
} from "./followups.ts";
import type { Closed } from "./open.ts";
import {
  classifyContext,
  isCanarying,
  type Pass,
  rescheduleContext,
  stopAll,
  stopUnneeded,
} from "./pass.ts";
import { cancel, extractPairs, mayRunOn } from "./prepare.ts";
import { decideReschedule, type RescheduleContext, splitReschedulable } from "./reschedule.ts";
import { Description } from "./types.ts";

/** G1, G4: allocations that still say something about the group. */
export function considerable({ allocs, desired, input, job }: Pass): Allocation[] {
  if (!input.isBatch) return allocs.filter((alloc) => !isServerTerminal(alloc));
  return allocs.filter((alloc) => {
    if (isServerTerminal(alloc) && alloc.desiredTransition.reschedule === true) return false;
    const isOld = alloc.jobVersion < job.version || alloc.jobCreateIndex < job.createIndex;
    if (isOld && isTerminal(alloc)) {
      desired.ignore++;
      return false;
    }
    return true;
  });
}

/** G5: canaries of a superseded or failed deployment go; the current ones are remembered. */
export function dropUnneededCanaries(pass: Pass, allocs: Allocation[]): Allocation[] {
  const { current, isFailed, old } = pass.triage;
  const unneeded = new Set<string>();
  for (const state of Object.values(old?.taskGroups ?? {})) {
    if (!state.promoted) for (const id of state.placedCanaries) unneeded.add(id);
  }
  if (isFailed) {
    for (const state of Object.values(current?.taskGroups ?? {})) {
      if (!state.promoted) for (const id of state.placedCanaries) unneeded.add(id);
    }
  }
  const kept: Allocation[] = [];
  for (const alloc of allocs) {
    if (unneeded.has(alloc.id)) stopUnneeded(pass, alloc);
    else kept.push(alloc);
  }
  const currentIds = new Set(
    Object.values(current?.taskGroups ?? {}).flatMap((state) => state.placedCanaries),
  );
  return currentIds.size === 0 ? kept : keepHealthyNodes(pass, kept, currentIds);
}

/**
 * Canaries that must leave their node are stopped, and the canary steps place them anew; those that
 * a drain lets run on move like any other (P8).
 */
function keepHealthyNodes(
  pass: Pass,
  allocs: Allocation[],
  canaryIds: ReadonlySet<string>,
): Allocation[] {
  return allocs.filter((alloc) => {
    if (!canaryIds.has(alloc.id)) return true;
    const bucket = classify(alloc, classifyContext(pass));
    if (bucket === AllocClass.untainted) {
      // One that its client has stopped proves nothing any more; a failed one has its verdict.
      if (alloc.clientStatus !== ClientStatus.complete) pass.canaries.push(alloc);
      return true;
    }
    if (bucket !== AllocClass.migrate && bucket !== AllocClass.lost) return true;
    if (bucket === AllocClass.migrate && mayRunOn(alloc, pass.input)) return true;
    const isLost = bucket === AllocClass.lost;
    const stop = isLost ? cancel(alloc, true) : { alloc, description: Description.migrating };
    stopAll(pass, [stop]);
    return false;
  });
}

interface Classified {
  readonly failed: Closed<"failed">;
  /** What must surely have been stopped by its client before regular placements. */
  readonly clientStops: readonly Due[];
}

/** C, P, R, D, G9 */
export function* classifyAll(pass: Pass, considered: readonly Allocation[]): Slices<Classified> {
  const { draft, input, job, triage } = pass;
  const context = classifyContext(pass);
  const buckets = yield* sortIntoBuckets(considered, context);
  yield;
  const reschedule = rescheduleContext(pass);
  const split = extractPairs(buckets, {
    job,
    deployment: triage.current,
    node: input.node,
    now: input.now,
    isCanarying: isCanarying(pass.state),
    retry: (next) => decideReschedule(next, reschedule),
  });
  pass.pairs = split.pairs;
  pass.retries = split.retries;
  stopAll(pass, [...split.cancelled, ...split.replaced]);
  yield;
  const { disconnecting, expiring, ignore, lost, migrate, reconnecting, untainted, ...others } =
    buckets;
  expectNoMore(others);
  const later = [...split.later];
  const failed = yield* splitFailed(pass, untainted, { reschedule, later });
  yield;
  pass.desired.ignore += ignore.length;
  planReturns(pass, reconnecting, context);
  splitMigrating(pass, migrate);
  pass.lost = [...lost, ...expiring];
  markDisconnected(pass, disconnecting);
  const followups = batchFollowups(later, RESCHEDULE_KIND, { ...input, job });
  draft.followups.push(...followups.evals);
  for (const [allocId, followupEvalId] of followups.evalOf) {
    draft.attributeUpdates.push({ allocId, followupEvalId });
  }
  pass.laterCount += later.length;
  pass.desired.rescheduleLater += later.length;
  pass.desired.rescheduleNow = pass.rescheduleNow.length;
  return { failed, clientStops: waitForClients(pass, context.groupOf) };
}

/** D4 to D7 */
function planReturns(
  pass: Pass,
  reconnecting: readonly Allocation[],
  context: ClassifyContext,
): void {
  if (reconnecting.length === 0) return;
  const { draft, job } = pass;
  const reconnects = planReconnects(reconnecting, pass.untainted, { ...context, job });
  stopAll(pass, reconnects.stops);
  draft.attributeUpdates.push(...reconnects.updates);
  pass.desired.reconnect += reconnects.kept.length;
  const stopped = new Set(reconnects.stops.map((stop) => stop.alloc.id));
  pass.untainted = [...pass.untainted, ...reconnects.kept].filter((each) => !stopped.has(each.id));
}

/** Canaries that wait for their promotion are beside the count, also while they move. */
function splitMigrating(pass: Pass, migrate: readonly Allocation[]): void {
  const ids = new Set(isCanarying(pass.state) ? pass.state.placedCanaries : []);
  const given = new Set(pass.draft.stops.map((stop) => stop.alloc.id));
  pass.movingCanaries = migrate.filter((alloc) => ids.has(alloc.id));
  pass.migrate = migrate.filter((alloc) => !ids.has(alloc.id));
  // Of a pair, which is one canary, the new one is among them already, unless it has been given up.
  const kept = pass.canaries.filter((alloc) => !given.has(alloc.id));
  pass.canaries = [...kept, ...pass.movingCanaries];
}

/** R. What is to be replaced later joins `later`. */
function* splitFailed(
  pass: Pass,
  untainted: readonly Allocation[],
  { later, reschedule }: { readonly reschedule: RescheduleContext; readonly later: Due[] },
): Slices<Closed<"failed">> {
  const nexts = pass.pairs.map((pair) => pair.next);
  const inPairs = new Set(nexts);
  const split = yield* splitReschedulable(
    untainted.filter((alloc) => !inPairs.has(alloc)),
    reschedule,
  );
  const isDue = (alloc: Allocation) =>
    isDueForReplacement(alloc, reschedule.evalId) && !reschedule.isReplaced(alloc);
  const kept: Allocation[] = [];
  for (const alloc of split.untainted) (isDue(alloc) ? pass.disconnected : kept).push(alloc);
  const failed = yield* split.failed.close(pass.holds, ({ alloc, decision }) => {
    if (decision.kind === "now") return passOn(alloc, pass.rescheduleNow);
    kept.push(alloc);
    if (decision.at !== null) later.push({ allocId: alloc.id, at: decision.at });
    return decision.reason;
  });
  pass.untainted = [...kept, ...nexts];
  return failed;
}

/** D1 to D3: unreachable allocations become unknown, with a time-out and perhaps a replacement. */
function markDisconnected(pass: Pass, disconnecting: readonly Allocation[]): void {
  if (disconnecting.length === 0) return;
  const { draft, input, job } = pass;
  const plan = planDisconnects(disconnecting, classifyContext(pass).groupOf, input.now);
  const context = { ...input, job };
  const timeouts = batchFollowups(plan.timeouts, DISCONNECT_KIND, context);
  const replacements = batchFollowups(plan.replaceLater, RESCHEDULE_KIND, context);
  draft.followups.push(...timeouts.evals, ...replacements.evals);
  for (const alloc of disconnecting) {
    const followupEvalId = replacements.evalOf.get(alloc.id) ?? timeouts.evalOf.get(alloc.id);
    draft.attributeUpdates.push({
      allocId: alloc.id,
      clientStatus: ClientStatus.unknown,
      clientDescription: Description.unknown,
      allocStateAt: input.now,
      ...(followupEvalId === undefined ? {} : { followupEvalId }),
    });
  }
  pass.desired.disconnect += disconnecting.length;
  const now = new Set(plan.replaceNow.map((alloc) => alloc.id));
  pass.disconnected.push(...plan.replaceNow);
  pass.untainted.push(...disconnecting.filter((alloc) => !now.has(alloc.id)));
  pass.laterCount += plan.replaceLater.length;
  pass.desired.rescheduleLater += plan.replaceLater.length;
}

/** G9 */
function waitForClients(
  pass: Pass,
  groupOfAlloc: (alloc: Allocation) => TaskGroup | undefined,
): Due[] {
  const { draft, input, job } = pass;
  const waits = clientStopWaits(pass.lost, groupOfAlloc, input.now);
  // What an earlier pass has lost: until then no other one may replace it, either.
  const told = pass.allocs.filter(
    (alloc) => alloc.clientStatus === ClientStatus.lost && isServerTerminal(alloc),
  );
  // It has its evaluation, unless it was lost when nobody wanted it any more.
  const untold = told.filter((alloc) => alloc.followupEvalId === "");
  waits.push(...clientStopWaits(untold, groupOfAlloc, input.now));
  const followups = batchFollowups(waits, STOP_DELAY_KIND, { ...input, job });
  draft.followups.push(...followups.evals);
  for (const [allocId, followupEvalId] of followups.evalOf) {
    draft.attributeUpdates.push({ allocId, followupEvalId });
  }
  const known = told.filter((alloc) => alloc.followupEvalId !== "");
  return [...waits, ...clientStopWaits(known, groupOfAlloc, input.now)];
}
