/** A check's id: the same for the same check of the same service, whoever computes it. */
import { createHash } from "node:crypto";
import type { ServiceCheck } from "@drover/model";

/**
 * `_drover-check-<sha256>` over the service's id and every field of the definition, by name. Only in
 * Consul, where others register too, does it need the prefix.
 */
export function checkId(serviceId: string, definition: ServiceCheck, provider: string): string {
  const hash = createHash("sha256").update(JSON.stringify([serviceId, ordered(definition)]));
  return `${provider === "nomad" ? "" : "_drover-check-"}${hash.digest("hex")}`;
}

/** Key order must not matter, nor may a field that is not there differ from an undefined one. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, ordered(inner)]);
}
