/** Writes nodes and their events (spec chapter 1 §1.12). */
import type { Node, NodeEvent } from "@drover/model";
import { scopedKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";

const EVENTS_MAX = 10;
/** What pools that nobody has configured say, in nanoseconds. */
const NODE_IDENTITY_TTL = 86_400_000_000_000;

export const Subsystem = { cluster: "Cluster", drain: "Drain" } as const;

export function putNode(tx: Tx, node: Node, event: NodeEvent | null = null): void {
  const events =
    event === null
      ? node.events
      : [...node.events, { ...event, createIndex: tx.index }].slice(-EVENTS_MAX);
  tx.put("nodes", node.id, { ...node, events, modifyIndex: tx.index });
}

export function nodeEvent(
  tx: Tx,
  event: { readonly message: string; readonly subsystem: string; details?: Record<string, string> },
): NodeEvent {
  return {
    message: event.message,
    subsystem: event.subsystem,
    details: event.details ?? {},
    timestamp: tx.now,
    createIndex: tx.index,
  };
}

/** Nobody answers for what a dead node had registered (invariant I8). */
export function removeServicesOfNode(tx: Tx, nodeId: string): void {
  for (const service of tx.read.servicesByNode(nodeId)) {
    tx.remove("services", scopedKey(service.namespace, service.id));
  }
}

/** A node may name a pool that nobody has made yet. */
export function ensurePool(tx: Tx, name: string): void {
  if (name === "" || tx.read.nodePool(name) !== undefined) return;
  tx.put("nodePools", name, {
    name,
    description: "",
    meta: {},
    nodeIdentityTtl: NODE_IDENTITY_TTL,
    schedulerConfiguration: null,
    createIndex: tx.index,
    modifyIndex: tx.index,
  });
}
