/** Applies a plan to a `MemoryState` as the replicated state does: each field by its owner. */
import {
  type Allocation,
  type Deployment,
  type DeploymentState,
  DeploymentStatus,
  type DeploymentStatusUpdate,
  isBesidePrevious,
  isDeploymentActive,
  isDeploymentHealthy,
  isTerminal,
  type Plan,
  type PlannedAttributeUpdate,
} from "@drover/model";
import type { MemoryState } from "./memory-state.ts";

const CLIENT_STATUS_FIELD = 0;

export function applyPlan(state: MemoryState, plan: Plan): void {
  state.index++;
  const { index } = state;
  for (const update of plan.deploymentUpdates) updateDeployment(state, update);
  if (plan.deployment) putDeployment(state, plan.deployment);
  for (const stop of plan.stops) {
    const alloc = state.alloc(stop.allocId);
    if (!alloc) continue;
    const { desiredDescription, desiredStatus } = stop;
    const stopped = { ...alloc, desiredStatus, desiredDescription, modifyTime: state.clock };
    state.putAlloc(withClientStatus(stopped, stop, index));
  }
  for (const update of plan.attributeUpdates) {
    const alloc = state.alloc(update.allocId);
    if (alloc) state.putAlloc(withAttributes(alloc, update, index));
  }
  for (const placement of plan.placements) place(state, placement);
  recountDeployments(state);
}

function updateDeployment(state: MemoryState, update: DeploymentStatusUpdate): void {
  const deployment = state.deployment(update.deploymentId);
  if (!deployment || !isDeploymentActive(deployment)) return;
  const { status, statusDescription } = update;
  const ref = { namespace: deployment.namespace, id: deployment.jobId };
  const job = state.jobVersion(ref, deployment.jobVersion);
  const isSuccess = status === DeploymentStatus.successful;
  const allocs = state.allocsByDeployment(deployment.id);
  if (isSuccess && !isDeploymentHealthy(deployment, job?.type, allocs)) return;
  state.putDeployment({ ...deployment, status, statusDescription, modifyIndex: state.index });
  if (isSuccess && job) state.putJob({ ...job, stable: true });
}

function putDeployment(state: MemoryState, planned: Deployment): void {
  const { index } = state;
  const stored = state.deployment(planned.id);
  if (!stored) state.putDeployment({ ...planned, createIndex: index, modifyIndex: index });
  else if (isDeploymentActive(stored)) {
    const taskGroups = { ...stored.taskGroups };
    for (const [name, { desiredCanaries, desiredTotal }] of Object.entries(planned.taskGroups)) {
      const known = taskGroups[name];
      if (known) taskGroups[name] = { ...known, desiredTotal, desiredCanaries };
    }
    state.putDeployment({ ...stored, taskGroups, modifyIndex: index });
  }
}

function place(state: MemoryState, placement: Allocation): void {
  const { index } = state;
  const existing = state.alloc(placement.id);
  if (!existing) {
    state.putAlloc({ ...placement, createIndex: index, modifyIndex: index });
    linkPrevious(state, placement);
    return;
  }
  const { clientStatus, prepared, taskStates, unretryableError } = existing;
  const hasMoved = existing.deploymentId !== placement.deploymentId;
  state.putAlloc({
    ...placement,
    clientStatus,
    prepared,
    taskStates,
    unretryableError,
    deploymentStatus: hasMoved ? placement.deploymentStatus : existing.deploymentStatus,
    createIndex: existing.createIndex,
    modifyIndex: index,
  });
  if (isBesidePrevious(existing)) linkPrevious(state, placement);
}

function linkPrevious(state: MemoryState, placement: Allocation): void {
  const previous = state.alloc(placement.previousAllocation);
  if (!previous || isBesidePrevious(placement)) return;
  state.putAlloc({ ...previous, nextAllocation: placement.id });
}

function withAttributes(
  alloc: Allocation,
  update: PlannedAttributeUpdate,
  index: number,
): Allocation {
  const { followupEvalId = alloc.followupEvalId, lastReschedule } = update;
  const { nextAllocation = alloc.nextAllocation } = update;
  const rescheduleTracker =
    lastReschedule === undefined
      ? alloc.rescheduleTracker
      : { events: alloc.rescheduleTracker?.events ?? [], lastReschedule };
  const changed = { ...alloc, followupEvalId, nextAllocation, rescheduleTracker };
  return withClientStatus(changed, update, index);
}

function withClientStatus(
  alloc: Allocation,
  change: { readonly clientStatus?: string; readonly allocStateAt?: number },
  index: number,
): Allocation {
  const { allocStateAt, clientStatus } = change;
  if (clientStatus === undefined) return { ...alloc, modifyIndex: index };
  const entry =
    allocStateAt === undefined
      ? []
      : [{ field: CLIENT_STATUS_FIELD, value: clientStatus, time: allocStateAt }];
  return {
    ...alloc,
    clientStatus,
    allocStates: [...alloc.allocStates, ...entry],
    modifyIndex: index,
  };
}

/** The counts of every deployment, derived from its allocations (DESIGN §6). */
export function recountDeployments(state: MemoryState): void {
  for (const deployment of [...state.deployments()]) {
    const taskGroups: Record<string, DeploymentState> = {};
    for (const [name, part] of Object.entries(deployment.taskGroups)) {
      taskGroups[name] = recount(state, deployment, { name, part });
    }
    state.putDeployment({ ...deployment, taskGroups });
  }
}

function recount(
  state: MemoryState,
  deployment: Deployment,
  { name, part }: { readonly name: string; readonly part: DeploymentState },
): DeploymentState {
  const allocs = state
    .allocsByDeployment(deployment.id)
    .filter((alloc) => alloc.taskGroup === name);
  const judged = (healthy: boolean) =>
    allocs.filter((alloc) => alloc.deploymentStatus?.healthy === healthy);
  const canaries = allocs.filter((alloc) => alloc.deploymentStatus?.canary === true);
  const placedCanaries = new Set([...part.placedCanaries, ...canaries.map((alloc) => alloc.id)]);
  return {
    ...part,
    placedAllocs: allocs.length,
    healthyAllocs: judged(true).filter((alloc) => !isTerminal(alloc)).length,
    unhealthyAllocs: judged(false).length,
    placedCanaries: [...placedCanaries],
  };
}
