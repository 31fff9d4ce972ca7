/** JobDeregister: stops a job as a new version of it, or removes every trace (spec §2.5.2). */
import { EvalStatus, isEvalTerminal, type Job } from "@drover/model";
import { below, jobKey } from "../store/keys.ts";
import type { TableName } from "../store/tables.ts";
import type { Tx } from "../store/tx.ts";
import { mergeTransition, removeAlloc } from "../writes/allocs.ts";
import { removeDeployment } from "../writes/deployments.ts";
import { putJobEval } from "../writes/evals.ts";
import { putNewVersion } from "../writes/jobs.ts";
import type { CommandResult, JobDeregister } from "./command.ts";
import { accepted } from "./result.ts";

/** Rows of a job that are keyed by it, or by it and more. */
const KEYED_BY_JOB: readonly TableName[] = [
  "jobs",
  "summaries",
  "scalingEvents",
  "jobVersions",
  "retainedVersions",
  "submissions",
  "revertGrants",
];

/** Sets jobModifyIndex, evalCreateIndex; unchanged for a job that does not exist. */
export function applyJobDeregister(tx: Tx, command: JobDeregister): CommandResult {
  const ref = { namespace: command.namespace, id: command.jobId };
  const job = tx.read.job(ref);
  if (job === undefined) {
    return accepted(tx, { jobModifyIndex: 0, unchanged: true, evalCreateIndex: 0 });
  }
  if (command.purge) purgeJob(tx, job);
  else stopJob(tx, job, command.noShutdownDelay);
  putJobEval(tx, command.evaluation, tx.index);
  return accepted(tx, {
    jobModifyIndex: tx.index,
    evalCreateIndex: command.evaluation === null ? 0 : tx.index,
  });
}

function stopJob(tx: Tx, job: Job, noShutdownDelay: boolean): void {
  putNewVersion(tx, { ...job, stop: true, submitTime: tx.now, versionTag: null }, null);
  if (!noShutdownDelay) return;
  for (const alloc of tx.read.allocsByJob(job)) {
    mergeTransition(tx, alloc, { noShutdownDelay: true });
  }
}

/** The clients learn by a tombstone per allocation that theirs are gone (invariant I11). */
export function purgeJob(tx: Tx, job: Job): void {
  for (const alloc of tx.read.allocsByJob(job)) removeAlloc(tx, alloc.id);
  for (const deployment of tx.read.deploymentsByJob(job)) {
    removeDeployment(tx, deployment.id);
  }
  for (const table of KEYED_BY_JOB) {
    const own = tx.get(table, jobKey(job)) === undefined ? [] : [jobKey(job)];
    for (const key of [...own, ...tx.keys(table, below(jobKey(job)))]) tx.remove(table, key);
  }
  for (const evaluation of tx.read.evalsByJob(job)) {
    if (isEvalTerminal(evaluation)) continue;
    tx.put("evals", evaluation.id, {
      ...evaluation,
      status: EvalStatus.complete,
      statusDescription: `job ${job.id} deleted`,
      modifyIndex: tx.index,
      modifyTime: tx.now,
    });
  }
}
