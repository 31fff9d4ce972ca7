/** Keys of the tables. Parts are joined by NUL, which no id or name may hold. */
import type { JobRef } from "@drover/model";

export const SEPARATOR = "\u0000";
const AFTER_SEPARATOR = "\u0001";

const INDEX_DIGITS = 12;

export function jobKey(ref: JobRef): string {
  return `${ref.namespace}${SEPARATOR}${ref.id}`;
}

export function scopedKey(namespace: string, id: string): string {
  return `${namespace}${SEPARATOR}${id}`;
}

/** Sorts by number as well as by text. */
export function paddedNumber(value: number): string {
  return String(value).padStart(INDEX_DIGITS, "0");
}

export function versionKey(ref: JobRef, version: number): string {
  return `${jobKey(ref)}${SEPARATOR}${paddedNumber(version)}`;
}

/** What all keys below `key` begin with. */
export function below(key: string): string {
  return `${key}${SEPARATOR}`;
}

/** The first key after all of those. */
export function afterBelow(key: string): string {
  return `${key}${AFTER_SEPARATOR}`;
}

export function jobRefOf(owner: { readonly namespace: string; readonly jobId: string }): JobRef {
  return { namespace: owner.namespace, id: owner.jobId };
}
