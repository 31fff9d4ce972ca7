/** The nodes a job may be placed on, and how `plan` counts them (spec §6.2). */
import { isNodeReady, type Job, type Node, type StateReader } from "@drover/model";
import type { NodeSetCounts } from "./metrics.ts";

export interface NodeSet extends NodeSetCounts {
  readonly nodes: readonly Node[];
}

/** Ready nodes of the job's pool and datacenters. */
export function candidateNodes(state: StateReader, job: Job): NodeSet {
  const isWanted = datacenterMatcher(job.datacenters);
  const nodes: Node[] = [];
  const nodesAvailable: Record<string, number> = {};
  let nodesInPool = 0;
  for (const node of state.nodes()) {
    if (!isInPool(node, job.nodePool) || !isNodeReady(node)) continue;
    if (!isWanted(node.datacenter)) continue;
    nodesInPool++;
    nodesAvailable[node.datacenter] = (nodesAvailable[node.datacenter] ?? 0) + 1;
    nodes.push(node);
  }
  return { nodes, nodePool: job.nodePool, nodesInPool, nodesAvailable };
}

/** Whether the node is one of them. */
export function isCandidate(node: Node, job: Job): boolean {
  return (
    isInPool(node, job.nodePool) &&
    isNodeReady(node) &&
    datacenterMatcher(job.datacenters)(node.datacenter)
  );
}

export function isInPool(node: Node, pool: string): boolean {
  return pool === "all" || node.nodePool === pool;
}

/** Datacenters of a job may be globs: `*`, `dc?`, `eu-*`. */
export function datacenterMatcher(patterns: readonly string[]): (datacenter: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns);
  const globs = patterns.filter((pattern) => /[*?]/.test(pattern)).map(globToRegExp);
  return (datacenter) => exact.has(datacenter) || globs.some((glob) => glob.test(datacenter));
}

function globToRegExp(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${body}$`);
}
