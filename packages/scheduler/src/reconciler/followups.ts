/** Evaluations that wait for a time: reschedules, disconnect time-outs (spec §3.3, §3.10). */
import { EvalTrigger, type Evaluation, type Job, pendingEvaluation } from "@drover/model";

/** Deadlines this close together share one evaluation. */
const WINDOW_MS = 5_000;

export interface Due {
  readonly allocId: string;
  /** Epoch ms. */
  readonly at: number;
}

interface Batched {
  readonly evals: readonly Evaluation[];
  /** Allocation → its follow-up evaluation. */
  readonly evalOf: ReadonlyMap<string, string>;
}

interface FollowupContext {
  readonly job: Job;
  readonly evaluation: Evaluation;
  readonly now: number;
  readonly mintId: () => string;
}

interface FollowupKind {
  readonly triggeredBy: EvalTrigger;
  readonly statusDescription: string;
  /** Nothing may be done before the last deadline of a window; else the first one wakes for all. */
  readonly waitsForLast?: boolean;
}

/** One evaluation per window, which begins with its first deadline. */
export function batchFollowups(
  dues: readonly Due[],
  kind: FollowupKind,
  context: FollowupContext,
): Batched {
  const evals: Evaluation[] = [];
  const evalOf = new Map<string, string>();
  let windowAt = Number.NEGATIVE_INFINITY;
  for (const { allocId, at } of dues.toSorted((a, b) => a.at - b.at)) {
    const last = evals.at(-1);
    if (last === undefined || at - windowAt >= WINDOW_MS) {
      const { statusDescription, triggeredBy } = kind;
      const created = { ...newEvaluation(context, triggeredBy), statusDescription, waitUntil: at };
      evals.push(created);
      windowAt = at;
      evalOf.set(allocId, created.id);
      continue;
    }
    if (kind.waitsForLast === true) evals.splice(-1, 1, { ...last, waitUntil: at });
    evalOf.set(allocId, last.id);
  }
  return { evals, evalOf };
}

/** A pending evaluation of the same job that follows `context.evaluation`. */
export function newEvaluation(context: FollowupContext, triggeredBy: EvalTrigger): Evaluation {
  const { evaluation, job, now } = context;
  return pendingEvaluation({
    id: context.mintId(),
    namespace: evaluation.namespace,
    priority: evaluation.priority,
    type: job.type,
    triggeredBy,
    jobId: evaluation.jobId,
    jobModifyIndex: job.modifyIndex,
    previousEval: evaluation.id,
    createTime: now,
    modifyTime: now,
  });
}

export const RESCHEDULE_KIND = {
  triggeredBy: EvalTrigger.allocReschedule,
  statusDescription: "created for delayed rescheduling",
} as const;

export const STOP_DELAY_KIND = {
  triggeredBy: EvalTrigger.allocFailure,
  statusDescription: "created for delayed rescheduling",
  waitsForLast: true,
} as const;

export const DISCONNECT_KIND = {
  triggeredBy: EvalTrigger.maxDisconnectTimeout,
  statusDescription: "created for delayed disconnect timeout",
} as const;
