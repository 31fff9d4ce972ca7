/** Resolves the two sides of a constraint, affinity or spread against a node (spec §6.3). */
import type { Node } from "@drover/model";

const REFERENCE = /^\$\{\s*(.+?)\s*\}$/;

/** The value a target stands for on this node; undefined = the node has no such attribute. */
export function resolveTarget(target: string, node: Node): string | undefined {
  const match = REFERENCE.exec(target);
  if (!match) return target;
  const path = match[1] as string;
  switch (path) {
    case "node.unique.id":
      return node.id;
    case "node.unique.name":
      return node.name;
    case "node.datacenter":
      return node.datacenter;
    case "node.class":
      return node.nodeClass;
    case "node.pool":
      return node.nodePool;
    default:
  }
  if (path.startsWith("attr.")) return own(node.attributes, path.slice("attr.".length));
  if (path.startsWith("meta.")) return own(node.meta, path.slice("meta.".length));
  return undefined;
}

function own(values: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

/** Targets that tell nodes of one class apart: their answer must not be kept per class. */
export function isUniqueTarget(target: string): boolean {
  return /^\$\{\s*(node|attr|meta)\.unique\./.test(target);
}
