/** What the steps of one group's pass share. */
import {
  type Allocation,
  type DeploymentState,
  type DesiredUpdates,
  isNodeGone,
  type Job,
  JobType,
  Serving,
  servingState,
  type TaskGroup,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices } from "../slices.ts";
import { groupOf } from "./alloc-facts.ts";
import type { ClassifyContext } from "./buckets.ts";
import type { Triage } from "./deployment-step.ts";
import type { Draft } from "./draft.ts";
import type { Pair } from "./prepare.ts";
import type { RescheduleContext } from "./reschedule.ts";
import { Description, type ReconcileInput, type StopRequest } from "./types.ts";
import type { Holds } from "./why-group.ts";

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
  readonly serves: Serves;
  /** What this pass leaves undone. */
  readonly holds: Holds;
}

/** Canaries are placed or awaited, and nothing else of the new version may start. */
export function isCanarying(state: DeploymentState): boolean {
  return state.desiredCanaries > 0 && !state.promoted;
}

export function stopUnneeded(pass: Pass, alloc: Allocation): void {
  stopAll(pass, [{ alloc, description: Description.notNeeded }]);
}

export function stopAll(
  { desired, draft }: Pick<Pass, "desired" | "draft">,
  requests: readonly StopRequest[],
): void {
  for (const request of requests) draft.stop(request);
  desired.stop += requests.length;
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

export type Serves = (alloc: Allocation) => Serving;

/** Asks about each of many; the pass knows it afterwards. */
export function* servingStates(
  { serves }: Pick<Pass, "serves">,
  allocs: readonly Allocation[],
): Slices<readonly Serving[]> {
  const states: Serving[] = [];
  yield* inSlices(allocs, (alloc) => states.push(serves(alloc)));
  return states;
}

/** Whether an allocation serves (DESIGN §6), as far as anybody can tell now. */
export function servingOf(input: ReconcileInput): Serves {
  const deployments = new Map(input.deployments.map((each) => [each.id, each]));
  const jobType = input.job?.type ?? JobType.service;
  // Several steps of a large group's pass ask of each of its allocations.
  const known = new Map<Allocation, Serving>();
  return (alloc) => {
    const before = known.get(alloc);
    if (before !== undefined) return before;
    const deployment = deployments.get(alloc.deploymentId);
    const told = servingState(alloc, { deployment, jobType });
    // What its client has told last may not be the case any more.
    const isUnseen = told !== Serving.no && isNodeGone(input.node(alloc.nodeId));
    const state = isUnseen ? Serving.unseen : told;
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
