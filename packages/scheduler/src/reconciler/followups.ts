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

/** One evaluation per window, at the time of the first deadline in it. */
export function batchFollowups(
  dues: readonly Due[],
  kind: { readonly triggeredBy: EvalTrigger; readonly statusDescription: string },
  context: FollowupContext,
): Batched {
  const evals: Evaluation[] = [];
  const evalOf = new Map<string, string>();
  for (const { allocId, at } of dues.toSorted((a, b) => a.at - b.at)) {
    let current = evals.at(-1);
    if (current === undefined || at - current.waitUntil >= WINDOW_MS) {
      current = {
        ...newEvaluation(context, kind.triggeredBy),
        statusDescription: kind.statusDescription,
        waitUntil: at,
      };
      evals.push(current);
    }
    evalOf.set(allocId, current.id);
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
} as const;

export const DISCONNECT_KIND = {
  triggeredBy: EvalTrigger.maxDisconnectTimeout,
  statusDescription: "created for delayed disconnect timeout",
} as const;
