/**
 * Whether a canonical job may be registered, in the words and the order that users of such files
 * know (spec chapters 1 and 2 §2.1 step 4). What only the HTTP layer checks, and what depends on
 * the registered job, is not here.
 */
import { type Job, JobType } from "../job/job.ts";
import type { Json } from "../schema/field.ts";
import { validateAffinities, validateConstraints, validateSpreads } from "./constraint.ts";
import type { ValidateContext } from "./context.ts";
import { validateTaskGroup } from "./group.ts";
import { validatePeriodic } from "./periodic.ts";
import { Problems, quote } from "./problems.ts";
import { jobWarnings } from "./warnings.ts";

export interface JobValidation {
  /** One text per outermost problem. */
  readonly errors: readonly string[];
  /** All of them as one text; "" when the job is valid. */
  readonly error: string;
  readonly warnings: readonly string[];
}

export function validateJob(job: Job, context: ValidateContext): JobValidation {
  const problems = new Problems();
  validateConnect(job, problems);
  validateVaultUse(job, context, problems);
  validateConsulClusters(job, problems);
  problems.addIf(
    !context.namespaceExists(job.namespace),
    `job ${quote(job.id)} is in nonexistent namespace ${quote(job.namespace)}`,
  );
  problems.addIf(
    !context.nodePoolExists(job.nodePool),
    `job ${quote(job.id)} is in nonexistent node pool ${quote(job.nodePool)}`,
  );
  validateStructure(job, problems);
  validateLimits(job, context, problems);
  return {
    errors: problems.items,
    error: problems.text(),
    warnings: jobWarnings(job, context),
  };
}

function validateStructure(job: Job, problems: Problems): void {
  problems.addIf(job.region === "", "Missing job region");
  if (job.id === "") problems.add("Missing job ID");
  else if (job.id.includes(" ")) problems.add("Job ID contains a space");
  else problems.addIf(job.id.includes("\0"), "Job ID contains a null character");
  problems.addIf(job.name === "" && job.id !== "", "Missing job name");
  problems.addIf(job.name.includes("\0"), "Job Name contains a null character");
  validateType(job, problems);
  problems.addIf(job.datacenters.includes(""), "Job datacenter must be non-empty string");
  problems.addIf(job.taskGroups.length === 0, "Missing job task groups");
  validatePlacement(job, problems);
  validateGroupNames(job, problems);
  for (const group of job.taskGroups) {
    problems.nest(`Task group ${group.name} validation failed: `, validateTaskGroup(group, job));
  }
  validateLaunching(job, problems);
  const description = job.ui?.description ?? "";
  problems.addIf(
    description.length > 1000,
    `UI description must be under 1000 characters, currently ${description.length}`,
  );
}

function validateType(job: Job, problems: Problems): void {
  if (job.type === "") problems.add("Missing job type");
  else if (job.type !== "_core" && !Object.values(JobType).some((type) => type === job.type)) {
    problems.add(`Invalid job type: ${quote(job.type)}`);
  }
}

function validatePlacement(job: Job, problems: Problems): void {
  validateConstraints(job.constraints, problems);
  if (job.type === JobType.system) {
    problems.addIf(job.affinities.length > 0, "System jobs may not have an affinity block");
    problems.addIf(job.spreads.length > 0, "System jobs may not have a spread block");
    return;
  }
  validateAffinities(job.affinities, problems);
  validateSpreads(job.spreads, problems);
}

function validateGroupNames(job: Job, problems: Problems): void {
  const seen = new Map<string, number>();
  for (const [i, group] of job.taskGroups.entries()) {
    const other = seen.get(group.name);
    if (group.name === "") problems.add(`Job task group ${i + 1} missing name`);
    else if (other !== undefined) {
      problems.add(`Job task group ${i + 1} redefines '${group.name}' from group ${other}`);
    } else seen.set(group.name, i + 1);
    problems.addIf((group.shutdownDelay ?? 0) < 0, "ShutdownDelay must be a positive value");
    problems.addIf(
      job.type === JobType.system && group.count > 1,
      `Job task group ${group.name} has count ${group.count}. ` +
        "Count cannot exceed 1 with system scheduler",
    );
  }
}

