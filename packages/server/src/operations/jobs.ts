/** What users do to jobs, on the leader (spec chapter 2). Each answers indexes for the reply. */
import { ApiError, badRequest, internal, notFound } from "@drover/api";
import { mintUuid } from "@drover/base";
import {
  canonicalizeJob,
  DEFAULT_VALIDATE_CONTEXT,
  type Deployment,
  EvalTrigger,
  isDeploymentActive,
  isTemplate,
  type Job,
  type JobInput,
  type JobRef,
  type TaskGroup,
  type ValidateContext,
  validateJob,
  withCount,
} from "@drover/model";
import {
  type CommandResult,
  type JobSubmission,
  RejectCode,
  type StateSnapshot,
} from "@drover/state";
import type { ServerContext } from "../context.ts";
import { evalForJob, newEval, requestEval } from "../leader/new-eval.ts";

export interface JobWriteResult {
  readonly evalId: string;
  readonly evalCreateIndex: number;
  readonly jobModifyIndex: number;
  readonly warnings: readonly string[];
  readonly index: number;
}

export interface RegisterRequest {
  readonly input: JobInput;
  readonly submission: JobSubmission | null;
  /** null = not enforced. */
  readonly enforceIndex: number | null;
  readonly preserveCounts: boolean;
  readonly preserveResources: boolean;
  /** 0 = the job's own. */
  readonly evalPriority: number;
  readonly token: string;
}

/** Turns a refused command into the text that users know; status 500 as the reference. */
export function unwrap(result: CommandResult): Extract<CommandResult, { ok: true }> {
  if (result.ok) return result;
  if (result.code === "not-found") throw notFound(result.message);
  if (result.code === "bad-request") throw badRequest(result.message);
  if (result.code === RejectCode.overloaded) {
    throw new ApiError("too-many-requests", result.message);
  }
  throw internal(result.message);
}

/** Defaults, implied parts and validation; throws the aggregated text of all mistakes. */
export function prepareJob(
  context: ServerContext,
  input: JobInput,
): { readonly job: Job; readonly warnings: readonly string[] } {
  const job = canonicalizeJob(input, { region: context.region });
  const verdict = validateJob(job, validateContext(context.store.snapshot()));
  if (verdict.error !== "") throw internal(verdict.error);
  return { job: keepScalingIds(context, job), warnings: verdict.warnings };
}

/** What a job is checked against: names that exist, and what the cluster allows. */
export function validateContext(snapshot: StateSnapshot): ValidateContext {
  return {
    ...DEFAULT_VALIDATE_CONTEXT,
    namespaceExists: (name) => snapshot.namespace(name) !== undefined,
    nodePoolExists: (name) => snapshot.nodePool(name) !== undefined,
    memoryOversubscription: snapshot.schedulerConfig().memoryOversubscriptionEnabled,
  };
}

/** Scaling policy ids stay with their group; new ones are minted here, not in the state machine. */
function keepScalingIds(context: ServerContext, job: Job): Job {
  const stored = context.store.snapshot().job(job);
  const taskGroups = job.taskGroups.map((group) => {
    if (!group.scaling) return group;
    const old = stored?.taskGroups.find((g) => g.name === group.name)?.scaling;
    const id = old?.id || mintUuid(context.random);
    return { ...group, scaling: { ...group.scaling, id } };
  });
  return { ...job, taskGroups };
}

/**
 * `enforceIndex` and what may not change are checked by the state machine: here, of two at once each
 * would find nothing, and a request whose answer was lost would be refused for its own success.
 */
export async function registerJob(
  context: ServerContext,
  request: RegisterRequest,
): Promise<JobWriteResult> {
  const { job, warnings } = prepareJob(context, request.input);
  const result = await registerPrepared(context, job, request);
  return { ...result, warnings };
}

interface PreparedOptions {
  readonly submission: JobSubmission | null;
  readonly enforceIndex: number | null;
  readonly preserveCounts?: boolean;
  readonly preserveResources?: boolean;
  readonly evalPriority?: number;
  readonly alwaysNewVersion?: boolean;
  readonly enforcePriorVersion?: number | null;
  readonly triggeredBy?: EvalTrigger;
  readonly token: string;
}

