/**
 * From what a user wrote to the job that is stored: every default filled in, policies inherited
 * from job to group to task, names interpolated, implied constraints and identities added (spec
 * chapter 2 §2.1 steps 1–3, §2.2). Deterministic, so that the same file always gives the same
 * specification. Indexes, version, times and status are the state machine's to set.
 */
import { HOUR, MINUTE, SECOND } from "@drover/base";
import { fillDefaults, overlay } from "../schema/defaults.ts";
import { canonicalizeNetworks } from "./canonicalize-network.ts";
import { canonicalizeServices } from "./canonicalize-service.ts";
import { canonicalizeTask } from "./canonicalize-task.ts";
import { addImpliedConstraints } from "./implied-constraints.ts";
import { type Job, type JobInput, JobType, jobSchema } from "./job.ts";
import type { ReschedulePolicy, RestartPolicy } from "./restart.ts";
import type { TaskGroup, TaskGroupInput } from "./task-group.ts";
import {
  type MigrateStrategy,
  migrateStrategySchema,
  type UpdateStrategy,
  type UpdateStrategyInput,
  updateStrategySchema,
  withCount,
} from "./update.ts";

export interface CanonicalizeContext {
  /** The region of the agent that was asked; it stands in for none and for `global`. */
  readonly region: string;
  /** The request's namespace, where it names one; it wins over the job's. */
  readonly namespace?: string;
}

/** What the steps for groups and tasks need to know of the job around them. */
export interface JobScope {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
}

const LONG_HEALTHY_DEADLINE = 10 * MINUTE;

const SERVICE_RESTART: RestartPolicy = {
  attempts: 2,
  interval: 30 * MINUTE,
  delay: 15 * SECOND,
  mode: "fail",
  renderTemplates: false,
};
const BATCH_RESTART: RestartPolicy = { ...SERVICE_RESTART, attempts: 3, interval: 24 * HOUR };

const RESCHEDULE: Readonly<Record<string, ReschedulePolicy>> = {
  [JobType.service]: {
    attempts: 0,
    interval: 0,
    delay: 30 * SECOND,
    delayFunction: "exponential",
    maxDelay: HOUR,
    unlimited: true,
  },
  [JobType.batch]: {
    attempts: 1,
    interval: 24 * HOUR,
    delay: 5 * SECOND,
    delayFunction: "constant",
    maxDelay: 0,
    unlimited: false,
  },
};
const NO_RESCHEDULE: ReschedulePolicy = {
  attempts: 0,
  interval: 0,
  delay: 0,
  delayFunction: "",
  maxDelay: 0,
  unlimited: false,
};

export function canonicalizeJob(input: JobInput, context: CanonicalizeContext): Job {
  const job = fillDefaults(jobSchema, input);
  job.name = input.name || job.id;
  job.region = job.region === "" || job.region === "global" ? context.region : job.region;
  job.namespace = context.namespace || job.namespace || "default";
  if (job.priority === 0) job.priority = 50;
  if (job.datacenters.length === 0) job.datacenters = ["*"];
  if (job.nodePool === "") job.nodePool = "default";
  const scope: JobScope = job;
  job.taskGroups = (input.taskGroups ?? []).map((group, i) =>
    canonicalizeGroup(job.taskGroups[i] as TaskGroup, group, scope, input),
  );
  // Consul namespaces are per group; the job's own is accepted without effect.
  job.consulNamespace = "";
  job.update = storedJobUpdate(scope, input.update);
  job.reschedule = null;
  job.migrate = null;
  addImpliedConstraints(job);
  return {
    ...job,
    stable: false,
    status: "",
    statusDescription: "",
    submitTime: 0,
    createIndex: 0,
    modifyIndex: 0,
    jobModifyIndex: 0,
  };
}

function canonicalizeGroup(
  group: TaskGroup,
  input: TaskGroupInput,
  job: JobScope,
  jobInput: JobInput,
): TaskGroup {
  const isBatch = job.type === JobType.batch || job.type === JobType.sysbatch;
  group.count = input.count ?? input.scaling?.min ?? 1;
  group.update = mergeUpdate(job, jobInput.update, input.update);
  group.migrate = mergeMigrate(job, jobInput.migrate, input.migrate);
  group.reschedulePolicy = mergeReschedule(job, jobInput.reschedule, input.reschedulePolicy);
  const restart = overlay(isBatch ? BATCH_RESTART : SERVICE_RESTART, input.restartPolicy);
  group.restartPolicy = restart;
  canonicalizeNetworks(group.networks);
  group.services = canonicalizeServices(input.services ?? [], job, { group: group.name });
  dropUnknownVolumes(group);
  if (group.scaling !== null) {
    group.scaling.min = input.scaling?.min ?? group.count;
    group.scaling.max = input.scaling?.max ?? group.count;
    group.scaling.target = { Namespace: job.namespace, Job: job.id, Group: group.name };
  }
  group.tasks = (input.tasks ?? []).map((task, i) =>
    canonicalizeTask(group.tasks[i] as TaskGroup["tasks"][number], task, {
      job,
      group: group.name,
      restart,
    }),
  );
  // The older forms are accepted without effect.
  group.stopAfterClientDisconnect = null;
  group.maxClientDisconnect = null;
  group.preventRescheduleOnLost = false;
  return withCount(group, group.count);
}

