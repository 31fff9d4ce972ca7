/** EvalUpdate: creates evaluations or moves them to a new status (spec chapter 6 §6.1). */
import type { Tx } from "../store/tx.ts";
import { putEvals } from "../writes/evals.ts";
import type { CommandResult, EvalUpdate } from "./command.ts";
import { accepted } from "./result.ts";

export function applyEvalUpdate(tx: Tx, command: EvalUpdate): CommandResult {
  putEvals(tx, command.evals);
  return accepted(tx, { evalCreateIndex: tx.index });
}
