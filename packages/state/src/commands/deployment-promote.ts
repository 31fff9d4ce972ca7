/** DeploymentPromote: canaries become the new version's first allocations (spec chapter 4 §4.5). */
import {
  type Allocation,
  type Deployment,
  type DeploymentState,
  DeploymentStatus,
  isDeploymentActive,
} from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putAlloc } from "../writes/allocs.ts";
import { countsAsCanary, settleClock } from "../writes/deployment-clock.ts";
import { deadlineFrom, mapGroups, shiftDeadline } from "../writes/deployments.ts";
import { putEval } from "../writes/evals.ts";
import type { CommandResult, DeploymentPromote } from "./command.ts";
import { terminal } from "./deployment-status.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets deploymentModifyIndex, evalCreateIndex. */
export function applyDeploymentPromote(tx: Tx, command: DeploymentPromote): CommandResult {
  const deployment = tx.read.deployment(command.deploymentId);
  if (deployment === undefined) {
    return rejected(tx, RejectCode.deploymentNotFound, "deployment not found");
  }
  if (!isDeploymentActive(deployment)) return terminal(tx, deployment);
  const isSelected = (name: string) => command.groups?.includes(name) ?? true;
  const missing = missingHealth(tx, deployment, isSelected);
  if (missing.length > 0) {
    const errors = missing.length === 1 ? "1 error" : `${missing.length} errors`;
    const message = `${errors} occurred:\n${missing.map((line) => `\t* ${line}\n`).join("")}\n`;
    return rejected(tx, RejectCode.deploymentNotPromotable, message);
  }
  promote(tx, deployment, isSelected);
  if (command.evaluation !== null) putEval(tx, command.evaluation);
  return accepted(tx, {
    deploymentModifyIndex: tx.index,
    evalCreateIndex: command.evaluation === null ? 0 : tx.index,
  });
}

function missingHealth(
  tx: Tx,
  deployment: Deployment,
  isSelected: (name: string) => boolean,
): string[] {
  const missing: string[] = [];
  for (const [name, group] of Object.entries(deployment.taskGroups)) {
    if (!isSelected(name) || group.desiredCanaries === 0) continue;
    const healthy = canariesOf(tx, group).filter((alloc) => countsAsCanary(tx, alloc)).length;
    if (healthy >= group.desiredCanaries) continue;
    missing.push(
      `Task group "${name}" has ${healthy}/${group.desiredCanaries} healthy allocations`,
    );
  }
  return missing;
}

function promote(tx: Tx, deployment: Deployment, isSelected: (name: string) => boolean): void {
  for (const [name, group] of Object.entries(deployment.taskGroups)) {
    if (isSelected(name)) for (const canary of canariesOf(tx, group)) clearCanary(tx, canary);
  }
  const current = tx.read.deployment(deployment.id) ?? deployment;
  const taskGroups = mapGroups(current, (group, name) =>
    isSelected(name) ? promoted(tx, group, deployment) : settledPause(tx, group, deployment),
  );
  const isOpen = Object.values(taskGroups).some((g) => g.desiredCanaries > 0 && !g.promoted);
  const isRunning = deployment.status === DeploymentStatus.running;
  tx.put("deployments", deployment.id, {
    ...current,
    taskGroups,
    statusDescription:
      isRunning && !isOpen ? "Deployment is running" : deployment.statusDescription,
    // While paused the clock stands; what is added now runs from the promotion.
    clockStoppedAt: deployment.clockStoppedAt > 0 ? tx.now : 0,
    modifyIndex: tx.index,
    modifyTime: tx.now,
  });
}

/** What is left of the pause counts from here, so that it has stood until here is added. */
function settledPause(tx: Tx, group: DeploymentState, deployment: Deployment): DeploymentState {
  const { clockStoppedAt } = deployment;
  if (tx.v < 2 || clockStoppedAt === 0) return group;
  return shiftDeadline(settleClock(tx, group, deployment), tx.now - clockStoppedAt);
}

/** Its clock starts anew, whatever it stood for; D8: only where canaries have waited for this. */
function promoted(tx: Tx, group: DeploymentState, deployment: Deployment): DeploymentState {
  if (tx.v >= 3 && (group.desiredCanaries === 0 || group.promoted)) {
    return { ...settledPause(tx, group, deployment), promoted: true };
  }
  const requireProgressBy = deadlineFrom(group, tx.now);
  const next = { ...group, promoted: true, requireProgressBy };
  const isStanding = (group.awaitingSince ?? 0) > 0 || (group.unseenSince ?? 0) > 0;
  if (!isStanding) return next;
  return { ...next, awaitingSince: 0, unseenSince: (group.unseenAllocs ?? 0) > 0 ? tx.now : 0 };
}

function canariesOf(tx: Tx, group: DeploymentState): Allocation[] {
  return group.placedCanaries.map((id) => tx.read.alloc(id)).filter((alloc) => alloc !== undefined);
}

/** Clients swap the canary's tags for the plain ones when they see it. */
function clearCanary(tx: Tx, alloc: Allocation): void {
  if (!alloc.deploymentStatus?.canary) return;
  putAlloc(tx, {
    ...alloc,
    deploymentStatus: { ...alloc.deploymentStatus, canary: false, modifyIndex: tx.index },
    modifyIndex: tx.index,
    allocModifyIndex: tx.index,
    modifyTime: tx.now,
  });
}
