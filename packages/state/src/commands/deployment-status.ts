/**
 * DeploymentStatus: pause, resume, fail, and the leader's own failures, with the revert to a stable
 * version and the evaluation in the same entry (spec chapter 4 §4.1, §4.4).
 */
import { type Deployment, type Evaluation, isDeploymentActive } from "@drover/model";
import { jobRefOf, versionKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { changeStatus, type StatusChange } from "../writes/deployments.ts";
import { putEval } from "../writes/evals.ts";
import { revertJob } from "../writes/jobs.ts";
import type { CommandResult, DeploymentStatusChange } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets deploymentModifyIndex, evalCreateIndex, revertedJobVersion when it reverted. */
export function applyDeploymentStatus(tx: Tx, command: DeploymentStatusChange): CommandResult {
  const deployment = tx.read.deployment(command.deploymentId);
  if (deployment === undefined) {
    return rejected(tx, RejectCode.deploymentNotFound, "deployment not found");
  }
  if (!isDeploymentActive(deployment)) return terminal(tx, deployment);
  return endOrMove(tx, deployment, {
    change: command,
    revertTo: command.revertTo,
    evaluation: command.evaluation,
  });
}

export function terminal(tx: Tx, deployment: Deployment): CommandResult {
  return rejected(
    tx,
    RejectCode.deploymentTerminal,
    `Deployment "${deployment.id}" has terminal status "${deployment.status}":`,
  );
}

export function endOrMove(
  tx: Tx,
  deployment: Deployment,
  input: {
    readonly change: StatusChange;
    readonly revertTo: number | null;
    readonly evaluation: Evaluation | null;
  },
): CommandResult {
  changeStatus(tx, deployment, input.change);
  const reverted = input.revertTo === null ? false : revert(tx, deployment, input.revertTo);
  if (input.evaluation !== null) putEval(tx, input.evaluation);
  return accepted(tx, {
    deploymentModifyIndex: tx.index,
    evalCreateIndex: input.evaluation === null ? 0 : tx.index,
    ...(reverted && input.revertTo !== null ? { revertedJobVersion: input.revertTo } : {}),
  });
}

/** The deployment that follows was not asked for by a human: it may not revert again by itself. */
function revert(tx: Tx, deployment: Deployment, to: number): boolean {
  const ref = jobRefOf(deployment);
  const copy = revertJob(tx, ref, { to, expected: deployment.jobVersion });
  if (copy === undefined) return false;
  const autoTransitionsLeft = Math.max(0, deployment.autoTransitionsLeft - 1);
  tx.put("revertGrants", versionKey(ref, copy.version), { autoTransitionsLeft });
  return true;
}