function validateLaunching(job: Job, problems: Problems): void {
  const isBatch = job.type === JobType.batch || job.type === JobType.sysbatch;
  const only = (what: string): string =>
    `${what} can only be used with "batch" or "sysbatch" scheduler`;
  if (job.periodic !== null) {
    problems.addIf(!isBatch, only("Periodic"));
    problems.nest("", validatePeriodic(job.periodic));
  }
  if (job.parameterizedJob === null) return;
  problems.addIf(!isBatch, only("Parameterized job"));
  const { payload, metaRequired, metaOptional } = job.parameterizedJob;
  const part = new Problems();
  part.addIf(
    !["optional", "required", "forbidden"].includes(payload),
    `Unknown payload requirement: ${quote(payload)}`,
  );
  const both = metaRequired.filter((key) => metaOptional.includes(key));
  part.addIf(
    both.length > 0,
    "Required and optional meta keys should be disjoint. " +
      `Following keys exist in both: [${both.join(" ")}]`,
  );
  problems.nest("", part);
}

function validateLimits(job: Job, context: ValidateContext, problems: Problems): void {
  problems.addIf(job.type === "_core" || job.type === "core", "job type cannot be core");
  problems.addIf(
    job.payload !== null && job.payload !== "",
    "job can't be submitted with a payload, only dispatched",
  );
  problems.addIf(
    job.priority < 1 || job.priority > context.maxPriority,
    `job priority must be between [1, ${context.maxPriority}]`,
  );
  const total = job.taskGroups.reduce((sum, group) => sum + group.count, 0);
  problems.addIf(
    total > context.maxCount,
    `total count was greater than configured job_max_count: ${total} > ${context.maxCount}`,
  );
  const tasks = job.taskGroups.flatMap((group) => group.tasks);
  problems.addIf(job.multiregion !== null, "Multiregion jobs are unlicensed.");
  problems.addIf(
    tasks.some((task) => task.resources.numa !== null && task.resources.numa.affinity !== "none"),
    "numa scheduling requires Nomad Enterprise",
  );
  problems.addIf(
    tasks.some((task) => task.schedule !== null),
    "task schedules requires Nomad Enterprise",
  );
}

function validateVaultUse(job: Job, context: ValidateContext, problems: Problems): void {
  if (context.vaultEnabled) return;
  const tasks = job.taskGroups.flatMap((group) => group.tasks);
  const clusters = new Set(tasks.flatMap((task) => task.vault?.cluster ?? []));
  // Only one is named, however many are used.
  const [cluster] = clusters.has("default") ? ["default"] : [...clusters].sort();
  problems.addIf(
    cluster !== undefined,
    `Vault ${quote(cluster ?? "")} not enabled but used in the job`,
  );
  for (const { name, vault, identities } of tasks) {
    if (vault === null || vault.cluster === "default") continue;
    const identity = `vault_${vault.cluster}`;
    problems.addIf(
      !identities.some((one) => one.name === identity),
      `Task ${name} uses Vault cluster ${vault.cluster} but does not have an identity named ` +
        `${identity} and no default identity is provided in agent configuration`,
    );
  }
}

function validateConsulClusters(job: Job, problems: Problems): void {
  const clusters = job.taskGroups.flatMap((group) => [
    group.consul?.cluster,
    ...group.services.map((service) => service.cluster),
    ...group.tasks.flatMap((task) => [
      task.consul?.cluster,
      ...task.services.map((service) => service.cluster),
    ]),
  ]);
  problems.addIf(
    clusters.some((cluster) => cluster !== undefined && cluster !== "" && cluster !== "default"),
    "non-default Consul cluster requires Nomad Enterprise",
  );
}

/** Sidecars and gateways share the group's network, so there must be exactly one. */
function validateConnect(job: Job, problems: Problems): void {
  for (const group of job.taskGroups) {
    if (group.networks.length === 1) continue;
    for (const service of group.services) {
      const kind = service.provider === "consul" ? connectKind(service.connect) : null;
      if (kind === null) continue;
      problems.add(
        `connect ${kind}: must have exactly one network for Consul Connect: ` +
          `group ${quote(group.name)} has ${group.networks.length} networks`,
      );
      return;
    }
  }
}

function connectKind(connect: Json): string | null {
  if (typeof connect !== "object" || connect === null || Array.isArray(connect)) return null;
  const has = (key: string): boolean => (connect[key] ?? null) !== null;
  if (has("SidecarService") && connect.Native !== true) return "sidecar";
  return has("Gateway") ? "gateway" : null;
}
