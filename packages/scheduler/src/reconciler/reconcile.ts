/**
 * What a service or batch job wants against what there is: a pure function from the job, its
 * allocations and its newest deployment to stops, updates and placements still without nodes.
 * The numbered rules are in SPEC.md; the system and sysbatch types have their own in `system.ts`.
 */
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  type DeploymentStatusUpdate,
  isClientTerminal,
  isDeploymentActive,
  isServerTerminal,
  isTerminal,
  type Job,
  NodeStatus,
} from "@drover/model";
import { AllocClass, classify } from "./buckets.ts";
import { createDeployment, successful, type Triage, triageDeployment } from "./deployment-step.ts";
import { reconcileGroup } from "./group.ts";
import { classifyContext, type Draft } from "./pass.ts";
import { Description, noUpdates, type ReconcileInput, type ReconcileResult } from "./types.ts";

export function reconcile(input: ReconcileInput): ReconcileResult {
  const triage = triageDeployment(input.deployment, input.job);
  const draft = newDraft();
  loseStopped(input, draft);
  const { job } = input;
  const byGroup = groupAllocs(input.allocs);
  if (job === null || job.stop) {
    for (const [name, allocs] of byGroup) stopGroup(input, draft, { name, allocs, isJob: true });
    return finish(input, draft, triage, false);
  }
  let isComplete = true;
  const groups = new Map(job.taskGroups.map((group) => [group.name, group]));
  for (const name of new Set([...groups.keys(), ...byGroup.keys()])) {
    const allocs = byGroup.get(name) ?? [];
    const group = groups.get(name);
    if (group === undefined || group.count === 0) {
      stopGroup(input, draft, { name, allocs, isJob: false });
      continue;
    }
    const isDone = reconcileGroup({ input, job, group, allocs, triage, draft });
    isComplete &&= isDone;
  }
  return finish(input, draft, triage, isComplete);
}

function groupAllocs(allocs: readonly Allocation[]): Map<string, Allocation[]> {
  const byGroup = new Map<string, Allocation[]>();
  for (const alloc of allocs) {
    const group = byGroup.get(alloc.taskGroup);
    if (group) group.push(alloc);
    else byGroup.set(alloc.taskGroup, [alloc]);
  }
  return byGroup;
}

function newDraft(): Draft {
  return {
    stops: [],
    inPlace: [],
    destructive: [],
    goes: [],
    places: [],
    attributeUpdates: [],
    followups: [],
    desired: {},
    deploymentGroups: {},
  };
}

/** I1: what was told to stop on a node that is gone will not report its end any more. */
function loseStopped(input: ReconcileInput, draft: Draft): void {
  for (const alloc of input.allocs) {
    if (!isServerTerminal(alloc) || isClientTerminal(alloc)) continue;
    if (alloc.clientStatus === ClientStatus.unknown) continue;
    const node = input.node(alloc.nodeId);
    if (node !== undefined && node.status !== NodeStatus.down) continue;
    draft.stops.push({
      alloc,
      description: Description.lost,
      clientStatus: ClientStatus.lost,
    });
  }
}

/** J1, J2: the job, the group or its whole count is gone. */
function stopGroup(
  input: ReconcileInput,
  draft: Draft,
  scope: { readonly name: string; readonly allocs: readonly Allocation[]; readonly isJob: boolean },
): void {
  const desired = noUpdates();
  draft.desired[scope.name] = desired;
  const context = classifyContext({ input });
  for (const alloc of scope.allocs) {
    if (scope.isJob ? isTerminal(alloc) : isServerTerminal(alloc)) continue;
    const isLost = classify(alloc, context) === AllocClass.lost;
    draft.stops.push(
      isLost
        ? { alloc, description: Description.lost, clientStatus: ClientStatus.lost }
        : { alloc, description: Description.notNeeded },
    );
    desired.stop++;
  }
}

function finish(
  input: ReconcileInput,
  draft: Draft,
  triage: Triage,
  isComplete: boolean,
): ReconcileResult {
  const { current } = triage;
  const { job } = input;
  const deployment = job === null ? null : newDeployment(input, draft, job);
  const updates: DeploymentStatusUpdate[] = [...triage.updates];
  if (isComplete && current !== null && isDeploymentActive(current)) {
    updates.push(successful(current));
  }
  return {
    stops: draft.stops,
    inPlace: draft.inPlace,
    destructive: draft.destructive,
    goes: draft.goes,
    places: draft.places,
    attributeUpdates: draft.attributeUpdates,
    followups: draft.followups,
    deployment,
    deploymentUpdates: updates,
    activeDeployment: deployment ?? activeOf(current),
    desired: draft.desired,
  };
}

/** What a failed deployment has placed besides stays out of it (spec §3.15 H). */
function activeOf(current: Deployment | null): Deployment | null {
  return current !== null && isDeploymentActive(current) ? current : null;
}

function newDeployment(input: ReconcileInput, draft: Draft, job: Job): Deployment | null {
  if (Object.keys(draft.deploymentGroups).length === 0) return null;
  return createDeployment({
    id: input.mintId(),
    job,
    evalPriority: input.evaluation.priority,
    now: input.now,
    groups: draft.deploymentGroups,
    earlier: input.deployments,
  });
}
