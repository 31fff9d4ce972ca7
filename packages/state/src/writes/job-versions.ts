/**
 * Job versions: what history lists, and what is kept only because an allocation still runs it
 * (spec chapter 2 §2.5.1, DESIGN §5).
 */
import type { Job, JobRef } from "@drover/model";
import { below, jobKey, versionKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";

/** Untagged versions that history keeps; sources of jobs are kept for as many. */
export const TRACKED_VERSIONS = 6;

/** Stores a version, replacing one of the same number, and drops what history no longer holds. */
export function putJobVersion(tx: Tx, job: Job): void {
  tx.put("jobVersions", versionKey(job, job.version), job);
  const dropped = versionToDrop(tx.read.jobVersions(job));
  if (dropped === undefined) return;
  const key = versionKey(dropped, dropped.version);
  tx.remove("jobVersions", key);
  if (tx.get("submissions", key) !== undefined) tx.remove("submissions", key);
  if (tx.get("revertGrants", key) !== undefined) tx.remove("revertGrants", key);
  if (isReferenced(tx, dropped)) tx.put("retainedVersions", key, dropped);
}

/** Called after allocations were deleted. */
export function dropUnreferencedVersions(tx: Tx, ref: JobRef): void {
  for (const job of tx.rows("retainedVersions", below(jobKey(ref)))) {
    if (!isReferenced(tx, job)) tx.remove("retainedVersions", versionKey(ref, job.version));
  }
}

/** Rewrites a stored version in place, and the current job when it is that version. */
export function replaceJobVersion(tx: Tx, job: Job): void {
  const key = versionKey(job, job.version);
  const table = tx.get("jobVersions", key) === undefined ? "retainedVersions" : "jobVersions";
  tx.put(table, key, job);
  if (tx.read.job(job)?.version === job.version) tx.put("jobs", jobKey(job), job);
}

/** The oldest untagged one goes, but never the newest version known to be good. */
function versionToDrop(newestFirst: readonly Job[]): Job | undefined {
  const untagged = newestFirst.filter((job) => job.versionTag === null);
  if (untagged.length <= TRACKED_VERSIONS) return undefined;
  const newestStable = newestFirst.find((job) => job.stable);
  const oldest = untagged.at(-1);
  return oldest?.version === newestStable?.version ? untagged.at(-2) : oldest;
}

function isReferenced(tx: Tx, job: Job): boolean {
  return tx.read
    .allocsByJob(job)
    .some((alloc) => alloc.jobVersion === job.version && alloc.jobCreateIndex === job.createIndex);
}
