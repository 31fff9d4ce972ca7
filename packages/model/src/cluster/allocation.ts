/**
 * An allocation: one placement of a task group on a node (spec chapter 1 §1.9). Stored without its
 * job: `jobVersion` names a stored version, which is kept while an allocation refers to it
 * (DESIGN §5); the API embeds it again on the way out.
 */

import { portSchema } from "../job/network.ts";
import {
  bool,
  float,
  type Infer,
  instantNanos,
  instantText,
  int,
  json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";

export const DesiredStatus = { run: "run", stop: "stop", evict: "evict" } as const;
export type DesiredStatus = (typeof DesiredStatus)[keyof typeof DesiredStatus];

export const ClientStatus = {
  pending: "pending",
  running: "running",
  complete: "complete",
  failed: "failed",
  lost: "lost",
  unknown: "unknown",
} as const;
export type ClientStatus = (typeof ClientStatus)[keyof typeof ClientStatus];

export const TaskRunState = { pending: "pending", running: "running", dead: "dead" } as const;
export type TaskRunState = (typeof TaskRunState)[keyof typeof TaskRunState];

export const taskEventSchema = record("TaskEvent", {
  type: string(),
  time: instantNanos(),
  message: string({ default: "" }),
  displayMessage: string({ default: "" }),
  details: map(string(), { keepEmpty: true }),
});
export type TaskEvent = Infer<typeof taskEventSchema>;

export const taskStateSchema = record("TaskState", {
  state: string({ default: TaskRunState.pending }),
  failed: bool({ default: false }),
  restarts: int({ default: 0 }),
  lastRestart: instantText({ default: 0 }),
  startedAt: instantText({ default: 0 }),
  finishedAt: instantText({ default: 0 }),
  /** Newest last, at most ten. */
  events: list(object(taskEventSchema)),
});
export type TaskState = Infer<typeof taskStateSchema>;

export const allocatedPortSchema = record("AllocatedPort", {
  label: string(),
  value: int(),
  to: int({ omitEmpty: true }),
  hostIp: string({ wire: "HostIP" }),
  ignoreCollision: bool({ omitEmpty: true }),
});
export type AllocatedPort = Infer<typeof allocatedPortSchema>;

export const allocatedNetworkSchema = record("AllocatedNetwork", {
  mode: string({ omitEmpty: true }),
  device: string({ omitEmpty: true }),
  ip: string({ wire: "IP", omitEmpty: true }),
  mBits: int({ omitEmpty: true }),
  reservedPorts: list(object(portSchema), { omitEmpty: true }),
  dynamicPorts: list(object(portSchema), { omitEmpty: true }),
});
export type AllocatedNetwork = Infer<typeof allocatedNetworkSchema>;

export const allocatedTaskSchema = record("AllocatedTaskResources", {
  cpu: object(record("AllocatedCpu", { cpuShares: int(), reservedCores: list(int()) })),
  memory: object(
    record("AllocatedMemory", {
      memoryMb: int({ wire: "MemoryMB" }),
      memoryMaxMb: int({ wire: "MemoryMaxMB" }),
    }),
  ),
  networks: list(object(allocatedNetworkSchema)),
  devices: list(
    object(
      record("AllocatedDevice", {
        vendor: string(),
        type: string(),
        name: string(),
        deviceIds: list(string(), { wire: "DeviceIDs" }),
      }),
    ),
  ),
});
export type AllocatedTaskResources = Infer<typeof allocatedTaskSchema>;

export const allocatedResourcesSchema = record("AllocatedResources", {
  tasks: map(object(allocatedTaskSchema)),
  taskLifecycles: map(
    nullable(object(record("AllocatedLifecycle", { hook: string(), sidecar: bool() }))),
  ),
  shared: object(
    record("AllocatedShared", {
      diskMb: int({ wire: "DiskMB" }),
      networks: list(object(allocatedNetworkSchema)),
      ports: list(object(allocatedPortSchema)),
    }),
  ),
});
export type AllocatedResources = Infer<typeof allocatedResourcesSchema>;

export const nodeScoreSchema = record("NodeScore", {
  nodeId: string({ wire: "NodeID" }),
  scores: map(float()),
  normScore: float(),
});

export const allocMetricSchema = record("AllocMetric", {
  nodesEvaluated: int(),
  nodesFiltered: int(),
  nodesInPool: int(),
  nodePool: string(),
  nodesAvailable: map(int(), { keepEmpty: true }),
  classFiltered: map(int()),
  constraintFiltered: map(int()),
  nodesExhausted: int(),
  classExhausted: map(int()),
  dimensionExhausted: map(int()),
  quotaExhausted: list(string()),
  /** Task → the amounts asked for on the exhausted dimensions, in the form of `Resources`. */
  resourcesExhausted: map(json()),
  scores: map(float()),
  scoreMetaData: list(object(nodeScoreSchema)),
  /** Nanoseconds; the proposer measures it. */
  allocationTime: int(),
  coalescedFailures: int(),
});
export type AllocMetric = Infer<typeof allocMetricSchema>;

export const desiredTransitionSchema = record("DesiredTransition", {
  migrate: nullable(bool()),
  reschedule: nullable(bool()),
  forceReschedule: nullable(bool()),
  noShutdownDelay: nullable(bool()),
  migrateDisablePlacement: nullable(bool()),
});
export type DesiredTransition = Infer<typeof desiredTransitionSchema>;

/** In `constraintFiltered`: nodes that were not asked, being like one that was (spec ch. 6). */
export const CLASS_INELIGIBLE = "computed class ineligible";

export const allocDeploymentStatusSchema = record("AllocDeploymentStatus", {
  /** null = undecided. */
  healthy: nullable(bool()),
  timestamp: instantText(),
  canary: bool(),
  modifyIndex: int(),
});
export type AllocDeploymentStatus = Infer<typeof allocDeploymentStatusSchema>;

export const rescheduleEventSchema = record("RescheduleEvent", {
  rescheduleTime: instantNanos(),
  prevAllocId: string({ wire: "PrevAllocID" }),
  prevNodeId: string({ wire: "PrevNodeID" }),
  /** Nanoseconds. */
  delay: int(),
});
export const rescheduleTrackerSchema = record("RescheduleTracker", {
  events: list(object(rescheduleEventSchema)),
  lastReschedule: string(),
});
export type RescheduleTracker = Infer<typeof rescheduleTrackerSchema>;

export const allocStateSchema = record("AllocState", {
  field: int(),
  value: string(),
  time: instantText(),
});

export const networkStatusSchema = record("NetworkStatus", {
  interfaceName: string(),
  address: string(),
  addressIpv6: string({ wire: "AddressIPv6" }),
});

export const allocationSchema = record("Allocation", {
  id: string({ wire: "ID" }),
  namespace: string(),
  evalId: string({ wire: "EvalID", owner: "scheduler" }),
  name: string({ owner: "scheduler" }),
  nodeId: string({ wire: "NodeID", owner: "scheduler" }),
  nodeName: string({ owner: "scheduler" }),
  jobId: string({ wire: "JobID", owner: "scheduler" }),
  jobVersion: int({ wire: null, owner: "scheduler" }),
  /** The `jobModifyIndex` of that version: equal ones need no update (spec §2.6). */
  jobModifyIndex: int({ wire: null, owner: "scheduler" }),
  /** The registration it belongs to; a job purged and registered again has another. */
  jobCreateIndex: int({ wire: null, owner: "scheduler" }),
  taskGroup: string({ owner: "scheduler" }),
  allocatedResources: object(allocatedResourcesSchema, { owner: "scheduler" }),
  metrics: nullable(object(allocMetricSchema, { owner: "scheduler", omitEmpty: true })),
  desiredStatus: string({ owner: "scheduler" }),
  desiredDescription: string({ owner: "scheduler", omitEmpty: true }),
  desiredTransition: object(desiredTransitionSchema, { owner: "deployment", omitEmpty: true }),
  clientStatus: string({ owner: "client" }),
  clientDescription: string({ owner: "client", omitEmpty: true }),
  taskStates: map(object(taskStateSchema), { owner: "client", omitEmpty: true }),
  allocStates: list(object(allocStateSchema), { owner: "server", omitEmpty: true }),
  previousAllocation: string({ owner: "scheduler", omitEmpty: true }),
  nextAllocation: string({ owner: "scheduler", omitEmpty: true }),
  deploymentId: string({ wire: "DeploymentID", owner: "scheduler", omitEmpty: true }),
  deploymentStatus: nullable(
    object(allocDeploymentStatusSchema, { owner: "client", omitEmpty: true }),
  ),
  rescheduleTracker: nullable(
    object(rescheduleTrackerSchema, { owner: "scheduler", omitEmpty: true }),
  ),
  networkStatus: nullable(object(networkStatusSchema, { owner: "client", omitEmpty: true })),
  followupEvalId: string({ wire: "FollowupEvalID", owner: "scheduler", omitEmpty: true }),
  preemptedAllocations: list(string(), { owner: "scheduler", omitEmpty: true }),
  preemptedByAllocation: string({ owner: "scheduler", omitEmpty: true }),
  /**
   * Drover's own, make before break (DESIGN §12.3). `prepare`: the node may pull images but not
   * start; the allocation it replaces still runs. `surge`: start, beside the one it replaces, which
   * stops once this one is healthy (§12.2). `go`: start. Older API clients see `pending`.
   */
  phase: string({ wire: null, owner: "scheduler" }),
  /** The client has everything it needs to start (images present); set once. */
  prepared: bool({ wire: null, owner: "client" }),
  /** Its tasks run and its checks pass, as its client sees it now; null = it has not said (§6). */
  serving: nullable(bool({ wire: null, owner: "client" })),
  /**
   * The deployment in which an operator has judged it; "" = none. While it is its own, the verdict is
   * the operator's: its client does not take it back. Rows of older logs lack the field.
   */
  judgedIn: string({ wire: null, owner: "deployment" }),
  /** Its client cannot see the catalog, and its health is not decided (§12.1). */
  unseen: bool({ wire: null, owner: "client" }),
  /** Higher wins: updates of one allocation may travel through different servers (DESIGN §6). */
  clientSeq: int({ wire: null, owner: "client" }),
  /** An error that names the version and is not retried (DESIGN §12.4); "" = none. */
  unretryableError: string({ wire: null, owner: "client" }),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
  /** Moves only with changes made by the servers. */
  allocModifyIndex: int({ owner: "server" }),
  createTime: instantNanos({ owner: "server" }),
  modifyTime: instantNanos({ owner: "server" }),
});
export type Allocation = Infer<typeof allocationSchema>;

export const AllocPhase = { prepare: "prepare", surge: "surge", go: "go" } as const;

/** It has not taken the place of the one that it was made to replace, and may be given up. */
export function isBesidePrevious({ phase }: Pick<Allocation, "phase">): boolean {
  return phase === AllocPhase.prepare || phase === AllocPhase.surge;
}

/** What a client reports of one allocation: the client-owned fields and nothing else. */
export interface AllocClientReport {
  readonly id: string;
  readonly clientSeq: number;
  readonly clientStatus: ClientStatus;
  readonly clientDescription: string;
  readonly taskStates: Readonly<Record<string, TaskState>>;
  /** null = undecided. */
  readonly healthy: boolean | null;
  /** Epoch ms of the verdict on the client's clock, for display; 0 = none. */
  readonly healthAt: number;
  /** Whose verdict `healthy` is; absent without one, and from clients of before it was there. */
  readonly deploymentId?: string;
  /** The client takes back the verdict it gave: `healthy` is null again. Absent = it does not. */
  readonly revoked?: boolean;
  readonly prepared: boolean;
  /** Absent from clients of before it was there. */
  readonly serving?: boolean | null;
  /** Absent = false. */
  readonly unseen?: boolean;
  readonly unretryableError: string;
  readonly networkStatus: Infer<typeof networkStatusSchema> | null;
  /** Image reference → digest it resolved to on this node. */
  readonly imageDigests: Readonly<Record<string, string>>;
}

/** Its verdict is an operator's: what its client finds does not change it (spec §4.6). */
export function isJudgedByOperator(alloc: Pick<Allocation, "deploymentId" | "judgedIn">): boolean {
  return alloc.deploymentId !== "" && alloc.judgedIn === alloc.deploymentId;
}

export function isServerTerminal(alloc: Pick<Allocation, "desiredStatus">): boolean {
  return alloc.desiredStatus !== DesiredStatus.run;
}

export function isClientTerminal(alloc: Pick<Allocation, "clientStatus">): boolean {
  return (
    alloc.clientStatus === ClientStatus.complete ||
    alloc.clientStatus === ClientStatus.failed ||
    alloc.clientStatus === ClientStatus.lost
  );
}

export function isTerminal(alloc: Pick<Allocation, "desiredStatus" | "clientStatus">): boolean {
  return isServerTerminal(alloc) || isClientTerminal(alloc);
}

/**
 * A canary that counts towards its promotion. One that runs beside the canary it will replace, its
 * predecessor, does not: the two are one (DESIGN §12.2) for as long as that one is there.
 */
export function isHealthyCanary(
  alloc: Pick<Allocation, "desiredStatus" | "clientStatus" | "deploymentStatus" | "phase">,
  predecessor: Pick<Allocation, "desiredStatus" | "clientStatus"> | undefined,
): boolean {
  if (isTerminal(alloc) || alloc.deploymentStatus?.healthy !== true) return false;
  return alloc.phase !== AllocPhase.surge || predecessor === undefined || isTerminal(predecessor);
}

const OPENING = "[".charCodeAt(0);
const CLOSING = "]".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/** `<jobId>.<group>[<index>]` → index; -1 when the name has none. */
export function allocIndex(name: string): number {
  // By hand: the reconciler asks this of every allocation of a job.
  if (name.charCodeAt(name.length - 1) !== CLOSING) return -1;
  let index = 0;
  let unit = 1;
  let at = name.length - 2;
  for (; at >= 0; at--) {
    const digit = name.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
    index += digit * unit;
    unit *= 10;
  }
  return unit > 1 && name.charCodeAt(at) === OPENING ? index : -1;
}
