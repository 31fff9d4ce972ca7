/** Writes deployments: status changes, clocks, and what their end brings (spec chapter 4). */
import { nanosToMs } from "@drover/base";
import {
  type Deployment,
  type DeploymentState,
  DeploymentStatus,
  isDeploymentActive,
} from "@drover/model";
import { below, jobRefOf } from "../store/keys.ts";
import type { Tx } from "../store/tx.ts";
import { settleClock } from "./deployment-clock.ts";
import { setStable } from "./jobs.ts";

/** One revert per human submit, none for what a revert registered (DESIGN §12.1). */
const AUTO_TRANSITIONS = 1;

/**
 * A deployment the scheduler created. A version that was submitted has its deadline from now on,
 * whether it places or not. One that is out already and only comes back (all its machines were
 * drained, say) waits for capacity as long as it takes (see deployment-clock.ts).
 */
export function putNewDeployment(tx: Tx, planned: Deployment): void {
  const startsAt = isBack(tx, planned) ? null : tx.now;
  cancelOthers(tx, planned);
  const grant = tx.read.revertGrant(jobRefOf(planned), planned.jobVersion) ?? AUTO_TRANSITIONS;
  tx.put("deployments", planned.id, {
    ...planned,
    taskGroups: mapGroups(planned, (group) => startGroup(group, startsAt)),
    clockStoppedAt: 0,
    autoTransitionsLeft: grant,
    createIndex: tx.index,
    modifyIndex: tx.index,
    createTime: tx.now,
    modifyTime: tx.now,
  });
}

/**
 * A plan may add groups to its own deployment and move the scheduler's fields of known ones. What
 * promotion and allocations have written stays (invariant I9).
 */
export function mergeDeployment(tx: Tx, planned: Deployment): void {
  const stored = tx.read.deployment(planned.id);
  if (stored === undefined) {
    putNewDeployment(tx, planned);
    return;
  }
  if (!isDeploymentActive(stored)) return;
  const taskGroups: Record<string, DeploymentState> = { ...stored.taskGroups };
  for (const [name, group] of Object.entries(planned.taskGroups)) {
    const known = taskGroups[name];
    taskGroups[name] =
      known === undefined
        ? startGroup(group, isBack(tx, stored) ? null : tx.now)
        : { ...known, desiredTotal: group.desiredTotal, desiredCanaries: group.desiredCanaries };
  }
  // A new group may bring canaries; else the words are older than a promotion or a pause.
  const isGrown = Object.keys(taskGroups).length > Object.keys(stored.taskGroups).length;
  const takesWords = isGrown && stored.status === DeploymentStatus.running;
  tx.put("deployments", stored.id, {
    ...stored,
    taskGroups,
    statusDescription: takesWords ? planned.statusDescription : stored.statusDescription,
    modifyIndex: tx.index,
    modifyTime: tx.now,
  });
}

export function removeDeployment(tx: Tx, id: string): void {
  tx.remove("deployments", id);
  for (const key of tx.keys("deadlineExtensions", below(id))) tx.remove("deadlineExtensions", key);
}

export interface StatusChange {
  readonly deploymentId: string;
  readonly status: string;
  readonly statusDescription: string;
}

/** The deployment must be active. Its counts stay as they are once it has ended. */
export function changeStatus(tx: Tx, deployment: Deployment, change: StatusChange): void {
  const isPaused = change.status === DeploymentStatus.paused;
  const stoppedAt = deployment.clockStoppedAt;
  const isResumed = stoppedAt > 0 && change.status === DeploymentStatus.running;
  const pausedFor = isResumed ? tx.now - stoppedAt : 0;
  tx.put("deployments", deployment.id, {
    ...deployment,
    status: change.status,
    statusDescription: change.statusDescription,
    taskGroups: isResumed
      ? mapGroups(deployment, (group) =>
          shiftDeadline(settleClock(tx, group, deployment), pausedFor),
        )
      : deployment.taskGroups,
    clockStoppedAt: isPaused ? stoppedAt || tx.now : 0,
    modifyIndex: tx.index,
    modifyTime: tx.now,
  });
  if (change.status === DeploymentStatus.successful) markStable(tx, deployment);
}

export function mapGroups(
  deployment: Deployment,
  change: (group: DeploymentState, name: string) => DeploymentState,
): Record<string, DeploymentState> {
  return Object.fromEntries(
    Object.entries(deployment.taskGroups).map(([name, group]) => [name, change(group, name)]),
  );
}

/** A fresh progress deadline from now; 0 where the group has none. */
export function deadlineFrom(group: DeploymentState, now: number): number {
  return group.progressDeadline === 0 ? 0 : now + nanosToMs(group.progressDeadline);
}

/** Counts come from allocations only, whatever the plan carries. */
function startGroup(group: DeploymentState, startsAt: number | null): DeploymentState {
  return {
    ...group,
    requireProgressBy: startsAt === null ? 0 : deadlineFrom(group, startsAt),
    promoted: false,
    placedCanaries: [],
    placedAllocs: 0,
    healthyAllocs: 0,
    unhealthyAllocs: 0,
    extendedNames: [],
  };
}

/** Whether the very version that it brings has been deployed successfully before. */
export function isBack(tx: Tx, planned: Deployment): boolean {
  if (tx.v < 2) return false;
  return tx.read
    .deploymentsByJob(jobRefOf(planned))
    .some(
      (each) =>
        each.jobVersion === planned.jobVersion &&
        each.jobCreateIndex === planned.jobCreateIndex &&
        each.status === DeploymentStatus.successful,
    );
}

export function shiftDeadline(group: DeploymentState, byMs: number): DeploymentState {
  if (group.requireProgressBy === 0) return group;
  return { ...group, requireProgressBy: group.requireProgressBy + byMs };
}

function markStable(tx: Tx, deployment: Deployment): void {
  const job = tx.read.jobVersion(jobRefOf(deployment), deployment.jobVersion);
  if (job?.createIndex === deployment.jobCreateIndex) setStable(tx, job, true);
}

/** Two deployments of a job never run at once, even if a plan forgot to cancel the older. */
function cancelOthers(tx: Tx, planned: Deployment): void {
  for (const other of tx.read.deploymentsByJob(jobRefOf(planned))) {
    if (!isDeploymentActive(other) || other.id === planned.id) continue;
    changeStatus(tx, other, {
      deploymentId: other.id,
      status: DeploymentStatus.cancelled,
      statusDescription: "Cancelled due to newer version of job",
    });
  }
}
