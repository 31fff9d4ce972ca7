/**
 * Takes over what the servers want of an allocation (spec chapter 5 §5.9): new definitions for
 * tasks that keep running, a stop, a new deployment to prove health for. Older news are refused.
 */
import { type Allocation, isJudgedByOperator, type Job } from "@drover/model";
import { type AllocRecord, adoptedVerdict } from "../state/alloc-record.ts";
import { resetTracking } from "./advance-alloc.ts";

export function mergeDesired(
  record: AllocRecord,
  want: { readonly alloc: Allocation; readonly job: Job },
  now: number,
): AllocRecord {
  const { alloc, job } = want;
  if (alloc.modifyIndex < record.alloc.modifyIndex) return record;
  // A stop is never taken back: what was told to go may already be gone.
  const stopped = record.alloc.desiredStatus !== "run" && alloc.desiredStatus === "run";
  if (stopped) return record;
  const next: AllocRecord = { ...record, alloc, job };
  const moved = alloc.deploymentId !== record.verdict.deploymentId;
  if (moved) return resetTracking({ ...next, verdict: adoptedVerdict(alloc) }, now);
  const given = alloc.deploymentStatus?.healthy ?? null;
  if (given !== null && isJudgedByOperator(alloc)) return adopt(next);
  // What was taken back may come once more, from servers that have not heard of it yet. Those that
  // have, and say healthy all the same, go by an operator's word or have closed the deployment.
  const isOld = given === true && alloc.clientSeq < (record.verdict.revokedSeq ?? 0);
  if (record.verdict.healthy === null && given !== null && !isOld) {
    return adopt(next);
  }
  return next;
}

/** Goes by what the servers say, and judges no more. */
function adopt(record: AllocRecord): AllocRecord {
  return { ...record, verdict: adoptedVerdict(record.alloc), tracking: null };
}
