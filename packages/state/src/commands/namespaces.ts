/** NamespaceUpsert, NamespaceDelete. */
import { JobStatus } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { DEFAULT_NAMESPACE } from "./cluster-init.ts";
import type { CommandResult, NamespaceDelete, NamespaceUpsert } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

export function applyNamespaceUpsert(tx: Tx, command: NamespaceUpsert): CommandResult {
  for (const namespace of command.namespaces) {
    const stored = tx.read.namespace(namespace.name);
    tx.put("namespaces", namespace.name, {
      ...namespace,
      createIndex: stored?.createIndex ?? tx.index,
      modifyIndex: tx.index,
    });
  }
  return accepted(tx);
}

export function applyNamespaceDelete(tx: Tx, command: NamespaceDelete): CommandResult {
  for (const name of command.names) {
    if (name === DEFAULT_NAMESPACE) {
      return rejected(tx, RejectCode.builtin, "can not delete default namespace");
    }
    if (tx.read.namespace(name) === undefined) {
      return rejected(tx, RejectCode.namespaceNotFound, `namespace "${name}" not found`);
    }
    const isUsed = [...tx.read.jobs()].some(
      (job) => job.namespace === name && job.status !== JobStatus.dead,
    );
    if (isUsed) {
      const message = `namespace "${name}" has non-terminal jobs`;
      return rejected(tx, RejectCode.namespaceInUse, message);
    }
  }
  for (const name of new Set(command.names)) tx.remove("namespaces", name);
  return accepted(tx);
}
