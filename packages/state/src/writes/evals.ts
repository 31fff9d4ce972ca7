/** Writes evaluations and keeps one blocked evaluation per job (spec chapter 6 §6.5). */
import { EvalStatus, type Evaluation, isEvalTerminal } from "@drover/model";
import { jobRefOf } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { setQueued } from "./job-summary.ts";

/** A finished evaluation stays finished: a late write of an earlier state changes nothing. */
export function putEval(tx: Tx, evaluation: Evaluation): void {
  const stored = tx.read.evaluation(evaluation.id);
  if (stored !== undefined && isEvalTerminal(stored)) return;
  const row: Evaluation = {
    ...evaluation,
    createIndex: stored?.createIndex ?? tx.index,
    createTime: stored?.createTime ?? tx.now,
    modifyIndex: tx.index,
    modifyTime: tx.now,
  };
  tx.put("evals", row.id, row);
  setQueued(tx, row);
  if (row.status === EvalStatus.blocked) {
    cancelBlocked(tx, row, "canceled after more recent eval was processed");
  }
  if (row.status === EvalStatus.complete && Object.keys(row.failedTgAllocs).length === 0) {
    cancelBlocked(tx, row, `evaluation "${row.id}" successful`);
  }
}

export function putEvals(tx: Tx, evals: readonly Evaluation[]): void {
  for (const evaluation of evals) putEval(tx, evaluation);
}

/** An evaluation born with the change of its job carries that change's index. */
export function putJobEval(tx: Tx, evaluation: Evaluation | null, jobModifyIndex: number): void {
  if (evaluation !== null) putEval(tx, { ...evaluation, jobModifyIndex });
}

function cancelBlocked(tx: Tx, except: Evaluation, statusDescription: string): void {
  for (const other of tx.read.blockedEvalsByJob(jobRefOf(except))) {
    if (other.id === except.id) continue;
    tx.put("evals", other.id, {
      ...other,
      status: EvalStatus.canceled,
      statusDescription,
      modifyIndex: tx.index,
      modifyTime: tx.now,
    });
  }
}
