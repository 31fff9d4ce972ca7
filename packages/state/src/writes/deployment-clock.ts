/**
 * The clock of a version that has succeeded before and is back, after a drain of all its machines
 * say (DESIGN §12.1). What it waits for is capacity, which says nothing about the version: its
 * clock runs only while something that is placed is not healthy.
 */
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  type DeploymentState,
  isServerTerminal,
  isTerminal,
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
    return { ...group, requireProgressBy: deadlineFrom(group, tx.now) };
  }
  if (!isOpen(move.was) || isReplaced(move) || !isBack(tx, move.deployment)) return group;
  return hasOpen(tx, move) ? group : { ...group, requireProgressBy: 0 };
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
