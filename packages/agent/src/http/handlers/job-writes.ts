/** Writes of jobs: spec chapter 8 §8.2. The rules are in the server's operations. */
import { badRequest } from "@drover/api";
import {
  allocMetricSchema,
  annotateDiff,
  decodeInput,
  diffJobs,
  type Evaluation,
  encode,
  evalToWire,
  formatWarnings,
  type JobInput,
  type Json,
  jobDiffToWire,
  jobSchema,
  planAnnotationsSchema,
} from "@drover/model";
import {
  deregisterJob,
  evaluateJob,
  type JobWriteResult,
  planJob,
  registerJob,
  revertJob,
  scaleJob,
  setJobStability,
  tagJobVersion,
} from "@drover/server";
import { Fields } from "../fields.ts";
import type { RequestContext, WriteHandler } from "../handler.ts";
import { inSlices } from "../in-slices.ts";
import { booleanParam, integerParam } from "../query.ts";
import type { Reply } from "../reply.ts";

const PRIORITY_MAX = 100;
const SOURCE_BYTES_MAX = 1_000_000;

/** Reads `{Job: …}`; namespace by `?namespace` > body > the job's own (spec chapter 2 §2.1). */
export function readJob(body: Fields, context: RequestContext, goType: string): JobInput {
  const raw = body.raw("Job");
  if (raw === null) throw badRequest("Job must be specified");
  const decoded = decodeInput(jobSchema, raw as Json, { path: "Job", goType });
  if (decoded.errors.length > 0) throw badRequest(decoded.errors[0] as string);
  const job = decoded.value;
  if (!job.id) throw badRequest("Job ID hasn't been provided");
  const namespace =
    context.query.all.get("namespace") || body.string("Namespace") || job.namespace || "default";
  return { ...job, namespace };
}

function refOf(context: RequestContext) {
  return { namespace: context.query.namespace, id: context.params.id ?? "", token: context.token };
}

function written(result: JobWriteResult, knownLeader = false): Reply {
  return {
    json: {
      EvalCreateIndex: result.evalCreateIndex,
      EvalID: result.evalId,
      Index: result.index,
      JobModifyIndex: result.jobModifyIndex,
      KnownLeader: knownLeader,
      LastContact: 0,
      NextToken: "",
      Warnings: formatWarnings(result.warnings),
    },
    index: result.index,
  };
}

/** 0 = the job's. */
function checkPriority(priority: number): number {
  if (priority >= 0 && priority <= PRIORITY_MAX) return priority;
  throw badRequest("evaluation priority must be between 1 and 100 inclusively");
}

async function register(context: RequestContext, server: Parameters<WriteHandler["run"]>[1]) {
  const body = new Fields(await context.json(), "api.JobRegisterRequest");
  const input = readJob(body, context, "api.Job");
  if (context.params.id !== undefined && context.params.id !== input.id) {
    throw badRequest("Job ID does not match name");
  }
  if (input.type === "system" && input.taskGroups?.some((g) => g?.scaling)) {
    throw badRequest("Task groups with job type system do not support scaling blocks");
  }
  const evalPriority = checkPriority(body.number("EvalPriority") ?? 0);
  const submitted = body.object("Submission");
  const tooLarge = sourceWarnings(submitted);
  const submission = tooLarge.length === 0 ? submitted : null;
  const result = await registerJob(server, {
    input,
    submission: submission
      ? {
          source: submission.string("Source"),
          format: submission.string("Format"),
          variableFlags: submission.stringMap("VariableFlags"),
          variables: submission.string("Variables"),
        }
      : null,
    enforceIndex: body.boolean("EnforceIndex") ? (body.number("JobModifyIndex") ?? 0) : null,
    preserveCounts: body.boolean("PreserveCounts"),
    preserveResources: body.boolean("PreserveResources"),
    evalPriority,
    token: context.token,
  });
  return written({ ...result, warnings: [...result.warnings, ...tooLarge] });
}

/** None: the source of the job is small enough to be kept. */
function sourceWarnings(submission: Fields | null): readonly string[] {
  const bytes = Buffer.byteLength(submission?.string("Source") ?? "");
  if (bytes <= SOURCE_BYTES_MAX) return [];
  const megabytes = (size: number) => `${(size / 1_000_000).toFixed(1)} MB`;
  return [
    `job source size of ${megabytes(bytes)} exceeds maximum of ${megabytes(SOURCE_BYTES_MAX)} ` +
      "and will be discarded",
  ];
}

const jobRegister: WriteHandler = { kind: "write", run: register };
const jobUpdate: WriteHandler = { kind: "write", run: register };

