/**
 * Whether a submitted job differs from the stored one in what the user specifies (spec chapter 2
 * §2.5). Both are canonical. Equal ones make no new version.
 */
import { deepEqual } from "../schema/equal.ts";
import type { Job } from "./job.ts";

/** Members that the cluster writes; everything else is specification, `stop` and tags included. */
const NOT_SPECIFICATION: ReadonlySet<string> = new Set<keyof Job>([
  "status",
  "statusDescription",
  "stable",
  "version",
  "submitTime",
  "createIndex",
  "modifyIndex",
  "jobModifyIndex",
  "imageDigests",
]);

export function isSpecChanged(existing: Job, submitted: Job): boolean {
  for (const key of Object.keys(existing) as (keyof Job)[]) {
    if (NOT_SPECIFICATION.has(key)) continue;
    if (!deepEqual(existing[key], submitted[key])) return true;
  }
  return false;
}
