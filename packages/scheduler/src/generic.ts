/** Schedules service and batch jobs: reconcile, then find a node for each placement. */
import {
  type Allocation,
  AllocPhase,
  type Deployment,
  isClientTerminal,
  type Job,
  JobType,
  type Node,
  type RescheduleTracker,
  type TaskGroup,
} from "@drover/model";
import { newAllocation } from "./allocation.ts";
import { blockedEvaluation } from "./blocked.ts";
import { hasImages } from "./feasible/images.ts";
import { coalesce } from "./metrics.ts";
import type { Placer, Selection } from "./placer.ts";
import { groupOf } from "./reconciler/alloc-facts.ts";
import { reconcile } from "./reconciler/reconcile.ts";
import { LastReschedule, nextTracker } from "./reconciler/reschedule.ts";
import {
  Description,
  type DestructiveRequest,
  PlaceKind,
  type PlaceRequest,
  type ReconcileResult,
} from "./reconciler/types.ts";
import type { SchedulerInput, SchedulerResult } from "./scheduler.ts";
import { Session } from "./session.ts";
import { UpdateDecider } from "./update-decision.ts";
import { chooseVersion, type Version } from "./version-choice.ts";

export function scheduleGeneric(input: SchedulerInput): SchedulerResult {
  const session = new Session(input);
  const result = reconcileJob(session);
  carryOut(session, result);
  const { job } = session;
  if (job !== undefined && !job.stop) {
    for (const request of result.destructive) replace(session, job, result, request);
    for (const request of result.places) place(session, job, result, request);
  }
  return finish(session, result);
}

function reconcileJob(session: Session): ReconcileResult {
  const { evaluation, job, now, ref, state } = session;
  const isBatch = (job?.type ?? evaluation.type) === JobType.batch;
  const deployments = state.deploymentsByJob(ref);
  const decider = job && new UpdateDecider({ job, state, placer: session.placerFor(job) });
  let isRevert: boolean | null = null;
  return reconcile({
    ref,
    job: job ?? null,
    isBatch,
    allocs: state.allocsByJob(ref),
    deployment: isBatch ? null : (deployments[0] ?? null),
    deployments,
    evaluation,
    now,
    mintId: session.mintId,
    node: (id) => state.node(id),
    allocJob: (alloc) => state.allocJob(alloc),
    jobVersion: (version) => state.jobVersion(ref, version),
    decideUpdate: (alloc, group) => decider?.decide(alloc, group) ?? { kind: "ignore" },
    isRevert: () => {
      isRevert ??= session.isRevert();
      return isRevert;
    },
  });
}

/** Everything that needs no node. */
function carryOut(session: Session, result: ReconcileResult): void {
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
  for (const { alloc, resources } of result.inPlace) {
    if (job) plan.place(updateInPlace(session, job, { alloc, resources, result }));
  }
  for (const update of result.attributeUpdates) plan.update(update);
}

function updateInPlace(
  session: Session,
  job: Job,
  { alloc, resources, result }: Pick<PlanInPlace, "alloc" | "resources" | "result">,
): Allocation {
  const deploymentId = deploymentIdFor(result.activeDeployment, alloc.taskGroup);
  return {
    ...alloc,
    evalId: session.evaluation.id,
    jobVersion: job.version,
    jobModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    allocatedResources: resources,
    deploymentId,
    deploymentStatus: alloc.deploymentId === deploymentId ? alloc.deploymentStatus : null,
  };
}

interface PlanInPlace {
  readonly alloc: Allocation;
  readonly resources: Allocation["allocatedResources"];
  readonly result: ReconcileResult;
}

/** A group without a part in the deployment is not judged by it. */
function deploymentIdFor(deployment: Deployment | null, group: string): string {
  return deployment !== null && Object.hasOwn(deployment.taskGroups, group) ? deployment.id : "";
}

/** B1: the old one is only given up once there is a place for the new one. */
function replace(
  session: Session,
  job: Job,
  result: ReconcileResult,
  { group, old }: DestructiveRequest,
): void {
  const { now, plan, view } = session;
  view.stop(old);
  const version = {
    job,
    group,
    deploymentId: deploymentIdFor(result.activeDeployment, group.name),
  };
  const selection = select(session, version, { previous: old, isReschedule: false });
  if (!selection) {
    view.keep(old);
    return;
  }
  const mustPrepare = !isClientTerminal(old) && !hasImages(selection.node, job, group);
  if (mustPrepare) view.keep(old);
  else plan.stop({ alloc: old, description: Description.updating }, now);
  add(session, version, selection, {
    name: old.name,
    previous: old,
    isCanary: false,
    rescheduleTracker: null,
    phase: mustPrepare ? AllocPhase.prepare : AllocPhase.go,
  });
}

