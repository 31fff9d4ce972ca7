/** One task of a group (spec chapter 1 §1.3). */
import { formatDuration } from "@drover/base";
import { type Job, JobType } from "../job/job.ts";
import type { Task } from "../job/task.ts";
import type { TaskGroup } from "../job/task-group.ts";
import { validateAffinities, validateTaskConstraints } from "./constraint.ts";
import { Problems, quote } from "./problems.ts";
import { validateTaskServices } from "./service.ts";
import {
  validateActions,
  validateArtifacts,
  validateCsiPlugin,
  validateIdentities,
  validateLogs,
  validateResources,
  validateSecrets,
  validateTemplates,
  validateVolumeMounts,
} from "./task-parts.ts";

const HOOKS = ["prestart", "poststart", "poststop"];

export function validateTask(task: Task, group: TaskGroup, job: Job): Problems {
  const problems = new Problems();
  validateBasics(task, group, job, problems);
  problems.nest("", validateResources(task.resources));
  problems.nest("", validateLogs(task.logConfig, group.ephemeralDisk.sizeMb));
  validateTaskConstraints(task.constraints, problems);
  if (job.type === JobType.system) {
    problems.addIf(task.affinities.length > 0, "System jobs may not have an affinity block");
  } else validateAffinities(task.affinities, problems);
  problems.nest("", validateTaskServices(task, group));
  validateVault(task, problems);
  validateTemplates(task.templates, problems);
  validateArtifacts(task.artifacts, problems);
  validateSecrets(task, problems);
  validateCsiPlugin(task.csiPluginConfig, problems);
  validateVolumeMounts(task, group, problems);
  validateIdentities(task.identities, problems);
  validateActions(task.actions, problems);
  const hook = task.lifecycle?.hook;
  if (hook !== undefined && !HOOKS.includes(hook)) {
    const reason = hook === "" ? "no lifecycle hook provided" : `invalid hook: ${hook}`;
    problems.add(`Lifecycle validation failed: ${reason}`);
  }
  return problems;
}

function validateBasics(task: Task, group: TaskGroup, job: Job, problems: Problems): void {
  const { name, killTimeout } = task;
  problems.addIf(name === "", "Missing task name");
  problems.addIf(/[/\\]/.test(name), "Task name cannot include slashes");
  problems.addIf(name.includes("\0"), "Task name cannot include null characters");
  problems.addIf(name === "alloc", 'Task cannot be named "alloc"');
  problems.addIf(task.driver === "", "Missing task driver");
  const progress = group.update?.progressDeadline ?? 0;
  if (killTimeout < 0) problems.add("KillTimeout must be a positive value");
  else if (job.type === JobType.service && progress > 0 && killTimeout > progress) {
    problems.add(
      `KillTimout (${formatDuration(killTimeout)}) longer than the group's ProgressDeadline ` +
        `(${formatDuration(progress)})`,
    );
  }
  problems.addIf(task.shutdownDelay < 0, "ShutdownDelay must be a positive value");
}

function validateVault(task: Task, problems: Problems): void {
  if (task.vault === null) return;
  const { changeMode, changeSignal } = task.vault;
  const part = new Problems();
  if (changeMode === "signal") {
    part.addIf(changeSignal === "", 'Signal must be specified when using change mode "signal"');
  } else if (!["", "noop", "restart"].includes(changeMode)) {
    part.add(`Unknown change mode ${quote(changeMode)}`);
  }
  problems.nest("Vault validation failed: ", part);
}
