/** Writes jobs: versions, submissions, status (spec chapter 2 §2.5, chapter 1 §1.1.1). */
import { assert } from "@drover/base";
import { computeJobStatus, type Job, type JobRef } from "@drover/model";
import type { JobSubmission } from "../commands/command.ts";
import { jobKey, versionKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { ensureSummary } from "./job-summary.ts";
import { putJobVersion, replaceJobVersion } from "./job-versions.ts";

/**
 * Makes `job` the current version, numbered after the stored one. Indexes are set here; `stable`,
 * `submitTime` and the rest are the caller's.
 */
export function putNewVersion(tx: Tx, job: Job, submission: JobSubmission | null): Job {
  const current = tx.read.job(job);
  const stored: Job = {
    ...job,
    version: current === undefined ? job.version : Math.max(job.version, current.version + 1),
    status: current?.status ?? "",
    statusDescription: current?.statusDescription ?? "",
    createIndex: current?.createIndex ?? tx.index,
    modifyIndex: tx.index,
    jobModifyIndex: tx.index,
  };
  assert(current === undefined || stored.version > current.version, "versions only grow");
  tx.put("jobs", jobKey(stored), stored);
  putJobVersion(tx, stored);
  ensureSummary(tx, stored);
  if (submission !== null) {
    tx.put("submissions", versionKey(stored, stored.version), {
      ...submission,
      namespace: stored.namespace,
      jobId: stored.id,
      version: stored.version,
      jobModifyIndex: tx.index,
    });
  }
  return stored;
}

/**
 * Registers a copy of a stored version as a new one (auto-revert, spec chapter 4 §4.4): stability
 * and submit time are the old version's, and so is its source. Answers undefined when there is no
 * such version, or when the job has moved on from `expectedVersion`.
 */
export function revertJob(
  tx: Tx,
  ref: JobRef,
  versions: { readonly to: number; readonly expected: number },
): Job | undefined {
  const current = tx.read.job(ref);
  const target = tx.read.jobVersion(ref, versions.to);
  if (current === undefined || target === undefined) return undefined;
  if (current.version !== versions.expected || current.stop) return undefined;
  const copy = { ...target, version: current.version + 1, versionTag: null };
  return putNewVersion(tx, copy, tx.read.submission(ref, versions.to) ?? null);
}

/** Marks a version good, or not; no new version (spec chapter 2 §2.5.5). */
export function setStable(tx: Tx, job: Job, stable: boolean): void {
  if (job.stable === stable) return;
  replaceJobVersion(tx, { ...job, stable, modifyIndex: tx.index });
}

/** Recomputes a job's status after everything else of the command has been written. */
export function refreshJobStatus(tx: Tx, ref: JobRef, options: { evalDeleted: boolean }): void {
  const job = tx.read.job(ref);
  if (job === undefined) return;
  const status = computeJobStatus({
    job,
    allocs: tx.read.eachAllocOfJob(ref),
    evals: tx.read.eachEvalOfJob(ref),
    deployments: tx.read.deploymentsByJob(ref),
    evalDeleted: options.evalDeleted,
  });
  if (status === job.status) return;
  replaceJobVersion(tx, { ...job, status, modifyIndex: tx.index });
}
