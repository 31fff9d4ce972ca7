/** Evaluations that the servers create themselves (spec chapter 6 §6.1). */
import { createHash } from "node:crypto";
import { mintUuid, type Random } from "@drover/base";
import {
  EvalTrigger,
  type Evaluation,
  isTemplate,
  type Job,
  JobType,
  pendingEvaluation,
  type StateReader,
} from "@drover/model";

export interface NewEval {
  readonly namespace: string;
  readonly jobId: string;
  readonly type: string;
  readonly priority: number;
  readonly triggeredBy: EvalTrigger;
  readonly deploymentId?: string;
  readonly nodeId?: string;
  readonly jobModifyIndex?: number;
  readonly nodeModifyIndex?: number;
}

/** Indexes and times are filled in by the state machine. */
export function newEval(fields: NewEval, random: Random): Evaluation {
  return pendingEvaluation({ id: mintUuid(random), ...fields });
}

/**
 * The evaluation of a request, its id derived from the request's token: asked again after a lost
 * answer, the request names the evaluation that its first attempt has stored.
 */
export function requestEval(evaluation: Evaluation, token: string): Evaluation {
  const hex = createHash("sha256").update(`${token}/${evaluation.triggeredBy}`).digest("hex");
  const id = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
  return { ...evaluation, id };
}

/** What a request causes names the job as the request left it; the rest looks it up. */
const OF_A_REQUEST: ReadonlySet<EvalTrigger> = new Set([
  EvalTrigger.jobRegister,
  EvalTrigger.jobDeregister,
  EvalTrigger.jobScaling,
  EvalTrigger.allocStop,
]);

export function evalForJob(
  job: Job,
  triggeredBy: EvalTrigger,
  random: Random,
  extra: { deploymentId?: string; nodeId?: string; priority?: number } = {},
): Evaluation {
  return newEval(
    {
      namespace: job.namespace,
      jobId: job.id,
      type: job.type,
      priority: extra.priority ?? job.priority,
      triggeredBy,
      jobModifyIndex: OF_A_REQUEST.has(triggeredBy) ? job.jobModifyIndex : 0,
      ...(extra.deploymentId === undefined ? {} : { deploymentId: extra.deploymentId }),
      ...(extra.nodeId === undefined ? {} : { nodeId: extra.nodeId }),
    },
    random,
  );
}

/** One evaluation per job with a live allocation on the node, and per system job (spec §9.1). */
export function evalsForNode(
  state: StateReader,
  nodeId: string,
  triggeredBy: EvalTrigger,
  random: Random,
): Evaluation[] {
  const jobs = new Map<string, Job>();
  // One that stops still holds its slot: on a node that is gone somebody must say that it ended.
  for (const alloc of state.holdersByNode(nodeId)) {
    const job = state.job({ namespace: alloc.namespace, id: alloc.jobId });
    if (job) jobs.set(`${job.namespace}\0${job.id}`, job);
  }
  for (const job of state.jobs()) {
    const everywhere = job.type === JobType.system || job.type === JobType.sysbatch;
    if (everywhere && !job.stop && !isTemplate(job)) jobs.set(`${job.namespace}\0${job.id}`, job);
  }
  const nodeModifyIndex = state.node(nodeId)?.modifyIndex ?? 0;
  return [...jobs.values()].map((job) => ({
    ...evalForJob(job, triggeredBy, random, { nodeId }),
    nodeModifyIndex,
  }));
}
