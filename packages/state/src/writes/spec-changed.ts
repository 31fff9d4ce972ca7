/** Whether a submitted job differs from the stored one (spec chapter 2 §2.5). */
import type { Job } from "@drover/model";

/** Fields that the servers set: they never make a submission another one. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  "status",
  "statusDescription",
  "stable",
  "version",
  "createIndex",
  "modifyIndex",
  "jobModifyIndex",
  "submitTime",
  "imageDigests",
]);

export function isSpecChanged(stored: Job, submitted: Job): boolean {
  const keys = new Set([...Object.keys(stored), ...Object.keys(submitted)]);
  for (const key of keys) {
    if (NOT_COMPARED.has(key)) continue;
    if (!isSame(stored[key as keyof Job], submitted[key as keyof Job])) return true;
  }
  return false;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => isSame(Reflect.get(a, key), Reflect.get(b, key)));
}
