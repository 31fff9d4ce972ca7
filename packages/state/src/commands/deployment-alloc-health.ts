/** DeploymentAllocHealth: an operator's verdict on allocations (spec chapter 4 §4.6). */
import { type Deployment, DeploymentStatus, isDeploymentActive } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { putAlloc } from "../writes/allocs.ts";
import { putEval } from "../writes/evals.ts";
import type { CommandResult, DeploymentAllocHealth } from "./command.ts";
import { endOrMove, terminal } from "./deployment-status.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets deploymentModifyIndex, evalCreateIndex, revertedJobVersion when it reverted. */
export function applyDeploymentAllocHealth(tx: Tx, command: DeploymentAllocHealth): CommandResult {
  const deployment = tx.read.deployment(command.deploymentId);
  if (deployment === undefined) {
    return rejected(tx, RejectCode.deploymentNotFound, "deployment not found");
  }
  if (!isDeploymentActive(deployment)) return terminal(tx, deployment);
  for (const id of [...command.healthy, ...command.unhealthy]) {
    if (tx.read.alloc(id)?.deploymentId === deployment.id) continue;
    const message = `alloc "${id}" is not part of deployment "${deployment.id}"`;
    return rejected(tx, RejectCode.allocNotInDeployment, message);
  }
  judge(tx, command.healthy, true);
  judge(tx, command.unhealthy, false);
  const current = tx.read.deployment(deployment.id) ?? deployment;
  return command.failure === null ? goOn(tx, current, command) : fail(tx, current, command);
}

function judge(tx: Tx, ids: readonly string[], healthy: boolean): void {
  for (const id of ids) {
    const alloc = tx.read.alloc(id);
    if (alloc === undefined) continue;
    const canary = alloc.deploymentStatus?.canary ?? false;
    putAlloc(tx, {
      ...alloc,
      deploymentStatus: { healthy, timestamp: tx.now, canary, modifyIndex: tx.index },
      // Its client has to hear of it, or would judge it all the same.
      ...(tx.v < 2 ? {} : { allocModifyIndex: tx.index }),
      ...(tx.v < 3 ? {} : { judgedIn: alloc.deploymentId }),
      modifyIndex: tx.index,
      modifyTime: tx.now,
    });
  }
}

function goOn(tx: Tx, deployment: Deployment, command: DeploymentAllocHealth): CommandResult {
  const row = { ...deployment, modifyIndex: tx.index, modifyTime: tx.now };
  tx.put("deployments", deployment.id, row);
  if (command.evaluation !== null) putEval(tx, command.evaluation);
  return accepted(tx, {
    deploymentModifyIndex: tx.index,
    evalCreateIndex: command.evaluation === null ? 0 : tx.index,
  });
}

function fail(tx: Tx, deployment: Deployment, command: DeploymentAllocHealth): CommandResult {
  return endOrMove(tx, deployment, {
    change: {
      deploymentId: deployment.id,
      status: DeploymentStatus.failed,
      statusDescription: command.failure?.statusDescription ?? "",
    },
    revertTo: command.failure?.revertTo ?? null,
    evaluation: command.evaluation,
  });
}
