/** Schedules service and batch jobs: reconcile, then find a node for each placement. */
import {
  type Allocation,
  AllocPhase,
  isClientTerminal,
  type Job,
  type Node,
  type TaskGroup,
} from "@drover/model";
import {
  addAllocation,
  blockedFor,
  carryOut,
  finishResult,
  isFound,
  replace,
} from "./carry-out.ts";
import { hasImages, needsImages } from "./feasible/images.ts";
import type { Found, Placer } from "./placer.ts";
import { reconcileInput } from "./reconcile-input.ts";
import { deploymentIdFor, groupOf } from "./reconciler/alloc-facts.ts";
import { reconcile } from "./reconciler/reconcile.ts";
import { LastReschedule, nextTracker } from "./reconciler/reschedule.ts";
import { PlaceKind, type PlaceRequest, type ReconcileResult } from "./reconciler/types.ts";
import type { SchedulerInput, Slices } from "./scheduler.ts";
import { type NoPlace, type Placing, Session } from "./session.ts";
import { chooseVersion, type Version } from "./version-choice.ts";

export function* scheduleGeneric(input: SchedulerInput): Slices {
  const session = new Session(input);
  const result = yield* reconcile(reconcileInput(session));
  yield* carryOut(session, result, result.activeDeployment);
  const { job } = session;
  if (job !== undefined && !job.stop) {
    const search = (group: TaskGroup, previous: Allocation) => {
      const incumbent = incumbentNode(session, { job, group }, previous);
      return select(session, { job, group }, { previous, isReschedule: false, incumbent });
    };
    for (const request of result.destructive) {
      const replacement = { job, deployment: result.activeDeployment, ...request };
      session.settle(replace(session, replacement, search));
      yield;
    }
    for (const request of result.places) {
      session.settle(place(session, job, result, request));
      yield;
    }
  }
  return finishResult(session, result, blockedFor(session));
}

function place(
  session: Session,
  job: Job,
  result: ReconcileResult,
  request: PlaceRequest,
): Placing {
  const { now, plan, state, view } = session;
  const { group, kind, leaving, previous, retryOf, stopPrevious } = request;
  const current = {
    job,
    group,
    deploymentId: deploymentIdFor(result.activeDeployment, group.name),
  };
  const version = request.downgrade ? chooseVersion(state, current, previous) : current;
  const isReschedule = kind === PlaceKind.reschedule || kind === PlaceKind.disconnect;
  const failed = isReschedule ? previous : (retryOf ?? null);
  const policy = previous && groupOf(state.allocJob(previous), group.name)?.reschedulePolicy;
  const slot = {
    name: request.name,
    previous,
    isCanary: request.isCanary,
    rescheduleTracker: failed ? nextTracker(failed, policy ?? null, now) : null,
  };
  const beside = request.isSurge ? session.findBeside(version.job, version.group) : null;
  if (beside) return addAllocation(session, version, beside, { ...slot, phase: AllocPhase.surge });
  if (stopPrevious) view.stop(stopPrevious.alloc);
  if (leaving) view.stop(leaving.alloc);
  const selection = select(session, version, { previous, isReschedule });
  if (!isFound(selection)) {
    if (stopPrevious) view.keep(stopPrevious.alloc);
    if (leaving) plan.stop(leaving, now);
    if (isReschedule && previous) noteNoPlacement(session, previous);
    return selection;
  }
  if (stopPrevious) plan.stop(stopPrevious, now);
  const mustPrepare =
    leaving !== undefined && !hasImages(selection.node, version.job, version.group);
  if (mustPrepare) view.keep(leaving.alloc);
  else if (leaving) plan.stop(leaving, now);
  const phase = mustPrepare ? AllocPhase.prepare : AllocPhase.go;
  return addAllocation(session, version, selection, { ...slot, phase });
}

function noteNoPlacement(session: Session, previous: Allocation): void {
  const lastReschedule = LastReschedule.noPlacement;
  if (previous.rescheduleTracker?.lastReschedule === lastReschedule) return;
  session.plan.update({ allocId: previous.id, lastReschedule });
}

/** B2: a group that found no place in this pass is not tried again, only counted. */
function select(
  session: Session,
  { group, job }: Pick<Version, "group" | "job">,
  need: {
    readonly previous: Allocation | null;
    readonly isReschedule: boolean;
    readonly incumbent?: Node | undefined;
  },
): Found | NoPlace {
  if (session.failedGroups[group.name]) return session.noteNoPlace(group, null);
  const placer = session.placerFor(job);
  const selection = placer.select(group, {
    penaltyNodes: penaltyNodes(need.previous, need.isReschedule),
    preferredNode: preferredNode(placer, group, need.previous),
    incumbent: need.incumbent,
  });
  if (selection.node) return selection;
  return session.noteNoPlace(group, selection.metric);
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

/** F6: the node of one that runs, whose successor's images it has, or has been told to fetch. */
function incumbentNode(
  session: Session,
  { group, job }: Pick<Version, "group" | "job">,
  previous: Allocation,
): Node | undefined {
  if (isClientTerminal(previous) || !needsImages(group)) return undefined;
  return session.placerFor(job).candidate(previous.nodeId);
}
