/** NodePoolUpsert, NodePoolDelete. */
import { JobStatus } from "@drover/model";
import type { Tx } from "../store/tx.ts";
import { ALL_POOL, DEFAULT_POOL } from "./cluster-init.ts";
import type { CommandResult, NodePoolDelete, NodePoolUpsert } from "./command.ts";
import { accepted, RejectCode, rejected } from "./result.ts";

const BUILTIN: readonly string[] = [ALL_POOL, DEFAULT_POOL];

export function applyNodePoolUpsert(tx: Tx, command: NodePoolUpsert): CommandResult {
  for (const { name } of command.pools) {
    if (!BUILTIN.includes(name)) continue;
    const message = `modifying built-in node pool "${name}" is not allowed`;
    return rejected(tx, RejectCode.builtin, message);
  }
  for (const pool of command.pools) {
    tx.put("nodePools", pool.name, {
      ...pool,
      createIndex: tx.read.nodePool(pool.name)?.createIndex ?? tx.index,
      modifyIndex: tx.index,
    });
  }
  return accepted(tx);
}

export function applyNodePoolDelete(tx: Tx, command: NodePoolDelete): CommandResult {
  for (const name of command.names) {
    const refusal = refuse(tx, name);
    if (refusal !== undefined) return refusal;
  }
  for (const name of new Set(command.names)) tx.remove("nodePools", name);
  return accepted(tx);
}

function refuse(tx: Tx, name: string): CommandResult | undefined {
  if (BUILTIN.includes(name)) {
    const message = `deleting built-in node pool "${name}" is not allowed`;
    return rejected(tx, RejectCode.builtin, message);
  }
  if (tx.read.nodePool(name) === undefined) {
    return rejected(tx, RejectCode.nodePoolNotFound, `node pool "${name}" not found`);
  }
  if ([...tx.read.nodes()].some((node) => node.nodePool === name)) {
    return rejected(tx, RejectCode.nodePoolInUse, `node pool "${name}" has nodes`);
  }
  const isUsed = (job: { nodePool: string; status: string }) =>
    job.nodePool === name && job.status !== JobStatus.dead;
  if ([...tx.read.jobs()].some(isUsed)) {
    const message = `node pool "${name}" has non-terminal jobs`;
    return rejected(tx, RejectCode.nodePoolInUse, message);
  }
  return undefined;
}