async function registerPrepared(
  context: ServerContext,
  job: Job,
  options: PreparedOptions,
): Promise<JobWriteResult> {
  const evaluated = !isTemplate(job);
  const priority = options.evalPriority || job.priority;
  const trigger = options.triggeredBy ?? EvalTrigger.jobRegister;
  const evaluation = evaluated
    ? requestEval(evalForJob(job, trigger, context.random, { priority }), options.token)
    : null;
  const result = unwrap(
    await context.propose({
      tag: 1,
      token: options.token,
      job,
      submission: options.submission,
      enforceIndex: options.enforceIndex,
      preserveCounts: options.preserveCounts ?? false,
      preserveResources: options.preserveResources ?? false,
      evaluation,
      alwaysNewVersion: options.alwaysNewVersion ?? false,
      enforcePriorVersion: options.enforcePriorVersion ?? null,
    }),
  );
  return {
    evalId: evaluation?.id ?? "",
    evalCreateIndex: evaluation ? (result.value.evalCreateIndex ?? result.index) : 0,
    jobModifyIndex: result.value.jobModifyIndex ?? result.index,
    warnings: [],
    index: result.index,
  };
}

export async function deregisterJob(
  context: ServerContext,
  request: JobRef & {
    readonly purge: boolean;
    readonly noShutdownDelay: boolean;
    readonly evalPriority: number;
    readonly token: string;
  },
): Promise<JobWriteResult> {
  const stored = context.store.snapshot().job(request);
  if (!stored) return { evalId: "", evalCreateIndex: 0, jobModifyIndex: 0, warnings: [], index: 0 };
  const evaluated = !isTemplate(stored);
  const fields = {
    namespace: request.namespace,
    jobId: request.id,
    type: "service",
    priority: request.evalPriority || stored.priority,
    triggeredBy: EvalTrigger.jobDeregister,
  };
  const evaluation = evaluated ? requestEval(newEval(fields, context.random), request.token) : null;
  const result = unwrap(
    await context.propose({
      tag: 2,
      token: request.token,
      namespace: request.namespace,
      jobId: request.id,
      purge: request.purge,
      noShutdownDelay: request.noShutdownDelay,
      evaluation,
    }),
  );
  return {
    evalId: evaluation?.id ?? "",
    evalCreateIndex: evaluation ? result.index : 0,
    jobModifyIndex: result.index,
    warnings: [],
    index: result.index,
  };
}

/** The old version becomes a new one through the normal register path (spec §2.5.3). */
export async function revertJob(
  context: ServerContext,
  request: JobRef & {
    readonly version: number;
    readonly enforcePriorVersion: number | null;
    readonly token: string;
  },
): Promise<JobWriteResult> {
  const snapshot = context.store.snapshot();
  const current = snapshot.job(request);
  if (!current) throw internal(`job "${request.id}" not found`);
  if (request.version === current.version) throw internal("can't revert to current version");
  const target = snapshot.jobVersion(request, request.version);
  if (!target) {
    throw internal(
      `job "${request.id}" in namespace "${request.namespace}" at version ${request.version} ` +
        "not found",
    );
  }
  const submission = snapshot.submission(request, request.version);
  return await registerPrepared(
    context,
    { ...target, versionTag: null, stable: false, version: 0 },
    {
      submission: submission
        ? {
            source: submission.source,
            format: submission.format,
            variableFlags: submission.variableFlags,
            variables: submission.variables,
          }
        : null,
      enforceIndex: null,
      enforcePriorVersion: request.enforcePriorVersion,
      token: request.token,
    },
  );
}

