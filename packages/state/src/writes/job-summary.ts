/**
 * Counts of a job's allocations by group (spec chapter 1 §1.1). `failed` and `complete` add up over
 * the life of the registration: a row leaving them is not subtracted.
 */
import {
  type Allocation,
  ClientStatus,
  type Evaluation,
  type GroupSummary,
  type Job,
  type JobSummary,
} from "@drover/model";
import { jobKey, jobRefOf } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";

const EMPTY: GroupSummary = {
  queued: 0,
  complete: 0,
  failed: 0,
  running: 0,
  starting: 0,
  lost: 0,
  unknown: 0,
};

const BUCKET: Readonly<Record<string, keyof GroupSummary>> = {
  [ClientStatus.pending]: "starting",
  [ClientStatus.running]: "running",
  [ClientStatus.complete]: "complete",
  [ClientStatus.failed]: "failed",
  [ClientStatus.lost]: "lost",
  [ClientStatus.unknown]: "unknown",
};

/** Adds the groups that the summary does not know yet. */
export function ensureSummary(tx: Tx, job: Job): void {
  const stored = tx.read.jobSummary(job);
  const missing = job.taskGroups.filter((group) => stored?.summary[group.name] === undefined);
  if (stored !== undefined && missing.length === 0) return;
  const added = Object.fromEntries(missing.map((group) => [group.name, EMPTY]));
  putSummary(tx, {
    jobId: job.id,
    namespace: job.namespace,
    children: { pending: 0, running: 0, dead: 0 },
    createIndex: tx.index,
    ...stored,
    summary: { ...stored?.summary, ...added },
    modifyIndex: tx.index,
  });
}

/** What the write of an allocation changes in its job's counts. */
export function countAlloc(tx: Tx, before: Allocation | undefined, after: Allocation): void {
  if (before?.clientStatus === after.clientStatus) return;
  const job = tx.read.job(jobRefOf(after));
  const summary = tx.read.jobSummary(jobRefOf(after));
  // Allocations of an older registration of the same id belong to nobody's counts.
  if (summary === undefined || job?.createIndex !== after.jobCreateIndex) return;
  const counts = { ...(summary.summary[after.taskGroup] ?? EMPTY) };
  const entered = BUCKET[after.clientStatus];
  if (entered !== undefined) counts[entered] += 1;
  if (before === undefined) counts.queued = Math.max(0, counts.queued - 1);
  const left = before === undefined ? undefined : BUCKET[before.clientStatus];
  if (left !== undefined && left !== "failed" && left !== "complete") {
    counts[left] = Math.max(0, counts[left] - 1);
  }
  putSummary(tx, {
    ...summary,
    summary: { ...summary.summary, [after.taskGroup]: counts },
    modifyIndex: tx.index,
  });
}

/** `queued` comes from the evaluation that looked last. */
export function setQueued(tx: Tx, evaluation: Evaluation): void {
  const summary = tx.read.jobSummary(jobRefOf(evaluation));
  if (summary === undefined) return;
  const groups: Record<string, GroupSummary> = { ...summary.summary };
  let changed = false;
  for (const [name, queued] of Object.entries(evaluation.queuedAllocations)) {
    const group = groups[name];
    if (group === undefined || group.queued === queued) continue;
    groups[name] = { ...group, queued };
    changed = true;
  }
  if (changed) putSummary(tx, { ...summary, summary: groups, modifyIndex: tx.index });
}

function putSummary(tx: Tx, summary: JobSummary): void {
  tx.put("summaries", jobKey(jobRefOf(summary)), summary);
}
