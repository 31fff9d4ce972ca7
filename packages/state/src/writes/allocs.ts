/** The one place that writes allocations, so that what derives from them cannot be forgotten. */
import { type Allocation, type DesiredTransition, isClientTerminal } from "@drover/model";
import { scopedKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { countForDeployment } from "./deployment-counts.ts";
import { countAlloc } from "./job-summary.ts";

export function putAlloc(tx: Tx, alloc: Allocation): void {
  const before = tx.read.alloc(alloc.id);
  tx.put("allocs", alloc.id, alloc);
  countAlloc(tx, before, alloc);
  countForDeployment(tx, before, alloc);
  if (isClientTerminal(alloc)) removeServicesOf(tx, alloc.id);
}

/** Its deployment keeps counting it: only ended or deleted deployments lose allocations. */
export function removeAlloc(tx: Tx, id: string): void {
  tx.remove("allocs", id);
  removeServicesOf(tx, id);
}

/** Nothing stays registered without a live allocation (invariant I8). */
export function removeServicesOf(tx: Tx, allocId: string): void {
  for (const service of tx.read.servicesByAlloc(allocId)) {
    tx.remove("services", scopedKey(service.namespace, service.id));
  }
}

/** Only what is given changes; null leaves a transition as it is (spec chapter 1 §1.9). */
export function mergeTransition(
  tx: Tx,
  alloc: Allocation,
  transition: Partial<DesiredTransition>,
): void {
  const given = Object.entries(transition).filter(([, value]) => value !== null);
  putAlloc(tx, {
    ...alloc,
    desiredTransition: { ...alloc.desiredTransition, ...Object.fromEntries(given) },
    modifyIndex: tx.index,
    allocModifyIndex: tx.index,
    modifyTime: tx.now,
  });
}