export async function evaluateJob(
  context: ServerContext,
  request: JobRef & { readonly forceReschedule: boolean; readonly token: string },
): Promise<JobWriteResult> {
  const snapshot = context.store.snapshot();
  const job = snapshot.job(request);
  if (!job) throw internal("job not found");
  if (job.periodic) throw internal("can't evaluate periodic job");
  if (job.parameterizedJob) throw internal("can't evaluate parameterized job");
  const evaluation = requestEval(
    evalForJob(job, EvalTrigger.jobRegister, context.random),
    request.token,
  );
  const transitions = request.forceReschedule
    ? Object.fromEntries(
        snapshot
          .allocsByJob(job)
          .filter((alloc) => alloc.clientStatus === "failed" && alloc.nextAllocation === "")
          .map((alloc) => [alloc.id, { forceReschedule: true }]),
      )
    : {};
  const result = unwrap(
    Object.keys(transitions).length > 0
      ? await context.propose({ tag: 8, token: request.token, transitions, evals: [evaluation] })
      : await context.propose({ tag: 5, token: request.token, evals: [evaluation] }),
  );
  return {
    evalId: evaluation.id,
    evalCreateIndex: result.index,
    jobModifyIndex: job.modifyIndex,
    warnings: [],
    index: result.index,
  };
}

export interface ScaleRequest extends JobRef {
  readonly group: string;
  /** null = only record the event. */
  readonly count: number | null;
  readonly message: string;
  readonly error: boolean;
  readonly meta: unknown;
  readonly token: string;
}

export async function scaleJob(
  context: ServerContext,
  request: ScaleRequest,
): Promise<JobWriteResult> {
  const snapshot = context.store.snapshot();
  const job = snapshot.job(request);
  if (!job) throw notFound(`job "${request.id}" not found`);
  const group = job.taskGroups.find((g) => g.name === request.group);
  if (!group) throw badRequest(`task group "${request.group}" does not exist in job`);
  checkScale(request, job, group, snapshot.deploymentsByJob(job)[0]);
  const count = request.count;
  let written: JobWriteResult = {
    evalId: "",
    evalCreateIndex: 0,
    jobModifyIndex: job.modifyIndex,
    warnings: [],
    index: 0,
  };
  if (count !== null) {
    const taskGroups = job.taskGroups.map((g) => (g.name === group.name ? withCount(g, count) : g));
    written = await registerPrepared(
      context,
      { ...job, taskGroups, stable: false, versionTag: null },
      {
        submission: null,
        enforceIndex: null,
        alwaysNewVersion: true,
        triggeredBy: EvalTrigger.jobScaling,
        token: request.token,
      },
    );
  }
  const event = unwrap(
    await context.propose({
      tag: 18,
      token: `${request.token}:event`,
      namespace: job.namespace,
      jobId: job.id,
      group: group.name,
      count,
      previousCount: group.count,
      message: request.message,
      error: request.error,
      meta: (request.meta ?? null) as never,
      evalId: written.evalId,
    }),
  );
  return { ...written, index: event.index };
}

/** What is wrong for good comes first; an active deployment is a reason to ask again later. */
function checkScale(
  request: ScaleRequest,
  job: Job,
  { scaling }: TaskGroup,
  latest: Deployment | undefined,
): void {
  const { count } = request;
  if (count === null) return;
  if (count < 0) throw badRequest("scaling action count can't be negative");
  if (request.error) throw badRequest("scaling action should not contain count if error is true");
  if (scaling && count > scaling.max) {
    throw badRequest(
      `group count was greater than scaling policy maximum: ${count} > ${scaling.max}`,
    );
  }
  if (scaling && count < scaling.min) {
    throw badRequest(`group count was less than scaling policy minimum: ${count} < ${scaling.min}`);
  }
  if (latest && latest.jobCreateIndex === job.createIndex && isDeploymentActive(latest)) {
    throw badRequest("job scaling blocked due to active deployment");
  }
}

export async function setJobStability(
  context: ServerContext,
  request: JobRef & { readonly version: number; readonly stable: boolean; readonly token: string },
): Promise<number> {
  const result = unwrap(
    await context.propose({
      tag: 3,
      token: request.token,
      namespace: request.namespace,
      jobId: request.id,
      version: request.version,
      stable: request.stable,
    }),
  );
  return result.index;
}

/** `version` null removes the tag. */
export async function tagJobVersion(
  context: ServerContext,
  request: JobRef & {
    readonly name: string;
    readonly version: number | null;
    readonly description: string;
    readonly token: string;
  },
): Promise<number> {
  const result = unwrap(
    await context.propose({
      tag: 4,
      token: request.token,
      namespace: request.namespace,
      jobId: request.id,
      version: request.version,
      name: request.name,
      description: request.description,
    }),
  );
  return result.index;
}
