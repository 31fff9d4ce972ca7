/** A deployment: the rolling update of one job version (spec chapter 1 §1.10, chapter 4). */
import { nanosToMs } from "@drover/base";
import {
  bool,
  duration,
  type Infer,
  instantNanos,
  instantText,
  int,
  list,
  map,
  object,
  record,
  string,
} from "../schema/field.ts";

export const DeploymentStatus = {
  running: "running",
  paused: "paused",
  pending: "pending",
  initializing: "initializing",
  blocked: "blocked",
  unblocking: "unblocking",
  successful: "successful",
  failed: "failed",
  cancelled: "cancelled",
} as const;
export type DeploymentStatus = (typeof DeploymentStatus)[keyof typeof DeploymentStatus];

export const deploymentStateSchema = record("DeploymentState", {
  autoRevert: bool(),
  autoPromote: bool(),
  progressDeadline: duration(),
  /** Epoch ms; 0 = not set (sent as null). */
  requireProgressBy: instantText(),
  promoted: bool({ owner: "deployment" }),
  /** Allocation ids, in order of placement. */
  placedCanaries: list(string(), { owner: "scheduler" }),
  desiredCanaries: int({ owner: "scheduler" }),
  desiredTotal: int({ owner: "scheduler" }),
  /** The three counts are derived from allocations on every write that touches one (DESIGN §6). */
  placedAllocs: int({ owner: "server" }),
  healthyAllocs: int({ owner: "server" }),
  unhealthyAllocs: int({ owner: "server" }),
  /** Names that first became healthy in this deployment; each extends the deadline once (§12.1). */
  extendedNames: list(string(), { wire: null, owner: "server" }),
  /** Epoch ms since which all its canaries are healthy and wait; 0 = they do not (§12.1). */
  awaitingSince: int({ wire: null, owner: "server" }),
  /** Undecided ones whose health their clients cannot see, and since when; 0 = there are none. */
  unseenAllocs: int({ wire: null, owner: "server" }),
  unseenSince: int({ wire: null, owner: "server" }),
  /** For how long the deadline has stood for that, ms: at most its own length. */
  unseenMs: int({ wire: null, owner: "server" }),
});
export type DeploymentState = Infer<typeof deploymentStateSchema>;

export const deploymentSchema = record("Deployment", {
  id: string({ wire: "ID" }),
  namespace: string(),
  jobId: string({ wire: "JobID" }),
  jobVersion: int(),
  jobModifyIndex: int(),
  jobSpecModifyIndex: int(),
  jobCreateIndex: int(),
  isMultiregion: bool(),
  taskGroups: map(object(deploymentStateSchema)),
  status: string(),
  statusDescription: string(),
  evalPriority: int(),
  /** Epoch ms when the clocks stopped (paused, waiting for promotion); 0 = they run. */
  clockStoppedAt: instantText({ wire: null }),
  /** Automatic transitions this human submit still grants (DESIGN §12.1). */
  autoTransitionsLeft: int({ wire: null }),
  createIndex: int(),
  modifyIndex: int(),
  createTime: instantNanos(),
  modifyTime: instantNanos(),
});
export type Deployment = Infer<typeof deploymentSchema>;

export function isDeploymentActive(deployment: Pick<Deployment, "status">): boolean {
  return (
    deployment.status !== DeploymentStatus.successful &&
    deployment.status !== DeploymentStatus.failed &&
    deployment.status !== DeploymentStatus.cancelled
  );
}

/** How much longer the group's clock may stand because health cannot be seen, ms (§12.1). */
export function unseenLeftMs(group: DeploymentState): number {
  return Math.max(0, nanosToMs(group.progressDeadline) - (group.unseenMs ?? 0));
}

/** Epoch ms at which the group is late, as things stand; 0 = never. */
export function lateAt(group: DeploymentState): number {
  if (group.requireProgressBy === 0) return 0;
  const isStanding = (group.unseenSince ?? 0) > 0;
  return group.requireProgressBy + (isStanding ? unseenLeftMs(group) : 0);
}
