/** AllocDesiredTransition: marks allocations to move, be replaced or stop (spec chapter 1 §1.9). */
import type { Tx } from "../store/tx.ts";
import { mergeTransition } from "../writes/allocs.ts";
import { putEvals } from "../writes/evals.ts";
import type { AllocDesiredTransition, CommandResult } from "./command.ts";
import { accepted } from "./result.ts";

/** An allocation that was collected meanwhile needs no mark. */
export function applyAllocDesiredTransition(
  tx: Tx,
  command: AllocDesiredTransition,
): CommandResult {
  for (const [id, transition] of Object.entries(command.transitions)) {
    const alloc = tx.read.alloc(id);
    if (alloc !== undefined) mergeTransition(tx, alloc, transition);
  }
  putEvals(tx, command.evals);
  return accepted(tx, { evalCreateIndex: command.evals.length === 0 ? 0 : tx.index });
}
