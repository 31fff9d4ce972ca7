/** Questions about one allocation that several rules ask. */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  isTerminal,
  type Job,
  type TaskGroup,
} from "@drover/model";

const CLIENT_STATUS_FIELD = 0;

export function groupOf(job: Job | undefined, name: string): TaskGroup | undefined {
  return job?.taskGroups.find((group) => group.name === name);
}

/** A group without a part in the deployment is not judged by it. */
export function deploymentIdFor(deployment: Deployment | null, group: string): string {
  return deployment !== null && Object.hasOwn(deployment.taskGroups, group) ? deployment.id : "";
}

/** Its last recorded client state is `unknown`: its node has been out of reach (spec §1.9). */
export function needsReconnect(alloc: Allocation): boolean {
  const last = alloc.allocStates.findLast((state) => state.field === CLIENT_STATUS_FIELD);
  return last?.value === ClientStatus.unknown;
}

/** Start of the most recent run of `unknown` entries, epoch ms; 0 = none. */
export function lastUnknownAt(alloc: Allocation): number {
  let at = 0;
  for (const state of alloc.allocStates.toReversed()) {
    if (state.field !== CLIENT_STATUS_FIELD) continue;
    if (state.value !== ClientStatus.unknown) break;
    at = state.time;
  }
  return at;
}

/** How long the group tolerates an unreachable node, ms; 0 = not at all. */
export function lostAfterMs(group: TaskGroup | undefined): number {
  return nanosToMs(group?.disconnect?.lostAfter ?? 0);
}

export function isExpired(alloc: Allocation, group: TaskGroup | undefined, now: number): boolean {
  if (alloc.clientStatus !== ClientStatus.unknown) return false;
  const since = lastUnknownAt(alloc);
  return since > 0 && since + lostAfterMs(group) <= now;
}

export function isCanary(alloc: Allocation): boolean {
  return alloc.deploymentStatus?.canary ?? false;
}

export function isOfVersion(alloc: Allocation, job: Job): boolean {
  return alloc.jobVersion === job.version && alloc.jobCreateIndex === job.createIndex;
}

export function isLive(alloc: Allocation): boolean {
  return !isTerminal(alloc);
}

/** Epoch ms when it failed: its last task's end, else its last change. */
export function failedAt(alloc: Allocation): number {
  const finished = Object.values(alloc.taskStates).map((state) => state.finishedAt);
  const latest = Math.max(0, ...finished);
  return latest > 0 ? latest : alloc.modifyTime;
}

export function ranSuccessfully(alloc: Allocation): boolean {
  if (alloc.clientStatus === ClientStatus.complete) return true;
  const states = Object.values(alloc.taskStates);
  return states.length > 0 && states.every((state) => state.state === "dead" && !state.failed);
}
