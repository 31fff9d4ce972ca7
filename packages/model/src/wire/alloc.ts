/** Allocations as the API shows them: with their job, or as list entries (spec chapter 1 §1.9). */
import {
  type AllocatedResources,
  type Allocation,
  type AllocDeploymentStatus,
  allocatedNetworkSchema,
  allocatedResourcesSchema,
  allocationSchema,
  allocDeploymentStatusSchema,
  desiredTransitionSchema,
  networkStatusSchema,
  rescheduleTrackerSchema,
} from "../cluster/allocation.ts";
import type { Job } from "../job/job.ts";
import { encode } from "../schema/encode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import { jobToWire } from "./job.ts";
import { taskStatesToWire } from "./task-event.ts";

/** The whole allocation. `job` is the version it runs; null leaves it out, as events do. */
export function allocToWire(alloc: Allocation, job: Job | null): JsonObject {
  const status = shownVerdict(alloc);
  const isShown = status === alloc.deploymentStatus;
  const wire = encode(allocationSchema, isShown ? alloc : { ...alloc, deploymentStatus: status });
  const states = taskStatesToWire(alloc.taskStates);
  if (states !== null) wire.TaskStates = states;
  if (alloc.networkStatus !== null) {
    wire.NetworkStatus = { ...encode(networkStatusSchema, alloc.networkStatus), DNS: null };
  }
  if (job !== null) wire.Job = jobToWire(job);
  return sortMembers({ ...wire, ...legacyResources(alloc.allocatedResources) });
}

export interface AllocStubOptions {
  /** `?resources=true` */
  readonly resources?: boolean;
  /** `?task_states=false` sends null instead of the task states. */
  readonly taskStates?: boolean;
}

/** A list entry. `job` may be null after a purge; the entry then has no job type. */
export function allocStubToWire(
  alloc: Allocation,
  job: Pick<Job, "type"> | null,
  options: AllocStubOptions = {},
): JsonObject {
  const stub: JsonObject = {};
  if (options.resources === true) {
    stub.AllocatedResources = encode(allocatedResourcesSchema, alloc.allocatedResources);
  }
  const { rescheduleTracker: tracker } = alloc;
  const status = shownVerdict(alloc);
  return Object.assign(stub, {
    ClientDescription: alloc.clientDescription,
    ClientStatus: alloc.clientStatus,
    CreateIndex: alloc.createIndex,
    CreateTime: Math.round(alloc.createTime * 1_000_000),
    DeploymentStatus: status === null ? null : encode(allocDeploymentStatusSchema, status),
    DesiredDescription: alloc.desiredDescription,
    DesiredStatus: alloc.desiredStatus,
    DesiredTransition: encode(desiredTransitionSchema, alloc.desiredTransition),
    EvalID: alloc.evalId,
    FollowupEvalID: alloc.followupEvalId,
    ID: alloc.id,
    JobID: alloc.jobId,
    JobType: job?.type ?? "",
    JobVersion: alloc.jobVersion,
    ModifyIndex: alloc.modifyIndex,
    ModifyTime: Math.round(alloc.modifyTime * 1_000_000),
    Name: alloc.name,
    Namespace: alloc.namespace,
    NextAllocation: alloc.nextAllocation,
    NodeID: alloc.nodeId,
    NodeName: alloc.nodeName,
    PreemptedAllocations: alloc.preemptedAllocations.length > 0 ? alloc.preemptedAllocations : null,
    PreemptedByAllocation: alloc.preemptedByAllocation,
    RescheduleTracker: tracker === null ? null : encode(rescheduleTrackerSchema, tracker),
    TaskGroup: alloc.taskGroup,
    TaskStates: options.taskStates === false ? null : taskStatesToWire(alloc.taskStates),
  });
}

/**
 * What the API says of an allocation's health: the last verdict until there is a new one. One that
 * was carried into another deployment is undecided there; it keeps the instant when it was healthy.
 */
export function shownVerdict({
  deploymentStatus: status,
}: Allocation): AllocDeploymentStatus | null {
  const isCarried = status !== null && status.healthy === null && status.timestamp > 0;
  return isCarried ? { ...status, healthy: true } : status;
}

/** The three older views of an allocation's resources, which clients still read. */
function legacyResources(resources: AllocatedResources): JsonObject {
  const sharedNetworks = encodeNetworks(resources.shared.networks);
  const tasks: JsonObject = {};
  const total = { cpu: 0, memory: 0, memoryMax: 0 };
  const allNetworks: Json[] = [...sharedNetworks];
  for (const [name, task] of Object.entries(resources.tasks)) {
    const networks = encodeNetworks(task.networks);
    const memory = task.memory.memoryMb;
    total.cpu += task.cpu.cpuShares;
    total.memory += memory;
    total.memoryMax += task.memory.memoryMaxMb > 0 ? task.memory.memoryMaxMb : memory;
    allNetworks.push(...networks);
    tasks[name] = legacyBlock(task.cpu.cpuShares, memory, task.memory.memoryMaxMb, 0, networks);
  }
  const diskMb = resources.shared.diskMb;
  return {
    Resources: legacyBlock(total.cpu, total.memory, total.memoryMax, diskMb, allNetworks),
    SharedResources: legacyBlock(0, 0, 0, diskMb, sharedNetworks),
    TaskResources: tasks,
  };
}

function legacyBlock(
  cpu: number,
  memoryMb: number,
  memoryMaxMb: number,
  diskMb: number,
  networks: Json[],
): JsonObject {
  return {
    CPU: cpu,
    Cores: 0,
    Devices: null,
    DiskMB: diskMb,
    IOPS: 0,
    MemoryMB: memoryMb,
    MemoryMaxMB: memoryMaxMb,
    NUMA: null,
    Networks: networks.length === 0 ? null : networks,
    SecretsMB: 0,
  };
}

function encodeNetworks(networks: AllocatedResources["shared"]["networks"]): Json[] {
  return networks.map((network) => encode(allocatedNetworkSchema, network));
}

function sortMembers(object: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const key of Object.keys(object).sort()) out[key] = object[key] as Json;
  return out;
}
