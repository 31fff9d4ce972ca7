/**
 * Takes over what the servers want of an allocation (spec chapter 5 §5.9): new definitions for
 * tasks that keep running, a stop, a new deployment to prove health for. Older news are refused.
 */
import type { Allocation, Job } from "@drover/model";
import type { AllocRecord } from "../state/alloc-record.ts";
import { resetTracking } from "./advance-alloc.ts";
import { heardVerdict, serversVerdict } from "./verdict.ts";

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
  if (moved) return resetTracking({ ...next, verdict: serversVerdict(alloc) }, now);
  const verdict = heardVerdict(record.verdict, alloc);
  return verdict === null ? next : { ...next, verdict, tracking: null };
}
