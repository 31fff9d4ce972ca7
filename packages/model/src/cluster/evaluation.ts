/** An evaluation: one request to compare what a job wants with what runs (spec chapter 1 §1.11). */
import {
  bool,
  type Infer,
  instantNanos,
  instantText,
  int,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";
import { allocMetricSchema } from "./allocation.ts";
import { planAnnotationsSchema } from "./plan.ts";

export const EvalStatus = {
  pending: "pending",
  blocked: "blocked",
  complete: "complete",
  failed: "failed",
  canceled: "canceled",
} as const;
export type EvalStatus = (typeof EvalStatus)[keyof typeof EvalStatus];

export const EvalTrigger = {
  jobRegister: "job-register",
  jobDeregister: "job-deregister",
  periodicJob: "periodic-job",
  nodeDrain: "node-drain",
  nodeUpdate: "node-update",
  allocStop: "alloc-stop",
  scheduled: "scheduled",
  rollingUpdate: "rolling-update",
  deploymentWatcher: "deployment-watcher",
  failedFollowUp: "failed-follow-up",
  maxPlanAttempts: "max-plan-attempts",
  allocFailure: "alloc-failure",
  queuedAllocs: "queued-allocs",
  preemption: "preemption",
  jobScaling: "job-scaling",
  maxDisconnectTimeout: "max-disconnect-timeout",
  reconnect: "reconnect",
  allocReschedule: "alloc-reschedule",
} as const;
export type EvalTrigger = (typeof EvalTrigger)[keyof typeof EvalTrigger];

export const evaluationSchema = record("Evaluation", {
  id: string({ wire: "ID" }),
  namespace: string(),
  priority: int(),
  type: string(),
  triggeredBy: string(),
  jobId: string({ wire: "JobID" }),
  jobModifyIndex: int({ omitEmpty: true }),
  nodeId: string({ wire: "NodeID", omitEmpty: true }),
  nodeModifyIndex: int({ omitEmpty: true }),
  deploymentId: string({ wire: "DeploymentID", omitEmpty: true }),
  status: string(),
  statusDescription: string({ omitEmpty: true }),
  /** Epoch ms before which it is not processed; 0 = at once. */
  waitUntil: instantText({ omitEmpty: true }),
  nextEval: string({ omitEmpty: true }),
  previousEval: string({ omitEmpty: true }),
  blockedEval: string({ omitEmpty: true }),
  failedTgAllocs: map(object(allocMetricSchema), { wire: "FailedTGAllocs", omitEmpty: true }),
  planAnnotations: nullable(object(planAnnotationsSchema, { omitEmpty: true })),
  classEligibility: map(bool(), { omitEmpty: true }),
  escapedComputedClass: bool({ omitEmpty: true }),
  annotatePlan: bool({ omitEmpty: true }),
  queuedAllocations: map(int(), { omitEmpty: true }),
  snapshotIndex: int({ omitEmpty: true }),
  createIndex: int({ omitEmpty: true }),
  modifyIndex: int({ omitEmpty: true }),
  createTime: instantNanos(),
  modifyTime: instantNanos(),
});
export type Evaluation = Infer<typeof evaluationSchema>;

export function isEvalTerminal(evaluation: Pick<Evaluation, "status">): boolean {
  return (
    evaluation.status === EvalStatus.complete ||
    evaluation.status === EvalStatus.failed ||
    evaluation.status === EvalStatus.canceled
  );
}

/** What every new evaluation has to say of itself. */
type NewEvaluation = Pick<
  Evaluation,
  "id" | "namespace" | "priority" | "type" | "triggeredBy" | "jobId"
> &
  Partial<Evaluation>;

/** Pending, about a job alone, and planned by nobody yet. */
export function pendingEvaluation(fields: NewEvaluation): Evaluation {
  return {
    jobModifyIndex: 0,
    nodeId: "",
    nodeModifyIndex: 0,
    deploymentId: "",
    status: EvalStatus.pending,
    statusDescription: "",
    waitUntil: 0,
    nextEval: "",
    previousEval: "",
    blockedEval: "",
    failedTgAllocs: {},
    planAnnotations: null,
    classEligibility: {},
    escapedComputedClass: false,
    annotatePlan: false,
    queuedAllocations: {},
    snapshotIndex: 0,
    createIndex: 0,
    modifyIndex: 0,
    createTime: 0,
    modifyTime: 0,
    ...fields,
  };
}
