/** Turns what the reconciler decided into parts of the plan, and keeps the view in step with it. */
import {
  type Allocation,
  AllocPhase,
  carriedVerdict,
  type Deployment,
  isClientTerminal,
  type Job,
  type Node,
  type RescheduleTracker,
  Serving,
  servingState,
  type TaskGroup,
} from "@drover/model";
import { newAllocation } from "./allocation.ts";
import { blockedEvaluation } from "./blocked.ts";
import { hasImages } from "./feasible/images.ts";
import type { Selection } from "./placer.ts";
import { deploymentIdFor } from "./reconciler/alloc-facts.ts";
import { nextTracker } from "./reconciler/reschedule.ts";
import {
  Description,
  type DestructiveRequest,
  type InPlaceRequest,
  type ReconcileResult,
} from "./reconciler/types.ts";
import type { SchedulerResult } from "./scheduler.ts";
import type { Session } from "./session.ts";
import type { Version } from "./version-choice.ts";

/** The part of a result that needs no node. */
type CarriedOut = Pick<
  ReconcileResult,
  "stops" | "goes" | "inPlace" | "attributeUpdates" | "activeDeployment"
>;

export type Found = Selection & { readonly node: Node };

/** Everything that needs no node. */
export function carryOut(session: Session, result: CarriedOut): void {
  const { job, now, plan, view } = session;
  for (const request of result.stops) {
    plan.stop(request, now);
    view.stop(request.alloc);
  }
  for (const { next, stop } of result.goes) {
    if (stop) {
      plan.stop(stop, now);
      view.stop(stop.alloc);
    }
    const started = { ...next, phase: AllocPhase.go };
    plan.place(started);
    view.start(started);
  }
  const followups = new Map<string, string>();
  for (const update of result.attributeUpdates) {
    plan.update(update);
    if (update.followupEvalId !== undefined) followups.set(update.allocId, update.followupEvalId);
  }
  for (const { alloc, resources } of result.inPlace) {
    if (!job) continue;
    const followupEvalId = followups.get(alloc.id) ?? alloc.followupEvalId;
    plan.place(
      updateInPlace(session, job, { alloc: { ...alloc, followupEvalId }, resources, result }),
    );
  }
}

function updateInPlace(
  session: Session,
  job: Job,
  { alloc, resources, result }: InPlaceRequest & { readonly result: CarriedOut },
): Allocation {
  const deploymentId = deploymentIdFor(result.activeDeployment, alloc.taskGroup);
  const deployment = session.state.deployment(alloc.deploymentId);
  const serving = servingState(alloc, { deployment, jobType: job.type });
  const stays = alloc.deploymentId === deploymentId;
  return {
    ...alloc,
    evalId: session.evaluation.id,
    jobVersion: job.version,
    jobModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    allocatedResources: resources,
    deploymentId,
    deploymentStatus: stays ? alloc.deploymentStatus : carriedVerdict(serving === Serving.yes),
  };
}

type Replacement = DestructiveRequest & {
  readonly job: Job;
  readonly deployment: Deployment | null;
};

/**
 * B1: the old one is only given up once there is a place for the new one, and (B3) only stopped at
 * once when what the new one needs is on its node already. Returns whether it found a place.
 */
export function replace(
  session: Session,
  request: Replacement,
  search: (group: TaskGroup, previous: Allocation) => Found | null,
): boolean {
  const { now, plan, view } = session;
  const { group, job, old, surge } = request;
  if (surge) {
    if (startBeside(session, request)) return true;
    if (!surge.mayFallBack) return false;
  }
  view.stop(old);
  const found = search(group, old);
  if (!found) {
    view.keep(old);
    return false;
  }
  const mustPrepare = !isClientTerminal(old) && !hasImages(found.node, job, group);
  if (mustPrepare) view.keep(old);
  else plan.stop({ alloc: old, description: Description.updating }, now);
  addReplacement(session, request, {
    found,
    phase: mustPrepare ? AllocPhase.prepare : AllocPhase.go,
  });
  return true;
}

/** X1, X3: the new one starts while the old one runs on. Returns whether there is room for both. */
function startBeside(session: Session, request: Replacement): boolean {
  const { group, job } = request;
  const found = session.findBeside(job, group);
  if (!found) return false;
  addReplacement(session, request, { found, phase: AllocPhase.surge });
  return true;
}

function addReplacement(
  session: Session,
  { deployment, group, isCanary, job, name, old, retryOf }: Replacement,
  { found, phase }: { readonly found: Found; readonly phase: string },
): void {
  const version = { job, group, deploymentId: deploymentIdFor(deployment, group.name) };
  addAllocation(session, version, found, {
    name: name ?? old.name,
    previous: old,
    isCanary,
    rescheduleTracker: retryOf ? nextTracker(retryOf, group.reschedulePolicy, session.now) : null,
    phase,
  });
}

interface Slot {
  readonly name: string;
  readonly previous: Allocation | null;
  readonly isCanary: boolean;
  readonly rescheduleTracker: RescheduleTracker | null;
  readonly phase: string;
}

export function addAllocation(
  session: Session,
  version: Version,
  selection: Found,
  slot: Slot,
): void {
  const { evaluation, now, plan, view } = session;
  const alloc = newAllocation({
    ...slot,
    id: session.mintId(),
    evalId: evaluation.id,
    group: version.group.name,
    job: version.job,
    node: selection.node,
    resources: selection.resources,
    metric: selection.metric,
    deploymentId: version.deploymentId,
    now,
  });
  plan.place(alloc);
  view.place(alloc);
}

export function countQueued({ queued }: Session, group: TaskGroup): void {
  queued[group.name] = (queued[group.name] ?? 0) + 1;
}

/** The evaluation that waits for capacity; null when everything found a place. */
export function blockedFor(session: Session): SchedulerResult["blocked"] {
  const { evaluation, failedGroups, job, mintId, now, state } = session;
  if (job === undefined || Object.keys(failedGroups).length === 0) return null;
  return blockedEvaluation({
    job,
    evaluation,
    snapshotIndex: state.index,
    now,
    mintId,
    failedGroups,
    feasibilities: job.taskGroups
      .filter((group) => Object.hasOwn(failedGroups, group.name))
      .map((group) => session.placerFor(job).feasibilityOf(group)),
  });
}

/** `deployment` is the one the plan creates. */
export function finishResult(
  session: Session,
  result: Pick<
    ReconcileResult,
    "deployment" | "deploymentUpdates" | "desired" | "followups" | "waits"
  >,
  blocked: SchedulerResult["blocked"],
): SchedulerResult {
  const { evaluation, failedGroups, job, plan, queued, ref, state } = session;
  return {
    plan: plan.build({
      id: session.mintId(),
      evaluation,
      job,
      snapshotIndex: state.index,
      deployment: result.deployment,
      deploymentUpdates: result.deploymentUpdates,
      annotations: { desiredTgUpdates: { ...result.desired }, preemptedAllocs: [] },
    }),
    followups: result.followups,
    blocked,
    failedGroups,
    queued,
    waits: result.waits,
    deploymentId: (result.deployment ?? state.deploymentsByJob(ref)[0])?.id ?? "",
  };
}
