/** Whether a failed allocation's group allows one more attempt (spec chapter 3 §3.5). */
import { nanosToMs } from "@drover/base";
import type { Allocation, StateReader, TaskGroup } from "@drover/model";

export function groupOf(state: StateReader, alloc: Allocation): TaskGroup | undefined {
  return state.allocJob(alloc)?.taskGroups.find((group) => group.name === alloc.taskGroup);
}

export function isReplaceable(state: StateReader, alloc: Allocation): boolean {
  const policy = groupOf(state, alloc)?.reschedulePolicy;
  if (policy === null || policy === undefined) return false;
  if (policy.unlimited) return true;
  if (policy.attempts <= 0) return false;
  const since = failedAt(alloc) - nanosToMs(policy.interval);
  const events = alloc.rescheduleTracker?.events ?? [];
  return events.filter((event) => event.rescheduleTime > since).length < policy.attempts;
}

function failedAt(alloc: Allocation): number {
  const finished = Object.values(alloc.taskStates).map((task) => task.finishedAt);
  return Math.max(0, ...finished) || alloc.modifyTime;
}
