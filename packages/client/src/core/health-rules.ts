/** Whether an allocation's health is tracked, and by which rules (spec chapter 5 §5.1). */
import { MINUTE, nanosToMs, SECOND } from "@drover/base";
import { type Allocation, isServerTerminal, type Job, type TaskGroup } from "@drover/model";
import type { HealthRules } from "./alloc-health.ts";

export function healthRules(alloc: Allocation, job: Job, group: TaskGroup): HealthRules | null {
  if (job.type !== "service" && job.type !== "system") return null;
  // A task that dies because the servers want it stopped says nothing about its version.
  if (isServerTerminal(alloc)) return null;
  if (alloc.deploymentId === "") return migrationRules(group);
  const update = group.update;
  if (update === null || update.maxParallel === 0) return null;
  if (update.healthCheck === "manual") return null;
  return {
    mode: update.healthCheck === "task_states" ? "task_states" : "checks",
    minHealthyMs: nanosToMs(update.minHealthyTime),
    healthyDeadlineMs: nanosToMs(update.healthyDeadline),
  };
}

/**
 * By what it is said to serve, whether or not its health is being decided (H13); null = nobody
 * asks. What an operator judges by hand is not contradicted by checks.
 */
export function servingMode(
  alloc: Allocation,
  job: Job,
  group: TaskGroup,
): HealthRules["mode"] | null {
  const rules = healthRules(alloc, job, group);
  if (rules !== null) return rules.mode;
  const isManual = group.update?.healthCheck === "manual";
  const isTracked = job.type === "service" || job.type === "system";
  return isManual && isTracked && !isServerTerminal(alloc) ? "task_states" : null;
}

function migrationRules(group: TaskGroup): HealthRules {
  const migrate = group.migrate;
  return {
    mode: migrate?.healthCheck === "task_states" ? "task_states" : "checks",
    minHealthyMs: nanosToMs(migrate?.minHealthyTime ?? 10 * SECOND),
    healthyDeadlineMs: nanosToMs(migrate?.healthyDeadline ?? 5 * MINUTE),
  };
}
