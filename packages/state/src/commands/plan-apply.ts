/**
 * PlanApply: what the scheduler decided and verification let through (spec chapter 6 §6.6). Merges
 * into stored allocations without touching what clients own (invariant I9), and never brings back
 * what has ended meanwhile. Deployments end before allocations stop, so that an ended one keeps
 * the counts it had.
 */
import {
  type Allocation,
  AllocPhase,
  ClientStatus,
  type Deployment,
  DeploymentStatus,
  isBesidePrevious,
  isClientTerminal,
  isDeploymentActive,
  isDeploymentHealthy,
  isServerTerminal,
  type Plan,
  type PlannedAttributeUpdate,
  type PlannedStop,
} from "@drover/model";
import { jobRefOf } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { putAlloc } from "../writes/allocs.ts";
import { changeStatus, mergeDeployment } from "../writes/deployments.ts";
import { putEvals } from "../writes/evals.ts";
import type { CommandResult, PlanApply } from "./command.ts";
import { accepted } from "./result.ts";

/** `field` of an entry of `allocStates` that records a client status. */
const CLIENT_STATUS_FIELD = 0;

export function applyPlan(tx: Tx, command: PlanApply): CommandResult {
  const { evals, plan } = command;
  if (tx.v < 2 || !isOvertaken(tx, plan)) carryOut(tx, plan);
  putEvals(tx, evals);
  return accepted(tx);
}

/**
 * A12: the job has another version by now, whose own evaluation decides from what is. What a revert
 * has just freed or kept would otherwise be taken by the version that it left.
 */
function isOvertaken(tx: Tx, plan: Plan): boolean {
  const job = tx.read.job({ namespace: plan.namespace, id: plan.jobId });
  return job !== undefined && job.version !== plan.jobVersion;
}

function carryOut(tx: Tx, plan: Plan): void {
  for (const update of plan.deploymentUpdates) {
    const deployment = tx.read.deployment(update.deploymentId);
    if (deployment === undefined || !isDeploymentActive(deployment)) continue;
    const isStale = update.status === DeploymentStatus.successful && !isHealthy(tx, deployment);
    if (tx.v < 2 || !isStale) changeStatus(tx, deployment, update);
  }
  if (plan.deployment !== null && isJobCurrent(tx, plan)) mergeDeployment(tx, plan.deployment);
  for (const stop of plan.stops) applyStop(tx, stop);
  for (const update of plan.attributeUpdates) applyAttributes(tx, update);
  for (const placement of plan.placements) applyPlacement(tx, placement);
}

function isHealthy(tx: Tx, deployment: Deployment): boolean {
  const job = tx.read.jobVersion(jobRefOf(deployment), deployment.jobVersion);
  const allocs = tx.read.eachAllocOfDeployment(deployment.id);
  return isDeploymentHealthy(deployment, job?.type, allocs);
}

/** A deployment of a job that was purged or registered anew meanwhile would belong to nobody. */
function isJobCurrent(tx: Tx, plan: Plan): boolean {
  const job = tx.read.job({ namespace: plan.namespace, id: plan.jobId });
  return job !== undefined && job.createIndex === plan.deployment?.jobCreateIndex && !job.stop;
}

function applyStop(tx: Tx, stop: PlannedStop): void {
  const stored = tx.read.alloc(stop.allocId);
  if (stored === undefined) return;
  putAlloc(tx, {
    ...overrideClient(stored, stop),
    desiredStatus: stop.desiredStatus,
    desiredDescription: stop.desiredDescription,
    followupEvalId: stop.followupEvalId ?? stored.followupEvalId,
    preemptedByAllocation: stop.preemptedBy ?? stored.preemptedByAllocation,
    ...stamps(tx),
  });
}

function applyAttributes(tx: Tx, update: PlannedAttributeUpdate): void {
  const stored = tx.read.alloc(update.allocId);
  if (stored === undefined) return;
  const tracker = stored.rescheduleTracker;
  const last = update.lastReschedule;
  putAlloc(tx, {
    ...overrideClient(stored, update),
    followupEvalId: update.followupEvalId ?? stored.followupEvalId,
    nextAllocation: update.nextAllocation ?? stored.nextAllocation,
    rescheduleTracker:
      last === undefined ? tracker : { events: tracker?.events ?? [], lastReschedule: last },
    ...stamps(tx),
  });
}

