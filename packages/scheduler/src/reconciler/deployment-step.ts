/** What happens to the deployment itself: triage, creation, completion (spec §3.2, §3.12). */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  type Deployment,
  type DeploymentState,
  DeploymentStatus,
  type DeploymentStatusUpdate,
  isDeploymentActive,
  type Job,
  type TaskGroup,
} from "@drover/model";
import { isLive } from "./alloc-facts.ts";
import { hasUpdateStrategy } from "./limit.ts";

export interface Triage {
  /** Of this job version and not over with success; null = none. */
  readonly current: Deployment | null;
  /** The newest one, when it is not the current one. */
  readonly old: Deployment | null;
  readonly updates: readonly DeploymentStatusUpdate[];
  readonly isPaused: boolean;
  readonly isFailed: boolean;
}

/** T1 to T4. `job` is null when it was purged. */
export function triageDeployment(deployment: Deployment | null, job: Job | null): Triage {
  const none: Triage = { current: null, old: null, updates: [], isPaused: false, isFailed: false };
  if (deployment === null) return none;
  if (job === null || job.stop) {
    const updates = cancelled(deployment, "Cancelled because job is stopped");
    return { ...none, old: deployment, updates };
  }
  if (deployment.jobCreateIndex !== job.createIndex || deployment.jobVersion !== job.version) {
    const updates = cancelled(deployment, "Cancelled due to newer version of job");
    return { ...none, old: deployment, updates };
  }
  if (deployment.status === DeploymentStatus.successful) return { ...none, old: deployment };
  const { status } = deployment;
  const isPaused =
    status === DeploymentStatus.paused ||
    status === DeploymentStatus.pending ||
    status === DeploymentStatus.initializing;
  const isFailed = status === DeploymentStatus.failed || status === DeploymentStatus.cancelled;
  return { ...none, current: deployment, isPaused, isFailed };
}

function cancelled(deployment: Deployment, statusDescription: string): DeploymentStatusUpdate[] {
  if (!isDeploymentActive(deployment)) return [];
  const status = DeploymentStatus.cancelled;
  return [{ deploymentId: deployment.id, status, statusDescription }];
}

/** A group's part of a deployment that has not started (spec §3.3 step 3). */
export function newDeploymentState(group: TaskGroup): DeploymentState {
  const { update } = group;
  return {
    autoRevert: update?.autoRevert ?? false,
    autoPromote: update?.autoPromote ?? false,
    progressDeadline: update?.progressDeadline ?? 0,
    requireProgressBy: 0,
    promoted: false,
    placedCanaries: [],
    desiredCanaries: 0,
    desiredTotal: 0,
    placedAllocs: 0,
    healthyAllocs: 0,
    unhealthyAllocs: 0,
    extendedNames: [],
    awaitingSince: 0,
    unseenAllocs: 0,
    unseenSince: 0,
    unseenMs: 0,
  };
}

/** T5: whether this pass gives the group a part in a new deployment. */
export function needsDeployment(facts: {
  readonly group: TaskGroup;
  readonly state: DeploymentState;
  readonly hadCurrentVersion: boolean;
  readonly isUpdating: boolean;
}): boolean {
  if (!hasUpdateStrategy(facts.group) || facts.state.desiredTotal === 0) return false;
  return !facts.hadCurrentVersion || facts.isUpdating;
}

interface NewDeployment {
  readonly id: string;
  readonly job: Job;
  readonly evalPriority: number;
  readonly now: number;
  readonly groups: Readonly<Record<string, DeploymentState>>;
  /** Deployments of the job, newest first. */
  readonly earlier: readonly Deployment[];
}

/** T6: the deadline runs from here, before anything is placed (DESIGN §12.1). */
export function createDeployment(options: NewDeployment): Deployment {
  const { job, now } = options;
  const taskGroups: Record<string, DeploymentState> = {};
  for (const [name, state] of Object.entries(options.groups)) {
    const requireProgressBy =
      state.progressDeadline > 0 ? now + nanosToMs(state.progressDeadline) : 0;
    taskGroups[name] = { ...state, requireProgressBy };
  }
  return {
    id: options.id,
    namespace: job.namespace,
    jobId: job.id,
    jobVersion: job.version,
    jobModifyIndex: job.modifyIndex,
    jobSpecModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    isMultiregion: job.multiregion !== null,
    taskGroups,
    status: DeploymentStatus.running,
    statusDescription: describeRunning(Object.values(taskGroups)),
    evalPriority: options.evalPriority,
    clockStoppedAt: 0,
    autoTransitionsLeft: autoTransitionsLeft(options),
    createIndex: 0,
    modifyIndex: 0,
    createTime: now,
    modifyTime: now,
  };
}

function describeRunning(groups: readonly DeploymentState[]): string {
  const waiting = groups.filter((group) => group.desiredCanaries > 0 && !group.promoted);
  if (waiting.length === 0) return "Deployment is running";
  return waiting.every((group) => group.autoPromote)
    ? "Deployment is running pending automatic promotion"
    : "Deployment is running but requires manual promotion";
}

/** A submission grants one revert; the revert's own deployment has none left (DESIGN §12.1). */
function autoTransitionsLeft({ earlier, job }: NewDeployment): number {
  const before = earlier[0];
  const isAutomatic =
    before !== undefined &&
    before.jobCreateIndex === job.createIndex &&
    before.jobVersion === job.version - 1 &&
    before.status === DeploymentStatus.failed &&
    before.statusDescription.includes(" - rolling back to job version ");
  return isAutomatic ? Math.max(0, before.autoTransitionsLeft - 1) : 1;
}

/** T7: whether the deployment asks nothing more of the group. */
export function isGroupDone(
  state: DeploymentState | undefined,
  allocs: readonly Allocation[],
  deployment: Deployment,
): boolean {
  if (!state) return true;
  if (state.desiredCanaries > 0 && !state.promoted) return false;
  const healthy = allocs.filter(
    (alloc) =>
      alloc.deploymentId === deployment.id &&
      isLive(alloc) &&
      alloc.deploymentStatus?.healthy === true,
  ).length;
  return healthy >= state.desiredTotal;
}

export function successful(deployment: Deployment): DeploymentStatusUpdate {
  return {
    deploymentId: deployment.id,
    status: DeploymentStatus.successful,
    statusDescription: "Deployment completed successfully",
  };
}
