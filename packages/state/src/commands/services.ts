/** ServiceUpsert, ServiceDelete: the built-in provider's registrations (spec chapter 1 §1.15). */
import { isClientTerminal } from "@drover/model";
import { scopedKey } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import type { CommandResult, ServiceDelete, ServiceUpsert } from "./command.ts";
import { accepted } from "./result.ts";

/** A late registration of an allocation that has ended is left out (invariant I8). */
export function applyServiceUpsert(tx: Tx, command: ServiceUpsert): CommandResult {
  for (const service of command.services) {
    const alloc = tx.read.alloc(service.allocId);
    if (alloc === undefined || isClientTerminal(alloc)) continue;
    const stored = tx.read.service(service.namespace, service.id);
    tx.put("services", scopedKey(service.namespace, service.id), {
      ...service,
      createIndex: stored?.createIndex ?? tx.index,
      modifyIndex: tx.index,
    });
  }
  return accepted(tx);
}

/** Sets updated: whether any of them existed. */
export function applyServiceDelete(tx: Tx, command: ServiceDelete): CommandResult {
  let updated = false;
  for (const { namespace, id } of command.ids) {
    if (tx.read.service(namespace, id) === undefined) continue;
    tx.remove("services", scopedKey(namespace, id));
    updated = true;
  }
  return accepted(tx, { updated });
}
