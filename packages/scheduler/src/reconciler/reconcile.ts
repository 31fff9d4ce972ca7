/**
 * What a service or batch job wants against what there is: a pure function from the job, its
 * allocations and its newest deployment to stops, updates and placements still without nodes.
 * The numbered rules are in SPEC.md; the system and sysbatch types have their own in `system.ts`.
 */
import {
  type Deployment,
  type DeploymentStatusUpdate,
  isDeploymentActive,
  type Job,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { createDeployment, successful, type Triage, triageDeployment } from "./deployment-step.ts";
import { Draft } from "./draft.ts";
import { reconcileGroup } from "./group.ts";
import { groupAllocs, loseStopped, stopGroup } from "./job-stop.ts";
import type { ReconcileInput, ReconcileResult } from "./types.ts";

export function* reconcile(input: ReconcileInput): Slices<ReconcileResult> {
  const triage = triageDeployment(input.deployment, input.job);
  const draft = new Draft();
  yield* loseStopped(input, draft);
  const { job } = input;
  const byGroup = yield* groupAllocs(input.allocs);
  if (job === null || job.stop) {
    for (const [name, allocs] of byGroup) {
      yield* stopGroup(input, draft, { name, allocs, isJob: true });
    }
    return finish(input, draft, triage, false);
  }
  let isComplete = true;
  const groups = new Map(job.taskGroups.map((group) => [group.name, group]));
  for (const name of new Set([...groups.keys(), ...byGroup.keys()])) {
    const allocs = byGroup.get(name) ?? [];
    const group = groups.get(name);
    if (group === undefined || group.count === 0) {
      yield* stopGroup(input, draft, { name, allocs, isJob: false });
      continue;
    }
    const isDone = yield* reconcileGroup({ input, job, group, allocs, triage, draft });
    isComplete &&= isDone;
  }
  return finish(input, draft, triage, isComplete);
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
    waits: draft.waits,
  };
}

/** What a failed deployment has placed besides stays out of it (spec §3.15 H). */
export function activeOf(current: Deployment | null): Deployment | null {
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
