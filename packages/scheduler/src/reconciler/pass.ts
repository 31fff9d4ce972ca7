/** What the steps of one group's pass share. */
import {
  type Allocation,
  ClientStatus,
  type DeploymentState,
  type DesiredUpdates,
  type Evaluation,
  type Job,
  JobType,
  type PlannedAttributeUpdate,
  type Reason,
  Serving,
  servingState,
  type TaskGroup,
} from "@drover/model";
import { groupOf } from "./alloc-facts.ts";
import type { ClassifyContext } from "./buckets.ts";
import type { Triage } from "./deployment-step.ts";
import type { Pair } from "./prepare.ts";
import type { RescheduleContext } from "./reschedule.ts";
import {
  Description,
  type DestructiveRequest,
  type GoRequest,
  type InPlaceRequest,
  type PlaceRequest,
  type ReconcileInput,
  type StopRequest,
} from "./types.ts";
import type { Holds } from "./why-group.ts";

/** Collected over all groups; becomes the result. */
export interface Draft {
  readonly stops: StopRequest[];
  readonly inPlace: InPlaceRequest[];
  readonly destructive: DestructiveRequest[];
  readonly goes: GoRequest[];
  readonly places: PlaceRequest[];
  readonly attributeUpdates: PlannedAttributeUpdate[];
  readonly followups: Evaluation[];
  readonly desired: Record<string, DesiredUpdates>;
  /** What this pass leaves undone, and why. */
  readonly waits: Reason[];
  /** Groups that get a part in a new deployment. */
  readonly deploymentGroups: Record<string, DeploymentState>;
}

export interface GroupScope {
  readonly input: ReconcileInput;
  readonly job: Job;
  readonly group: TaskGroup;
  /** The group's allocations. */
  readonly allocs: readonly Allocation[];
  readonly triage: Triage;
  readonly draft: Draft;
}

/** Everything a later step needs from an earlier one. */
export interface Pass extends GroupScope {
  readonly desired: DesiredUpdates;
  readonly state: DeploymentState;
  /** The group has a part in the current deployment. */
  readonly isInDeployment: boolean;
  canaries: Allocation[];
  untainted: Allocation[];
  migrate: Allocation[];
  /** Not promoted, and marked by a drain: they run on until their replacements go (P8). */
  movingCanaries: Allocation[];
  lost: Allocation[];
  rescheduleNow: Allocation[];
  /** Unreachable ones that are replaced at once and not stopped. */
  disconnected: Allocation[];
  laterCount: number;
  pairs: Pair[];
  /** Old allocation → the failed attempt at replacing it. */
  retries: ReadonlyMap<string, Allocation>;
  readonly holds: Holds;
}

/** Canaries are placed or awaited, and nothing else of the new version may start. */
export function isCanarying(state: DeploymentState): boolean {
  return state.desiredCanaries > 0 && !state.promoted;
}

export function stopUnneeded(pass: Pass, alloc: Allocation): void {
  pass.draft.stops.push({ alloc, description: Description.notNeeded });
  pass.desired.stop++;
}

/** How the failed allocations of the scope are judged. */
export function rescheduleContext({
  input,
  triage,
}: Pick<GroupScope, "input" | "triage">): RescheduleContext {
  return {
    now: input.now,
    evalId: input.evaluation.id,
    isBatch: input.isBatch,
    deployment: triage.current,
    policyOf: (alloc) => groupOf(input.allocJob(alloc), alloc.taskGroup)?.reschedulePolicy ?? null,
    isReplaced: ({ nextAllocation }) => nextAllocation !== "",
  };
}

/** Whether an allocation serves (DESIGN §6); what this plan finds out of reach does not. */
export function servingOf({
  draft,
  input,
}: Pick<GroupScope, "draft" | "input">): (alloc: Allocation) => Serving {
  const updates = draft.attributeUpdates;
  const unreachable = new Set(
    updates.flatMap((each) => (each.clientStatus === ClientStatus.unknown ? each.allocId : [])),
  );
  const deployments = new Map(input.deployments.map((each) => [each.id, each]));
  const jobType = input.job?.type ?? JobType.service;
  // Several steps of a large group's pass ask of each of its allocations.
  const known = new Map<Allocation, Serving>();
  return (alloc) => {
    const before = known.get(alloc);
    if (before !== undefined) return before;
    const deployment = deployments.get(alloc.deploymentId);
    const state = unreachable.has(alloc.id)
      ? Serving.no
      : servingState(alloc, { deployment, jobType });
    known.set(alloc, state);
    return state;
  };
}

export function classifyContext({ input }: Pick<GroupScope, "input">): ClassifyContext {
  return {
    now: input.now,
    node: input.node,
    groupOf: (alloc) => groupOf(input.allocJob(alloc), alloc.taskGroup),
  };
}
