/** SchedulerConfig: cluster-wide settings, optionally compare-and-set (spec chapter 1 §1.14). */
import type { Tx } from "../store/tx.ts";
import type { CommandResult, SchedulerConfigSet } from "./command.ts";
import { accepted } from "./result.ts";

/** Sets updated: false when the stored modifyIndex was another one. */
export function applySchedulerConfig(tx: Tx, command: SchedulerConfigSet): CommandResult {
  const stored = tx.read.schedulerConfig();
  if (command.cas !== null && command.cas !== stored.modifyIndex) {
    return accepted(tx, { updated: false });
  }
  tx.put("schedulerConfig", "", {
    ...command.config,
    createIndex: stored.createIndex || tx.index,
    modifyIndex: tx.index,
  });
  return accepted(tx, { updated: true });
}
