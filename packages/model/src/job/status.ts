/**
 * A job's computed status and summary: pure views over what belongs to it (spec chapter 1 §1.1,
 * §1.1.1). The state machine calls both on every write that touches the job, its allocations, its
 * deployments or its evaluations; neither keeps counters that could drift.
 */
import { type Allocation, ClientStatus, isTerminal } from "../cluster/allocation.ts";
import { type Deployment, isDeploymentActive } from "../cluster/deployment.ts";
import { EvalStatus, type Evaluation, isEvalTerminal } from "../cluster/evaluation.ts";
import { isTemplate, type Job, JobStatus, JobType } from "./job.ts";
import type { ChildrenSummary, GroupSummary, JobSummary } from "./summary.ts";

export interface JobStatusInput {
  readonly job: Pick<Job, "type" | "stop" | "periodic" | "parameterizedJob">;
  readonly allocs: Iterable<Pick<Allocation, "desiredStatus" | "clientStatus">>;
  readonly deployments: Iterable<Pick<Deployment, "status">>;
  readonly evals: Iterable<Pick<Evaluation, "status">>;
  /** The recomputation comes from deleting an evaluation. */
  readonly evalDeleted?: boolean;
}

export function computeJobStatus(input: JobStatusInput): JobStatus {
  const { job } = input;
  if (job.type === JobType.system || isTemplate(job)) {
    return job.stop ? JobStatus.dead : JobStatus.running;
  }
  for (const deployment of input.deployments) {
    if (isDeploymentActive(deployment)) return JobStatus.running;
  }
  for (const alloc of input.allocs) {
    if (!isTerminal(alloc)) return JobStatus.running;
  }
  let hadEval = false;
  for (const evaluation of input.evals) {
    if (!isEvalTerminal(evaluation)) return JobStatus.pending;
    hadEval = true;
  }
  return hadEval || job.stop || input.evalDeleted === true ? JobStatus.dead : JobStatus.pending;
}

export interface JobSummaryInput {
  readonly job: Pick<Job, "id" | "namespace" | "createIndex" | "taskGroups">;
  /** Allocations of the job; those of an earlier registration under the same id are not counted. */
  readonly allocs: Iterable<Pick<Allocation, "taskGroup" | "clientStatus" | "jobCreateIndex">>;
  readonly evals: Iterable<Pick<Evaluation, "status" | "queuedAllocations" | "modifyIndex">>;
  readonly children?: ChildrenSummary;
  /** What garbage collection removed: terminal counts stay for the life of the registration. */
  readonly collected?: Readonly<Record<string, Pick<GroupSummary, "complete" | "failed" | "lost">>>;
  /** Index of the last change to any count. */
  readonly modifyIndex: number;
}

const BUCKETS: Readonly<Record<string, keyof GroupSummary>> = {
  [ClientStatus.pending]: "starting",
  [ClientStatus.running]: "running",
  [ClientStatus.complete]: "complete",
  [ClientStatus.failed]: "failed",
  [ClientStatus.lost]: "lost",
  [ClientStatus.unknown]: "unknown",
};

export function summarizeJob(input: JobSummaryInput): JobSummary {
  const summary: Record<string, GroupSummary> = {};
  const groupOf = (name: string): GroupSummary => {
    summary[name] ??= emptyGroup(input.collected?.[name]);
    return summary[name];
  };
  for (const group of input.job.taskGroups) groupOf(group.name);
  for (const alloc of input.allocs) {
    if (alloc.jobCreateIndex !== input.job.createIndex) continue;
    const bucket = BUCKETS[alloc.clientStatus];
    if (bucket !== undefined) groupOf(alloc.taskGroup)[bucket]++;
  }
  for (const [name, queued] of Object.entries(latestQueued(input.evals))) {
    const group = summary[name];
    if (group !== undefined) group.queued = queued;
  }
  return {
    jobId: input.job.id,
    namespace: input.job.namespace,
    summary,
    children: input.children ?? { pending: 0, running: 0, dead: 0 },
    createIndex: input.job.createIndex,
    modifyIndex: input.modifyIndex,
  };
}

function emptyGroup(collected?: Pick<GroupSummary, "complete" | "failed" | "lost">): GroupSummary {
  return {
    queued: 0,
    complete: collected?.complete ?? 0,
    failed: collected?.failed ?? 0,
    running: 0,
    starting: 0,
    lost: collected?.lost ?? 0,
    unknown: 0,
  };
}

/** What the newest completed evaluation that counted could not place, per group. */
function latestQueued(evals: JobSummaryInput["evals"]): Readonly<Record<string, number>> {
  let latest: Readonly<Record<string, number>> = {};
  let latestIndex = -1;
  for (const evaluation of evals) {
    if (evaluation.status !== EvalStatus.complete || evaluation.modifyIndex < latestIndex) continue;
    if (Object.keys(evaluation.queuedAllocations).length === 0) continue;
    latest = evaluation.queuedAllocations;
    latestIndex = evaluation.modifyIndex;
  }
  return latest;
}
