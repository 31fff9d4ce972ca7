/** Recomputes the status of every job that a command's writes may have moved. */
import type { Allocation, Deployment, Evaluation, Job, JobRef } from "@drover/model";
import { jobKey, jobRefOf } from "../store/keys.ts";
import type { Change, Tx } from "../store/tx.ts";
import { refreshJobStatus } from "./jobs.ts";

export function refreshTouchedJobs(tx: Tx, changes: readonly Change[]): void {
  const touched = new Map<string, { ref: JobRef; evalDeleted: boolean }>();
  for (const change of changes) {
    const ref = jobOf(change);
    if (ref === undefined) continue;
    const evalDeleted = change.table === "evals" && change.after === null;
    const known = touched.get(jobKey(ref))?.evalDeleted ?? false;
    touched.set(jobKey(ref), { ref, evalDeleted: known || evalDeleted });
  }
  for (const { ref, evalDeleted } of touched.values()) refreshJobStatus(tx, ref, { evalDeleted });
}

function jobOf(change: Change): JobRef | undefined {
  const row = change.after ?? change.before;
  if (change.table === "jobs") return row as Job;
  if (change.table === "allocs") return jobRefOf(row as Allocation);
  if (change.table === "evals") return jobRefOf(row as Evaluation);
  if (change.table === "deployments") return jobRefOf(row as Deployment);
  return undefined;
}
