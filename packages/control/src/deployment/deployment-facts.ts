/** What the decider's rules ask of a deployment and its allocations (SPEC.md, "Words"). */
import {
  type Allocation,
  AllocPhase,
  ClientStatus,
  type Deployment,
  type DeploymentState,
  EvalStatus,
  isHealthyCanary,
  isServerTerminal,
  isTerminal,
  lateAt,
  type StateReader,
} from "@drover/model";

export interface GroupFacts {
  readonly name: string;
  readonly state: DeploymentState;
  readonly isCanaryPhase: boolean;
  /** In its canary phase, with all canaries healthy. */
  readonly isAwaitingPromotion: boolean;
  readonly isDone: boolean;
  readonly healthyCanaries: number;
}

export function isUnhealthy(alloc: Allocation): boolean {
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  return verdict === false || (verdict === null && hasFailed(alloc));
}

/** By itself: what its servers have told to stop says nothing about its version any more. */
export function hasFailed(alloc: Allocation): boolean {
  return alloc.clientStatus === ClientStatus.failed && !isServerTerminal(alloc);
}

export function isHealthy(alloc: Allocation): boolean {
  return alloc.deploymentStatus?.healthy === true && !isTerminal(alloc);
}

/**
 * Groups for which no node has room. Of a system job nothing is desired as long as nothing can be
 * placed: that is not done.
 */
export function starvedGroups(state: StateReader, deployment: Deployment): ReadonlySet<string> {
  const ref = { namespace: deployment.namespace, id: deployment.jobId };
  const waiting = [...state.evalsByJob(ref)].filter(({ status }) => status === EvalStatus.blocked);
  return new Set(waiting.flatMap(({ failedTgAllocs }) => Object.keys(failedTgAllocs)));
}

export function groupFacts(
  deployment: Deployment,
  allocs: readonly Allocation[],
  starved: ReadonlySet<string>,
): readonly GroupFacts[] {
  return Object.entries(deployment.taskGroups).map(([name, state]) => {
    const healthy = allocs.filter((alloc) => alloc.taskGroup === name && isHealthy(alloc));
    const canaries = new Set(state.placedCanaries);
    const healthyCanaries = healthy.filter(
      (alloc) => canaries.has(alloc.id) && isHealthyCanary(alloc, predecessorIn(allocs, alloc)),
    ).length;
    const isCanaryPhase = state.desiredCanaries > 0 && !state.promoted;
    return {
      name,
      state,
      isCanaryPhase,
      isAwaitingPromotion: isCanaryPhase && healthyCanaries >= state.desiredCanaries,
      isDone:
        !isCanaryPhase &&
        healthy.length >= state.desiredTotal &&
        !(state.desiredTotal === 0 && starved.has(name)),
      healthyCanaries,
    };
  });
}

/** There are few canaries, and fewer that stand beside what they replace. */
function predecessorIn(allocs: readonly Allocation[], { phase, previousAllocation }: Allocation) {
  if (phase !== AllocPhase.surge) return undefined;
  return allocs.find(({ id }) => id === previousAllocation);
}

/** Earliest instant at which a group is late; null = none can be. */
export function nextDeadline(groups: readonly GroupFacts[]): number | null {
  const deadlines = groups
    .filter((group) => !group.isDone && !group.isAwaitingPromotion)
    .map((group) => lateAt(group.state))
    .filter((at) => at > 0);
  return deadlines.length === 0 ? null : Math.min(...deadlines);
}

/** Failed, wanted, and neither replaced nor marked for it. */
export function isUnattended(alloc: Allocation): boolean {
  return (
    hasFailed(alloc) && alloc.nextAllocation === "" && alloc.desiredTransition.reschedule !== true
  );
}

/**
 * Index up to which an evaluation of the job has looked, or will have once it runs. One that waits
 * for a time or for capacity promises nothing beyond the snapshot it came from.
 */
export function evaluatedIndex(state: StateReader, deployment: Deployment, now: number): number {
  let latest = 0;
  const ref = { namespace: deployment.namespace, id: deployment.jobId };
  for (const evaluation of state.evalsByJob(ref)) {
    if (evaluation.status === EvalStatus.canceled) continue;
    const waits = evaluation.status === EvalStatus.blocked || evaluation.waitUntil > now;
    const from = evaluation.snapshotIndex || (waits ? 0 : evaluation.createIndex);
    latest = Math.max(latest, from);
  }
  return latest;
}

/** Index at which the allocation gave the scheduler something new to do; 0 = it did not. */
export function newsIndex(alloc: Allocation): number {
  if (isServerTerminal(alloc)) return 0;
  if (alloc.phase === AllocPhase.prepare && alloc.prepared) return alloc.modifyIndex;
  return alloc.deploymentStatus?.healthy === true ? alloc.deploymentStatus.modifyIndex : 0;
}