const jobDelete: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const { all } = context.query;
    // It cannot be done in several regions at once: there is one.
    booleanParam(all, "global");
    const result = await deregisterJob(server, {
      ...refOf(context),
      purge: booleanParam(all, "purge") ?? false,
      noShutdownDelay: booleanParam(all, "no_shutdown_delay") ?? false,
      evalPriority: checkPriority(integerParam(all, "eval_priority") ?? 0),
    });
    const { Warnings: _none, ...doc } = written(result).json as Record<string, unknown>;
    return { json: { ...doc, VolumeEvalID: "", VolumeEvalIndex: 0 }, index: result.index };
  },
};

const jobPlan: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.JobPlanRequest");
    const input = readJob(body, context, "api.Job");
    if (context.params.id !== input.id) throw badRequest("Job ID does not match");
    const dry = await inSlices(planJob(server, input));
    const annotations = dry.plan.annotations;
    const diff = body.boolean("Diff")
      ? annotateDiff(diffJobs(dry.stored ?? null, dry.job, { contextual: true }), annotations)
      : null;
    return {
      json: {
        Annotations: annotations ? encode(planAnnotationsSchema, annotations) : null,
        CreatedEvals: dry.createdEvals.length > 0 ? dry.createdEvals.map(plannedEval) : null,
        Diff: diff ? jobDiffToWire(diff) : null,
        FailedTGAllocs: failedGroups(dry.failedGroups),
        Index: dry.stored?.modifyIndex ?? 0,
        JobModifyIndex: dry.stored?.jobModifyIndex ?? 0,
        NextPeriodicLaunch: null,
        Warnings: formatWarnings(dry.warnings),
      },
      index: dry.stored?.modifyIndex ?? 0,
    };
  },
};

/** A dry run has no place in the log that it could name. */
function plannedEval(evaluation: Evaluation): Record<string, unknown> {
  return evalToWire({ ...evaluation, jobModifyIndex: 0, snapshotIndex: 0 });
}

function failedGroups(groups: Evaluation["failedTgAllocs"]): Record<string, unknown> | null {
  const entries = Object.entries(groups);
  if (entries.length === 0) return null;
  return Object.fromEntries(
    entries.map(([group, metric]) => [group, encode(allocMetricSchema, metric)]),
  );
}

const jobEvaluate: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.JobEvaluateRequest");
    const forceReschedule = body.object("EvalOptions")?.boolean("ForceReschedule") ?? false;
    return written(await evaluateJob(server, { ...refOf(context), forceReschedule }));
  },
};

const jobRevert: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.JobRevertRequest");
    if (body.string("JobID") === "") throw badRequest("JobID must be specified");
    if (body.string("JobID") !== context.params.id) throw badRequest("Job ID does not match");
    const result = await revertJob(server, {
      ...refOf(context),
      version: body.number("JobVersion") ?? 0,
      enforcePriorVersion: body.number("EnforcePriorVersion"),
    });
    // Alone among the writes it answers with the headers of a read.
    const headers = { "X-Nomad-KnownLeader": "false", "X-Nomad-LastContact": "0" };
    return { ...written(result), headers };
  },
};

const jobStable: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.JobStabilityRequest");
    if (body.string("JobID") === "") throw badRequest("JobID must be specified");
    if (body.string("JobID") !== context.params.id) throw badRequest("Job ID does not match");
    const index = await setJobStability(server, {
      ...refOf(context),
      version: body.number("JobVersion") ?? 0,
      stable: body.boolean("Stable"),
    });
    return { json: { Index: index }, index };
  },
};

function tagged(index: number, name: string, description: string, at: number): Reply {
  return {
    json: {
      Description: description,
      Index: index,
      KnownLeader: false,
      LastContact: 0,
      Name: name,
      NextToken: "",
      TaggedTime: at,
    },
  };
}

const jobTag: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.TagVersionRequest");
    const name = context.params.tag ?? "";
    const ref = refOf(context);
    const current = server.snapshot().job(ref);
    const version = body.number("Version") ?? current?.version ?? 0;
    const description = body.string("Description");
    const index = await tagJobVersion(server, { ...ref, name, version, description });
    const tag = server.snapshot().jobVersion(ref, version)?.versionTag;
    return tagged(index, name, description, (tag?.taggedTime ?? 0) * 1_000_000);
  },
};

const jobUntag: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const name = context.params.tag ?? "";
    const index = await tagJobVersion(server, {
      ...refOf(context),
      name,
      version: null,
      description: "",
    });
    return tagged(index, "", "", 0);
  },
};

const jobScale: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.ScalingRequest");
    const group = body.object("Target")?.string("Group") ?? "";
    if (group === "") throw badRequest("missing task group name for scaling action");
    const result = await scaleJob(server, {
      ...refOf(context),
      group,
      count: body.number("Count"),
      message: body.string("Message"),
      error: body.boolean("Error"),
      meta: body.raw("Meta"),
    });
    return written(result, true);
  },
};

export const jobWrites = {
  jobRegister,
  jobUpdate,
  jobDelete,
  jobPlan,
  jobEvaluate,
  jobRevert,
  jobStable,
  jobTag,
  jobUntag,
  jobScale,
} as const;
