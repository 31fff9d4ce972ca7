/** One task group (spec chapter 1 §1.2). */
import { type Job, JobType } from "../job/job.ts";
import type { TaskGroup, VolumeRequest } from "../job/task-group.ts";
import { validateAffinities, validateConstraints, validateSpreads } from "./constraint.ts";
import { validateNetworks } from "./network.ts";
import {
  validateDisconnect,
  validateMigrate,
  validateReschedule,
  validateRestart,
  validateScaling,
  validateUpdate,
} from "./policies.ts";
import { Problems, quote } from "./problems.ts";
import { validateGroupChecks, validateGroupServices } from "./service.ts";
import { validateTask } from "./task.ts";

const DISK_MIN_MB = 10;

export function validateTaskGroup(group: TaskGroup, job: Job): Problems {
  const problems = new Problems();
  problems.addIf(group.name === "", "Missing task group name");
  problems.addIf(group.name.includes("\0"), "Task group name contains null character");
  problems.addIf(group.count < 0, "Task group count can't be negative");
  problems.addIf(group.tasks.length === 0, "Missing tasks for task group");
  validatePlacement(group, job, problems);
  validatePolicies(group, job, problems);
  validateTaskNames(group, problems);
  for (const [name, volume] of Object.entries(group.volumes)) {
    problems.nest(`Task group volume validation for ${name} failed: `, volumeProblems(volume));
  }
  problems.nest("Task group network validation failed: ", validateNetworks(group));
  problems.nest("Task group service validation failed: ", validateGroupServices(group));
  problems.nest("Task group service check validation failed: ", validateGroupChecks(group));
  if (group.scaling !== null) {
    const part = new Problems();
    validateScaling(group.scaling, group.count, part);
    problems.nest("Task group scaling policy validation failed: ", part);
  }
  for (const task of group.tasks) {
    problems.nest(`Task ${task.name} validation failed: `, validateTask(task, group, job));
  }
  return problems;
}

function validatePlacement(group: TaskGroup, job: Job, problems: Problems): void {
  validateConstraints(group.constraints, problems);
  const isSystem = job.type === JobType.system;
  if (isSystem) {
    problems.addIf(group.affinities.length > 0, "System jobs may not have an affinity block");
  } else validateAffinities(group.affinities, problems);
  validateRestart(group.restartPolicy, problems);
  if (isSystem) {
    problems.addIf(group.spreads.length > 0, "System jobs may not have a spread block");
  } else validateSpreads(group.spreads, problems);
}

function validatePolicies(group: TaskGroup, job: Job, problems: Problems): void {
  const { type } = job;
  const isBatch = type === JobType.batch || type === JobType.sysbatch;
  if (group.disconnect !== null) validateDisconnect(group.disconnect, type, problems);
  if (group.reschedulePolicy !== null) {
    if (type === JobType.system || type === JobType.sysbatch) {
      problems.add("System or sysbatch jobs should not have a reschedule policy");
    } else validateReschedule(group.reschedulePolicy, problems);
  }
  problems.addIf(
    group.ephemeralDisk.sizeMb < DISK_MIN_MB,
    `minimum DiskMB value is ${DISK_MIN_MB}; got ${group.ephemeralDisk.sizeMb}`,
  );
  if (group.update !== null) {
    problems.addIf(
      type !== JobType.service && type !== JobType.system,
      `Job type ${quote(type)} does not allow update block`,
    );
    validateUpdate(group.update, problems);
    // One of a system job is tied to its node, where no second one can stand beside it.
    problems.addIf(
      type === JobType.system && group.update.maxSurge > 0,
      `Job type ${quote(type)} does not allow max_surge`,
    );
  }
  if (group.migrate !== null) {
    problems.addIf(
      type !== JobType.service,
      `Job type ${quote(type)} does not allow migrate block`,
    );
    validateMigrate(group.migrate, problems);
  }
  if (group.maxRunDuration === null) return;
  problems.addIf(!isBatch, `Job type ${quote(type)} does not allow max_run_duration`);
  problems.addIf(group.maxRunDuration <= 0, "MaxRunDuration must be greater than zero");
}

function validateTaskNames(group: TaskGroup, problems: Problems): void {
  const seen = new Map<string, number>();
  for (const [i, task] of group.tasks.entries()) {
    const other = seen.get(task.name);
    if (task.name === "") problems.add(`Task ${i + 1} missing name`);
    else if (other !== undefined) {
      problems.add(`Task ${i + 1} redefines '${task.name}' from task ${other}`);
    } else seen.set(task.name, i + 1);
  }
  const leaders = group.tasks.filter((task) => task.leader).length;
  problems.addIf(leaders > 1, "Only one task may be marked as leader");
  problems.addIf(
    group.tasks.length > 0 && !group.tasks.some((task) => task.lifecycle === null),
    `Task group ${group.name} must have at least one main task`,
  );
}

function volumeProblems(volume: VolumeRequest): Problems {
  const problems = new Problems();
  problems.addIf(volume.source === "", "volume has an empty source");
  if (volume.type === "csi") {
    problems.addIf(volume.attachmentMode === "", "CSI volumes must have an attachment mode");
    problems.addIf(volume.accessMode === "", "CSI volumes must have an access mode");
  }
  return problems;
}
