/** What is allowed but probably not meant (spec chapter 2 §2.1). */
import type { Job } from "../job/job.ts";
import type { Task } from "../job/task.ts";
import type { TaskGroup } from "../job/task-group.ts";
import type { ValidateContext } from "./context.ts";
import { Problems, quote } from "./problems.ts";

export function jobWarnings(job: Job, context: ValidateContext): readonly string[] {
  return [
    ...job.taskGroups.flatMap(groupWarnings),
    ...promotionWarnings(job),
    ...vaultIdentityWarnings(job),
    ...(context.memoryOversubscription ? [] : job.taskGroups.flatMap(memoryWarnings)),
    ...job.taskGroups.flatMap(shutdownDelayWarnings),
    ...(job.periodic !== null && job.periodic.spec !== ""
      ? ["cron is deprecated and may be removed in a future release. Use crons instead"]
      : []),
  ];
}

/** `N warnings:`, a blank line and one `* ` line each; "" when there are none. */
export function formatWarnings(warnings: readonly string[]): string {
  if (warnings.length === 0) return "";
  const heading = warnings.length === 1 ? "1 warning:" : `${warnings.length} warnings:`;
  return `${heading}\n\n${warnings.map((text) => `* ${text.trim()}`).join("\n")}`;
}

function groupWarnings(group: TaskGroup): string[] {
  const problems = new Problems();
  const { update, count } = group;
  if (update !== null && count > 1 && update.maxParallel > count) {
    problems.add(
      `Update max parallel count is greater than task group count (${update.maxParallel} > ` +
        `${count}). A destructive change would result in the simultaneous replacement of all ` +
        "allocations.",
    );
  }
  if (update !== null && update.maxSurge > 0 && update.maxSurge < update.maxParallel) {
    problems.add(
      `max_surge (${update.maxSurge}) is less than max_parallel (${update.maxParallel}): at most ` +
        `${update.maxSurge} that serve are replaced at a time`,
    );
  }
  problems.addIf(
    update !== null &&
      update.maxSurge > 0 &&
      (group.ephemeralDisk.sticky || group.ephemeralDisk.migrate),
    "max_surge has no effect: a sticky or migrating ephemeral_disk cannot be with both allocations",
  );
  problems.addIf(
    group.networks.some((network) => network.mBits > 0),
    "mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the network block",
  );
  for (const task of group.tasks) {
    problems.nest(`Task ${quote(task.name)} has warnings: `, taskWarnings(task));
  }
  return problems.isEmpty ? [] : [`Group ${quote(group.name)} has warnings: ${problems.text()}`];
}

function taskWarnings(task: Task): Problems {
  const problems = new Problems();
  problems.addIf(
    task.resources.networks.length > 0,
    "task network resources have been deprecated as of Nomad 0.12.0. " +
      "Please configure networking via group network block.",
  );
  const identities = new Problems();
  for (const identity of task.identities) {
    const insecure = (without: string): string =>
      `Identity[${identity.name}] identities without an ${without} are insecure`;
    identities.addIf(identity.audience.length === 0, insecure("audience"));
    identities.addIf(identity.ttl === 0, insecure("expiration"));
  }
  problems.nest("", identities);
  return problems;
}

function promotionWarnings(job: Job): string[] {
  const withCanaries = job.taskGroups.filter((group) => (group.update?.canary ?? 0) > 0);
  const automatic = withCanaries.filter((group) => group.update?.autoPromote === true);
  const some = automatic.length > 0 && automatic.length < withCanaries.length;
  return some ? ["auto_promote must be true for all groups to enable automatic promotion"] : [];
}

function vaultIdentityWarnings(job: Job): string[] {
  return job.taskGroups.flatMap((group) =>
    group.tasks.flatMap((task) =>
      task.vault !== null
        ? []
        : task.identities
            .filter((identity) => identity.name.startsWith("vault_"))
            .map(
              ({ name }) => `Task ${task.name} has an identity called ${name} but no vault block`,
            ),
    ),
  );
}

function memoryWarnings(group: TaskGroup): string[] {
  return group.tasks
    .filter((task) => task.resources.memoryMaxMb !== 0)
    .map(
      (task) =>
        "Memory oversubscription is not enabled; " +
        `Task ${quote(`${group.name}.${task.name}`)} memory_max value will be ignored. ` +
        "Update the Scheduler Configuration to allow oversubscription.",
    );
}

/** Without a delay, consumers still find an instance whose tasks are already stopping. */
function shutdownDelayWarnings(group: TaskGroup): string[] {
  const out: string[] = [];
  const hasDelay = (task: Task): boolean => task.shutdownDelay > 0;
  const named = quote(group.name);
  const ofGroup = group.services.filter((service) => service.taskName === "");
  const anyDelay = (group.shutdownDelay ?? 0) > 0 || group.tasks.some(hasDelay);
  if (ofGroup.length > 0 && !anyDelay) {
    out.push(
      `group ${named} defines services, but neither the group nor any of its tasks have ` +
        "shutdown_delay set",
    );
  }
  for (const task of group.tasks) {
    if (hasDelay(task)) continue;
    if (task.services.length > 0) {
      out.push(
        `task ${quote(task.name)} in group ${named} defines services, but has no shutdown_delay set`,
      );
    }
    if (group.services.some((service) => service.taskName === task.name)) {
      out.push(
        `group ${named} references task ${quote(task.name)} in a service definition, ` +
          "but the task has no shutdown_delay set",
      );
    }
  }
  return out;
}
