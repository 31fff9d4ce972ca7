/** ClusterInit: who this cluster is, and what every cluster begins with (DESIGN §8). */
import { DEFAULT_SCHEDULER_CONFIG } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { ensurePool } from "../writes/nodes.ts";
import type { ClusterInit, CommandResult } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

export const DEFAULT_NAMESPACE = "default";
/** Every node, whatever pool it is in; no node may join it. */
export const ALL_POOL = "all";
export const DEFAULT_POOL = "default";

const POOL_DESCRIPTIONS = {
  [ALL_POOL]: "Node pool with all nodes in the cluster.",
  [DEFAULT_POOL]: "Default node pool.",
};

/** Applied again it only raises the epoch. Sets updated. */
export function applyClusterInit(tx: Tx, command: ClusterInit): CommandResult {
  const stored = tx.read.cluster();
  if (stored !== undefined && stored.clusterId !== command.clusterId) {
    const message = `this is cluster ${stored.clusterId}, not ${command.clusterId}`;
    return rejected(tx, RejectCode.clusterMismatch, message);
  }
  if (stored !== undefined && stored.epoch >= command.epoch) {
    return accepted(tx, { updated: false });
  }
  tx.put("cluster", "", {
    clusterId: command.clusterId,
    epoch: command.epoch,
    createIndex: stored?.createIndex ?? tx.index,
    modifyIndex: tx.index,
  });
  if (stored === undefined) createBuiltins(tx);
  return accepted(tx, { updated: true });
}

function createBuiltins(tx: Tx): void {
  const stamps = { createIndex: tx.index, modifyIndex: tx.index };
  tx.put("namespaces", DEFAULT_NAMESPACE, {
    name: DEFAULT_NAMESPACE,
    description: "Default shared namespace",
    quota: "",
    meta: {},
    capabilities: null,
    ...stamps,
  });
  for (const [name, description] of Object.entries(POOL_DESCRIPTIONS)) {
    ensurePool(tx, name);
    const pool = tx.read.nodePool(name);
    if (pool !== undefined) tx.put("nodePools", name, { ...pool, description });
  }
  tx.put("schedulerConfig", "", { ...DEFAULT_SCHEDULER_CONFIG, ...stamps });
}
