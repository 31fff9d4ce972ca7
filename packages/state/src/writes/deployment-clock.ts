/**
 * When a group's clock runs (DESIGN §12.1). It stands while its canaries wait for their promotion,
 * and while health cannot be seen, for that at most its own length; what stood is added to the
 * deadline. The clock of a version that has succeeded before and is back, after a drain of all its
 * machines say, waits for capacity, which says nothing about the version: it runs only while
 * something that is placed is not healthy.
 */
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  type DeploymentState,
  isHealthyCanary,
  isServerTerminal,
  isTerminal,
  unseenLeftMs,
} from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { deadlineFrom, isBack } from "./deployments.ts";

interface Move {
  readonly deployment: Deployment;
  /** The allocation before and after; `undefined` = it did not, or does not, belong here. */
  readonly was: Allocation | undefined;
  readonly is: Allocation | undefined;
}

export function moveClock(tx: Tx, group: DeploymentState, move: Move): DeploymentState {
  if (group.progressDeadline === 0) return group;
  if (isOpen(move.is)) {
    if (group.requireProgressBy !== 0 || !isBack(tx, move.deployment)) return group;
    return { ...group, requireProgressBy: deadlineFrom(group, clockNow(tx, move.deployment)) };
  }
  if (!isOpen(move.was) || isReplaced(move) || !isBack(tx, move.deployment)) return group;
  return hasOpen(tx, move) ? group : { ...group, requireProgressBy: 0 };
}

/** Where the clock of a deployment is: in a pause at its beginning, as the whole of it is added. */
export function clockNow(tx: Tx, { clockStoppedAt }: Pick<Deployment, "clockStoppedAt">): number {
  return tx.v >= 2 && clockStoppedAt > 0 ? clockStoppedAt : tx.now;
}

/** Starts or ends what the clock stands for, after whatever has changed. */
export function standClock(
  tx: Tx,
  group: DeploymentState,
  deployment: Deployment,
): DeploymentState {
  if (tx.v < 2 || group.progressDeadline === 0) return group;
  const isAwaiting = awaitsPromotion(tx, group);
  const isUnseen = !isAwaiting && (group.unseenAllocs ?? 0) > 0;
  const wasAwaiting = (group.awaitingSince ?? 0) > 0;
  const wasUnseen = (group.unseenSince ?? 0) > 0;
  if (isAwaiting === wasAwaiting && isUnseen === wasUnseen) return group;
  return {
    ...settleClock(tx, group, deployment),
    awaitingSince: isAwaiting ? tx.now : 0,
    unseenSince: isUnseen ? tx.now : 0,
  };
}

/** Adds what the clock has stood so far to the deadline; a pause has its own account. */
export function settleClock(
  tx: Tx,
  group: DeploymentState,
  { clockStoppedAt }: Pick<Deployment, "clockStoppedAt">,
): DeploymentState {
  const awaitingSince = group.awaitingSince ?? 0;
  const unseenSince = group.unseenSince ?? 0;
  if (awaitingSince === 0 && unseenSince === 0) return group;
  const until = clockStoppedAt > 0 ? Math.min(clockStoppedAt, tx.now) : tx.now;
  const awaited = awaitingSince === 0 ? 0 : Math.max(0, until - awaitingSince);
  const unseen = unseenSince === 0 ? 0 : Math.max(0, until - unseenSince);
  const granted = Math.min(unseen, unseenLeftMs(group));
  const { requireProgressBy } = group;
  return {
    ...group,
    requireProgressBy: requireProgressBy === 0 ? 0 : requireProgressBy + awaited + granted,
    awaitingSince: awaitingSince === 0 ? 0 : tx.now,
    unseenSince: unseenSince === 0 ? 0 : tx.now,
    unseenMs: (group.unseenMs ?? 0) + granted,
  };
}

function awaitsPromotion(tx: Tx, group: DeploymentState): boolean {
  if (group.desiredCanaries === 0 || group.promoted) return false;
  const healthy = group.placedCanaries.filter((id) => {
    const alloc = tx.read.alloc(id);
    return alloc !== undefined && countsAsCanary(tx, alloc);
  });
  return healthy.length >= group.desiredCanaries;
}

/** Before version 4 one that ran beside another did not count when the other had gone, either. */
export function countsAsCanary(tx: Tx, alloc: Allocation): boolean {
  return isHealthyCanary(alloc, tx.v < 4 ? alloc : tx.read.alloc(alloc.previousAllocation));
}

/** Placed, wanted, and not healthy: what the deadline is for. */
function isOpen(alloc: Allocation | undefined): boolean {
  if (alloc === undefined || isServerTerminal(alloc)) return false;
  return alloc.deploymentStatus?.healthy !== true || isTerminal(alloc);
}

/** A failed one is stopped by the plan that replaces it: one attempt follows the other. */
function isReplaced({ is }: Move): boolean {
  if (is === undefined || !isServerTerminal(is)) return false;
  return is.deploymentStatus?.healthy === false || is.clientStatus === ClientStatus.failed;
}

function hasOpen(tx: Tx, { deployment, was }: Move): boolean {
  for (const alloc of tx.read.eachAllocOfDeployment(deployment.id)) {
    if (alloc.taskGroup === was?.taskGroup && isOpen(alloc)) return true;
  }
  return false;
}