function hasDeployments(job: JobScope): boolean {
  return job.type === JobType.service || job.type === JobType.system;
}

/**
 * A group's strategy: the job's, already defaulted, under what the group itself wrote (§2.2).
 *
 * Differs from Nomad on purpose (DESIGN §12.10): where no progress deadline is written anywhere and
 * the healthy deadline is 10m or longer, Nomad refuses the job because its default progress
 * deadline is not above that; here it becomes 0, under which the first unhealthy allocation fails
 * the deployment, as it did when such files were written.
 */
function mergeUpdate(
  job: JobScope,
  jobUpdate: UpdateStrategyInput | null,
  groupUpdate: UpdateStrategyInput | null,
): UpdateStrategy | null {
  if (jobUpdate === null && groupUpdate === null && !hasDeployments(job)) return null;
  const fromJob = fillDefaults(updateStrategySchema, jobUpdate);
  if (groupUpdate === null && isEmptyUpdate(fromJob)) return null;
  const merged = overlayShares(fromJob, groupUpdate);
  const written = jobUpdate?.progressDeadline ?? groupUpdate?.progressDeadline ?? null;
  if (written === null && merged.healthyDeadline >= LONG_HEALTHY_DEADLINE) {
    merged.progressDeadline = 0;
  }
  return merged;
}

/** `overlay`; a count that is written takes the place of an outer percentage. */
function overlayShares<T extends object>(
  base: T,
  over: { readonly [K in keyof T]?: T[K] | null } | null,
): T {
  const out: T & Partial<UpdateStrategy> = overlay(base, over);
  const given: { readonly [K in keyof UpdateStrategy]?: unknown } = over ?? {};
  const isCount = (count: unknown, percent: unknown) =>
    (count ?? null) !== null && (percent ?? null) === null;
  if (isCount(given.maxParallel, given.maxParallelPercent)) out.maxParallelPercent = 0;
  if (isCount(given.maxSurge, given.maxSurgePercent)) out.maxSurgePercent = 0;
  return out;
}

function isEmptyUpdate(update: UpdateStrategy): boolean {
  return Object.values(update).every((value) => value === 0 || value === false || value === "");
}

/** The stored job keeps two members of its own strategy, and those only with a parallelism. */
function storedJobUpdate(job: JobScope, input: UpdateStrategyInput | null): UpdateStrategy {
  const empty: UpdateStrategy = {
    stagger: 0,
    maxParallel: 0,
    maxParallelPercent: 0,
    maxSurge: 0,
    maxSurgePercent: 0,
    healthCheck: "",
    minHealthyTime: 0,
    healthyDeadline: 0,
    progressDeadline: 0,
    canary: 0,
    autoRevert: false,
    autoPromote: false,
  };
  if (input === null && !hasDeployments(job)) return empty;
  const { stagger, maxParallel } = fillDefaults(updateStrategySchema, input);
  return maxParallel > 0 ? { ...empty, stagger, maxParallel } : empty;
}

function mergeMigrate(
  job: JobScope,
  jobMigrate: JobInput["migrate"],
  groupMigrate: TaskGroupInput["migrate"],
): MigrateStrategy | null {
  if (jobMigrate === null && groupMigrate === null && job.type !== JobType.service) return null;
  return overlayShares(fillDefaults(migrateStrategySchema, jobMigrate), groupMigrate);
}

function mergeReschedule(
  job: JobScope,
  jobPolicy: JobInput["reschedule"],
  groupPolicy: TaskGroupInput["reschedulePolicy"],
): ReschedulePolicy | null {
  const base = RESCHEDULE[job.type];
  if (base === undefined && jobPolicy === null && groupPolicy === null) return null;
  return overlay(overlay(base ?? NO_RESCHEDULE, jobPolicy), groupPolicy);
}

function dropUnknownVolumes(group: TaskGroup): void {
  for (const [name, volume] of Object.entries(group.volumes)) {
    if (volume.type !== "host" && volume.type !== "csi") delete group.volumes[name];
  }
}
