/** What operators do to deployments and allocations, on the leader (spec chapter 4 §4.5, §4.6). */
import { internal, notFound } from "@drover/api";
import { rollbackTarget } from "@drover/control";
import { type Deployment, EvalTrigger, type Evaluation, isDeploymentActive } from "@drover/model";
import type { ServerContext } from "../context.ts";
import { evalForJob, requestEval } from "../leader/new-eval.ts";
import { unwrap } from "./jobs.ts";

export interface DeploymentWriteResult {
  readonly evalId: string;
  readonly evalCreateIndex: number;
  readonly deploymentModifyIndex: number;
  /** The version that was gone back to; null = none. */
  readonly revertedJobVersion: number | null;
  readonly index: number;
}

function activeDeployment(context: ServerContext, id: string, verb: string): Deployment {
  if (id === "") throw internal("missing deployment ID");
  const deployment = context.store.snapshot().deployment(id);
  if (!deployment) throw internal("deployment not found");
  if (!isDeploymentActive(deployment)) throw internal(`can't ${verb} terminal deployment`);
  return deployment;
}

function watcherEval(
  context: ServerContext,
  deployment: Deployment,
  token: string,
): Evaluation | null {
  const job = context.store
    .snapshot()
    .job({ namespace: deployment.namespace, id: deployment.jobId });
  if (!job) return null;
  const evaluation = evalForJob(job, EvalTrigger.deploymentWatcher, context.random, {
    deploymentId: deployment.id,
    priority: deployment.evalPriority || job.priority,
  });
  return requestEval(evaluation, token);
}

function reply(
  evaluation: Evaluation | null,
  index: number,
  reverted: number | null = null,
): DeploymentWriteResult {
  return {
    evalId: evaluation?.id ?? "",
    evalCreateIndex: evaluation ? index : 0,
    deploymentModifyIndex: index,
    revertedJobVersion: reverted,
    index,
  };
}

export async function failDeployment(
  context: ServerContext,
  request: { readonly id: string; readonly token: string },
): Promise<DeploymentWriteResult> {
  const deployment = activeDeployment(context, request.id, "fail");
  const reverts = Object.values(deployment.taskGroups).some((group) => group.autoRevert);
  const rollback = rollbackTarget(context.store.snapshot(), deployment, reverts);
  const evaluation = watcherEval(context, deployment, request.token);
  const result = unwrap(
    await context.propose({
      tag: 14,
      token: request.token,
      deploymentId: deployment.id,
      status: "failed",
      statusDescription: `Deployment marked as failed${rollback.suffix}`,
      evaluation,
      revertTo: rollback.version,
    }),
  );
  return reply(evaluation, result.index, rollback.version);
}

export async function pauseDeployment(
  context: ServerContext,
  request: { readonly id: string; readonly pause: boolean; readonly token: string },
): Promise<DeploymentWriteResult> {
  const deployment = activeDeployment(context, request.id, request.pause ? "pause" : "resume");
  const evaluation = request.pause ? null : watcherEval(context, deployment, request.token);
  const result = unwrap(
    await context.propose({
      tag: 14,
      token: request.token,
      deploymentId: deployment.id,
      status: request.pause ? "paused" : "running",
      statusDescription: request.pause ? "Deployment is paused" : "Deployment is running",
      evaluation,
      revertTo: null,
    }),
  );
  return reply(evaluation, result.index);
}

export async function promoteDeployment(
  context: ServerContext,
  request: {
    readonly id: string;
    /** null = all groups. */
    readonly groups: readonly string[] | null;
    readonly token: string;
  },
): Promise<DeploymentWriteResult> {
  const deployment = activeDeployment(context, request.id, "promote");
  const evaluation = watcherEval(context, deployment, request.token);
  const result = unwrap(
    await context.propose({
      tag: 15,
      token: request.token,
      deploymentId: deployment.id,
      groups: request.groups,
      evaluation,
    }),
  );
  return reply(evaluation, result.index);
}

/** Multiregion only; here it is accepted and changes nothing (spec §4.6). */
export async function unblockDeployment(
  context: ServerContext,
  request: { readonly id: string },
): Promise<DeploymentWriteResult> {
  activeDeployment(context, request.id, "unblock");
  return reply(null, context.store.snapshot().index);
}

export async function setAllocHealth(
  context: ServerContext,
  request: {
    readonly id: string;
    readonly healthy: readonly string[];
    readonly unhealthy: readonly string[];
    readonly token: string;
  },
): Promise<DeploymentWriteResult> {
  if (request.healthy.length + request.unhealthy.length === 0) {
    throw internal("must specify at least one healthy/unhealthy allocation ID");
  }
  const deployment = activeDeployment(context, request.id, "set health of allocations for a");
  const snapshot = context.store.snapshot();
  const bad = new Set(request.unhealthy);
  for (const id of [...request.healthy, ...request.unhealthy]) {
    if (snapshot.alloc(id)?.deploymentId !== deployment.id) {
      throw internal(`alloc "${id}" is not part of deployment "${deployment.id}"`);
    }
  }
  const reverts = [...bad].some((id) => {
    const group = snapshot.alloc(id)?.taskGroup ?? "";
    return deployment.taskGroups[group]?.autoRevert ?? false;
  });
  const rollback = rollbackTarget(snapshot, deployment, reverts);
  // Without a stable version this path keeps the plain text (spec §4.1).
  const suffix = rollback.suffix.includes("no stable") ? "" : rollback.suffix;
  const evaluation = watcherEval(context, deployment, request.token);
  const result = unwrap(
    await context.propose({
      tag: 16,
      token: request.token,
      deploymentId: deployment.id,
      healthy: request.healthy,
      unhealthy: request.unhealthy,
      evaluation,
      failure:
        bad.size > 0
          ? {
              statusDescription: `Failed due to unhealthy allocations${suffix}`,
              revertTo: rollback.version,
            }
          : null,
    }),
  );
  return reply(evaluation, result.index, bad.size > 0 ? rollback.version : null);
}

/** Stops an allocation and has it replaced under the same name (spec chapter 8 §8.3). */
export async function stopAllocation(
  context: ServerContext,
  request: {
    readonly id: string;
    readonly noShutdownDelay: boolean;
    readonly reschedule: boolean;
    readonly token: string;
  },
): Promise<{ readonly evalId: string; readonly index: number }> {
  const snapshot = context.store.snapshot();
  const alloc = snapshot.alloc(request.id);
  if (!alloc) throw notFound("allocation not found");
  const job = snapshot.job({ namespace: alloc.namespace, id: alloc.jobId });
  if (!job) throw notFound("job not found");
  const evaluation = requestEval(
    evalForJob(job, EvalTrigger.allocStop, context.random),
    request.token,
  );
  const { noShutdownDelay, reschedule } = request;
  const transition = { migrate: true, noShutdownDelay, reschedule };
  const result = unwrap(
    await context.propose({
      tag: 8,
      token: request.token,
      transitions: { [alloc.id]: transition },
      evals: [evaluation],
    }),
  );
  return { evalId: evaluation.id, index: result.index };
}
