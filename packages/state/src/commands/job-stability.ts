/** JobStability: an operator calls a version good, or not (spec chapter 2 §2.5.5). */
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
    const message = `job "${ref.id}" in namespace "${ref.namespace}" at version ${command.version} not found`;
    return rejected(tx, RejectCode.jobVersionNotFound, message);
  }
  setStable(tx, job, command.stable);
  return accepted(tx, { jobModifyIndex: tx.index });
}
