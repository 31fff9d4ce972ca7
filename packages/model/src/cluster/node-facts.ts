/** What a machine says of itself, in a form that can be compared over the wire. */
import { hashLabel } from "@drover/base";
import { type Node, nodeSchema } from "./node.ts";

const FACTS = Object.entries(nodeSchema.fields)
  .filter(([, field]) => field.options.owner === "client")
  .map(([name]) => name as keyof Node)
  .sort();

/** Rows are never changed in place: each is hashed once. */
const known = new WeakMap<Node, number>();

/**
 * 32 bits over the fields that the client owns, whoever fills the others and in whichever order
 * they come; when a driver was looked at is no fact.
 */
export function nodeFactsHash(node: Node): number {
  const hash = known.get(node) ?? hashLabel(JSON.stringify(FACTS.map((name) => plain(node[name]))));
  known.set(node, hash);
  return hash;
}

function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.entries(value)
    .filter(([key]) => key !== "updateTime")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => [key, plain(part)]);
}