/** The server may say `lost` or `unknown` for a client that does not answer, never undo its end. */
function overrideClient(
  stored: Allocation,
  change: {
    readonly clientStatus?: string;
    readonly clientDescription?: string;
    readonly allocStateAt?: number;
  },
): Allocation {
  const allocStates =
    change.allocStateAt === undefined
      ? stored.allocStates
      : [
          ...stored.allocStates,
          {
            field: CLIENT_STATUS_FIELD,
            value: change.clientStatus ?? stored.clientStatus,
            time: change.allocStateAt,
          },
        ];
  if (change.clientStatus === undefined || isClientTerminal(stored)) {
    return { ...stored, allocStates };
  }
  return {
    ...stored,
    allocStates,
    clientStatus: change.clientStatus,
    clientDescription: change.clientDescription ?? stored.clientDescription,
  };
}

function applyPlacement(tx: Tx, placement: Allocation): void {
  const stored = tx.read.alloc(placement.id);
  if (stored !== undefined) {
    if (isServerTerminal(stored)) return;
    putAlloc(tx, mergePlacement(tx, stored, placement));
    if (isBesidePrevious(stored)) linkPrevious(tx, placement);
    return;
  }
  const job = tx.read.job({ namespace: placement.namespace, id: placement.jobId });
  const isWanted = job !== undefined && !job.stop && job.createIndex === placement.jobCreateIndex;
  if (!isWanted || tx.read.allocJob(placement) === undefined) return;
  putAlloc(tx, {
    ...placement,
    clientStatus: ClientStatus.pending,
    deploymentStatus: placement.deploymentStatus && {
      ...placement.deploymentStatus,
      modifyIndex: tx.index,
    },
    createIndex: tx.index,
    createTime: tx.now,
    ...stamps(tx),
  });
  linkPrevious(tx, placement);
}

/** The scheduler's fields from the plan, everything else as it is stored. */
function mergePlacement(tx: Tx, stored: Allocation, placement: Allocation): Allocation {
  const isSameDeployment = stored.deploymentId === placement.deploymentId;
  return {
    ...stored,
    evalId: placement.evalId,
    jobVersion: placement.jobVersion,
    jobModifyIndex: placement.jobModifyIndex,
    jobCreateIndex: placement.jobCreateIndex,
    allocatedResources: placement.allocatedResources,
    metrics: placement.metrics,
    desiredStatus: placement.desiredStatus,
    desiredDescription: placement.desiredDescription,
    deploymentId: placement.deploymentId,
    deploymentStatus: isSameDeployment
      ? stored.deploymentStatus
      : placement.deploymentStatus && {
          ...placement.deploymentStatus,
          healthy: null,
          timestamp: tx.v < 2 ? 0 : (stored.deploymentStatus?.timestamp ?? 0),
          modifyIndex: tx.index,
        },
    rescheduleTracker: placement.rescheduleTracker,
    followupEvalId: placement.followupEvalId,
    preemptedAllocations: placement.preemptedAllocations,
    phase: nextPhase(stored.phase, placement.phase),
    ...stamps(tx),
  };
}

/** One way: what was told to start is never told to wait again. */
function nextPhase(stored: string, planned: string): string {
  if (stored === AllocPhase.surge && planned === AllocPhase.prepare) return stored;
  return isBesidePrevious({ phase: stored }) ? planned : stored;
}

/** What stands beside the one it is to replace may still be given up. */
function linkPrevious(tx: Tx, placement: Allocation): void {
  if (isBesidePrevious(placement)) return;
  const previous = tx.read.alloc(placement.previousAllocation);
  if (previous === undefined || previous.nextAllocation === placement.id) return;
  putAlloc(tx, { ...previous, nextAllocation: placement.id, ...stamps(tx) });
}

function stamps(tx: Tx) {
  return { modifyIndex: tx.index, allocModifyIndex: tx.index, modifyTime: tx.now };
}
