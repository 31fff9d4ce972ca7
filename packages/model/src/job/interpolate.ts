/**
 * Replaces `${…}` in job values at run time: node facts, attributes, metadata and the task's
 * environment (spec chapter 1 §1.16). Pure: the caller gives the values.
 */
import type { Node } from "../cluster/node.ts";

type Values = Readonly<Record<string, string>>;

const REFERENCE = /\$\{([^{}]+)\}/g;
const INDEXED = /^([a-z.]+)\["([^"]*)"\]$/;

/** `text` with every known reference replaced; unknown ones stay as they are written. */
export function interpolate(text: string, values: Values): string {
  if (!text.includes("${")) return text;
  return text.replace(REFERENCE, (whole, inner: string) => values[keyOf(inner)] ?? whole);
}

/** The same throughout a value of any shape: strings in lists and in members, keys included. */
export function interpolateDeep<T>(value: T, values: Values): T {
  if (typeof value === "string") return interpolate(value, values) as T;
  if (Array.isArray(value)) return value.map((item) => interpolateDeep(item, values)) as T;
  if (typeof value !== "object" || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    out[interpolate(key, values)] = interpolateDeep(member, values);
  }
  return out as T;
}

/** `meta["rack"]` and `meta.rack` name the same thing; spaces around a name do not count. */
function keyOf(inner: string): string {
  const name = inner.trim();
  const indexed = INDEXED.exec(name);
  return indexed === null ? name : `${indexed[1]}.${indexed[2]}`;
}

/** Everything a constraint or a task may ask of a node, by the name it is asked for. */
export function nodeValues(
  node: Pick<Node, "id" | "name" | "datacenter" | "nodeClass" | "nodePool" | "attributes" | "meta">,
  region = "global",
): Values {
  const values: Record<string, string> = {
    "node.unique.id": node.id,
    "node.unique.name": node.name,
    "node.datacenter": node.datacenter,
    "node.region": region,
    "node.class": node.nodeClass,
    "node.pool": node.nodePool,
  };
  for (const [name, value] of Object.entries(node.attributes)) values[`attr.${name}`] = value;
  for (const [name, value] of Object.entries(node.meta)) values[`meta.${name}`] = value;
  return values;
}

/** A task's environment under the two spellings that job files use: `${X}` and `${env.X}`. */
export function environmentValues(environment: Values): Values {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    values[name] = value;
    values[`env.${name}`] = value;
  }
  return values;
}
