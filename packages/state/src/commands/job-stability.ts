/** JobStability: an operator calls a version good, or not (spec chapter 2 §2.5.5). */
import type { JobRef } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { setStable } from "../writes/jobs.ts";
import type { CommandResult, JobStability } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

/** Sets jobModifyIndex. */
export function applyJobStability(tx: Tx, command: JobStability): CommandResult {
  const ref = { namespace: command.namespace, id: command.jobId };
  if (tx.read.job(ref) === undefined) {
    return rejected(tx, RejectCode.jobNotFound, "job not found");
  }
  const job = tx.read.jobVersion(ref, command.version);
  if (job === undefined) {
    return versionNotFound(tx, ref, command.version);
  }
  setStable(tx, job, command.stable);
  return accepted(tx, { jobModifyIndex: tx.index });
}

export function versionNotFound(tx: Tx, ref: JobRef, version: number): CommandResult {
  const where = `in namespace "${ref.namespace}" at version ${version}`;
  return rejected(tx, RejectCode.jobVersionNotFound, `job "${ref.id}" ${where} not found`);
}
