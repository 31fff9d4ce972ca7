/**
 * Fills `${…}` in strings that only the node can know: task environment, node attributes and
 * metadata. A name that nothing knows stays as it is written.
 */
import type { Json, Node } from "@drover/model";

export type Lookup = ReadonlyMap<string, string>;

const REFERENCE = /\$\{\s*([^}]+?)\s*\}/g;

export function interpolate(text: string, lookup: Lookup): string {
  if (!text.includes("${")) return text;
  return text.replace(REFERENCE, (whole, name: string) => lookup.get(normalise(name)) ?? whole);
}

/** `env["X"]` and `env.X` both mean the variable X. */
function normalise(name: string): string {
  const index = /^env\["(.+)"\]$/.exec(name) ?? /^env\.(.+)$/.exec(name);
  return index?.[1] ?? name;
}

export function interpolateAll(
  values: Readonly<Record<string, string>>,
  lookup: Lookup,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    out[interpolate(key, lookup)] = interpolate(value, lookup);
  }
  return out;
}

export function interpolateJson(value: Json, lookup: Lookup): Json {
  if (typeof value === "string") return interpolate(value, lookup);
  if (Array.isArray(value)) return value.map((item) => interpolateJson(item, lookup));
  if (value === null || typeof value !== "object") return value;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    out[interpolate(key, lookup)] = interpolateJson(item, lookup);
  }
  return out;
}

/** `attr.…`, `meta.…` and `node.…` of this machine. */
export function nodeLookup(node: Node, region: string): Map<string, string> {
  const lookup = new Map<string, string>([
    ["node.unique.id", node.id],
    ["node.unique.name", node.name],
    ["node.datacenter", node.datacenter],
    ["node.class", node.nodeClass],
    ["node.pool", node.nodePool],
    ["node.region", region],
  ]);
  for (const [key, value] of Object.entries(node.attributes)) lookup.set(`attr.${key}`, value);
  for (const [key, value] of Object.entries(node.meta)) lookup.set(`meta.${key}`, value);
  return lookup;
}