function place(session: Session, job: Job, result: ReconcileResult, request: PlaceRequest): void {
  const { now, plan, state, view } = session;
  const { group, kind, previous, stopPrevious } = request;
  const current = {
    job,
    group,
    deploymentId: deploymentIdFor(result.activeDeployment, group.name),
  };
  const version = request.downgrade ? chooseVersion(state, current, previous) : current;
  const isReschedule = kind === PlaceKind.reschedule || kind === PlaceKind.disconnect;
  if (stopPrevious) view.stop(stopPrevious.alloc);
  const selection = select(session, version, { previous, isReschedule });
  if (!selection) {
    if (stopPrevious) view.keep(stopPrevious.alloc);
    if (isReschedule && previous) noteNoPlacement(session, previous);
    return;
  }
  if (stopPrevious) plan.stop(stopPrevious, now);
  const policy = previous && groupOf(state.allocJob(previous), group.name)?.reschedulePolicy;
  add(session, version, selection, {
    name: request.name,
    previous,
    isCanary: request.isCanary,
    rescheduleTracker: isReschedule && previous ? nextTracker(previous, policy ?? null, now) : null,
    phase: AllocPhase.go,
  });
}

function noteNoPlacement(session: Session, previous: Allocation): void {
  const lastReschedule = LastReschedule.noPlacement;
  if (previous.rescheduleTracker?.lastReschedule === lastReschedule) return;
  session.plan.update({ allocId: previous.id, lastReschedule });
}

interface Slot {
  readonly name: string;
  readonly previous: Allocation | null;
  readonly isCanary: boolean;
  readonly rescheduleTracker: RescheduleTracker | null;
  readonly phase: string;
}

function add(
  session: Session,
  version: Version,
  selection: Selection & { readonly node: Node },
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

/** B2: a group that found no place in this pass is not tried again, only counted. */
function select(
  session: Session,
  { group, job }: Version,
  need: { readonly previous: Allocation | null; readonly isReschedule: boolean },
): (Selection & { readonly node: Node }) | null {
  const failed = session.failedGroups[group.name];
  if (failed) {
    coalesce(failed);
    countQueued(session, group);
    return null;
  }
  const placer = session.placerFor(job);
  const selection = placer.select(group, {
    penaltyNodes: penaltyNodes(need.previous, need.isReschedule),
    preferredNode: preferredNode(placer, group, need.previous),
  });
  if (selection.node) return selection;
  session.failedGroups[group.name] = selection.metric;
  countQueued(session, group);
  return null;
}

function countQueued({ queued }: Session, group: TaskGroup): void {
  queued[group.name] = (queued[group.name] ?? 0) + 1;
}

/** Where this allocation's predecessors failed. */
function penaltyNodes(previous: Allocation | null, isReschedule: boolean): ReadonlySet<string> {
  const nodes = new Set<string>();
  if (previous === null || !isReschedule) return nodes;
  nodes.add(previous.nodeId);
  for (const event of previous.rescheduleTracker?.events ?? []) nodes.add(event.prevNodeId);
  return nodes;
}

/** A disk that is to be kept draws its allocation back to the node that has it. */
function preferredNode(
  placer: Placer,
  group: TaskGroup,
  previous: Allocation | null,
): Node | undefined {
  const { migrate, sticky } = group.ephemeralDisk;
  if (previous === null || !(sticky || migrate)) return undefined;
  return placer.candidate(previous.nodeId);
}

function finish(session: Session, result: ReconcileResult): SchedulerResult {
  const { evaluation, failedGroups, job, now, plan, queued, ref, state } = session;
  const hasFailures = Object.keys(failedGroups).length > 0;
  const blocked =
    job && hasFailures
      ? blockedEvaluation({
          job,
          evaluation,
          snapshotIndex: state.index,
          now,
          mintId: session.mintId,
          failedGroups,
          feasibilities: job.taskGroups
            .filter((group) => Object.hasOwn(failedGroups, group.name))
            .map((group) => session.placerFor(job).feasibilityOf(group)),
        })
      : null;
  const latest =
    result.deployment ?? (job?.type === JobType.batch ? null : state.deploymentsByJob(ref)[0]);
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
    deploymentId: latest?.id ?? "",
  };
}
