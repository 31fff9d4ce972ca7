/** Turns what the reconciler decided into parts of the plan, and keeps the view in step with it. */
import {
  type Allocation,
  AllocPhase,
  carriedVerdict,
  type Deployment,
  isClientTerminal,
  type Job,
  type RescheduleTracker,
  Serving,
  servingState,
  type TaskGroup,
} from "@drover/model";
import { newAllocation } from "./allocation.ts";
import { blockedEvaluation } from "./blocked.ts";
import { hasImages } from "./feasible/images.ts";
import type { Found } from "./placer.ts";
import { deploymentIdFor } from "./reconciler/alloc-facts.ts";
import { nextTracker } from "./reconciler/reschedule.ts";
import {
  Description,
  type DestructiveRequest,
  type InPlaceRequest,
  type ReconcileResult,
} from "./reconciler/types.ts";
import { noRoomBeside } from "./reconciler/why-group.ts";
import type { SchedulerResult, Slices } from "./scheduler.ts";
import type { NoPlace, Placed, Placing, Session } from "./session.ts";
import { inSlices } from "./slices.ts";
import type { Version } from "./version-choice.ts";

/** The part of a result that needs no node. */
type CarriedOut = Pick<ReconcileResult, "stops" | "goes" | "inPlace" | "attributeUpdates">;

/** Everything that needs no node. `deployment`: what is changed in place belongs to it then. */
export function* carryOut(
  session: Session,
  result: CarriedOut,
  deployment: Deployment | null,
): Slices<void> {
  const { job, now, plan, view } = session;
  yield* inSlices(result.stops, (request) => {
    plan.stop(request, now);
    view.stop(request.alloc);
  });
  yield* inSlices(result.goes, ({ next, stop }) => {
    if (stop) {
      plan.stop(stop, now);
      view.stop(stop.alloc);
    }
    const started = { ...next, phase: AllocPhase.go };
    plan.place(started);
    view.start(started);
  });
  const followups = new Map<string, string>();
  for (const update of result.attributeUpdates) {
    plan.update(update);
    if (update.followupEvalId !== undefined) followups.set(update.allocId, update.followupEvalId);
  }
  if (!job) return;
  yield* inSlices(result.inPlace, ({ alloc, resources }) => {
    const followupEvalId = followups.get(alloc.id) ?? alloc.followupEvalId;
    const request = { alloc: { ...alloc, followupEvalId }, resources };
    plan.place(updateInPlace(session, job, request, deployment));
  });
}

function updateInPlace(
  session: Session,
  job: Job,
  { alloc, resources }: InPlaceRequest,
  active: Deployment | null,
): Allocation {
  const deploymentId = deploymentIdFor(active, alloc.taskGroup);
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
 * once when what the new one needs is on its node already.
 */
export function replace(
  session: Session,
  request: Replacement,
  search: (group: TaskGroup, previous: Allocation) => Found | NoPlace,
): Placing {
  const { now, plan, view } = session;
  const { group, job, old, surge } = request;
  if (surge) {
    const found = session.findBeside(job, group);
    // X1, X3: the new one starts while the old one runs on, if there is room for both.
    if (found) return addReplacement(session, request, { found, phase: AllocPhase.surge });
    if (!surge.mayFallBack) {
      session.awaitRoomBeside(group);
      return noRoomBeside(group, old);
    }
  }
  view.stop(old);
  const found = search(group, old);
  if (!isFound(found)) {
    view.keep(old);
    return found;
  }
  const mustPrepare = !isClientTerminal(old) && !hasImages(found.node, job, group);
  if (mustPrepare) view.keep(old);
  else plan.stop({ alloc: old, description: Description.updating }, now);
  const phase = mustPrepare ? AllocPhase.prepare : AllocPhase.go;
  return addReplacement(session, request, { found, phase });
}

export function isFound(found: Found | NoPlace): found is Found {
  return "node" in found;
}

function addReplacement(
  session: Session,
  { deployment, group, isCanary, job, name, old, retryOf }: Replacement,
  { found, phase }: { readonly found: Found; readonly phase: string },
): Placed {
  const version = { job, group, deploymentId: deploymentIdFor(deployment, group.name) };
  return addAllocation(session, version, found, {
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
): Placed {
  const { evaluation, now } = session;
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
  return session.place(alloc);
}

/** The evaluation that waits for capacity; null when everything found a place. */
export function blockedFor(session: Session): SchedulerResult["blocked"] {
  const { evaluation, job, mintId, now, roomless: failedGroups, state } = session;
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
    waits: [...result.waits, ...session.waits],
    deploymentId: (result.deployment ?? state.deploymentsByJob(ref)[0])?.id ?? "",
  };
}
