/**
 * What the running hash takes of a row (DESIGN §12.9). Most of a row that changes is what it was: a
 * node's attributes, a job's groups, an allocation's scores. Nobody changes what is in a row, it is
 * replaced; so the digest of a large part is kept with the part. It depends on the part's content
 * alone, so that a server which restored a snapshot comes to the same.
 */
import { Hash64 } from "./hash.ts";

/** A shorter text is added as it is. */
const DIGEST_LENGTH_MIN = 256;

const digests = new WeakMap<object, string>();

/** Adds a row, or null for none. */
export function addRow(hash: Hash64, row: unknown): void {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    hash.add(partOf(row));
    return;
  }
  for (const [field, value] of Object.entries(row)) {
    // As in JSON, which snapshots do without too.
    if (value !== undefined) hash.add(field).add(partOf(value));
  }
  hash.add("}");
}

function partOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const known = digests.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(value);
  if (text.length < DIGEST_LENGTH_MIN) return text;
  const digest = new Hash64().add(text).digest();
  digests.set(value, digest);
  return digest;
}
