/**
 * Complete, valid resources for tests, each with overridable members. Ids are fixed or derived
 * from the arguments, so a test's data is the same in every run. Every call returns fresh objects.
 */
import { hashLabel, MINUTE, mintUuid, SECOND, SeededRandom } from "@drover/base";
import {
  type AllocatedResources,
  type Allocation,
  type AllocClientReport,
  type AllocMetric,
  allocMetricSchema,
  ClientStatus,
  DesiredStatus,
} from "../cluster/allocation.ts";
import { type Deployment, type DeploymentState, DeploymentStatus } from "../cluster/deployment.ts";
import { EvalTrigger, type Evaluation, pendingEvaluation } from "../cluster/evaluation.ts";
import { Eligibility, type Node, NodeStatus } from "../cluster/node.ts";
import { type Job, JobType } from "../job/job.ts";
import type { Resources } from "../job/resources.ts";
import type { Task } from "../job/task.ts";
import type { TaskGroup } from "../job/task-group.ts";
import { migrateStrategySchema, updateStrategySchema } from "../job/update.ts";
import { fillDefaults } from "../schema/defaults.ts";

/** The instant that factories use for creation: 2026-01-01T00:00:00Z. */
export const MOCK_NOW = 1_767_225_600_000;

/** A UUID that depends on `label` only. */
export function mockId(label: string): string {
  return mintUuid(new SeededRandom(hashLabel(label)));
}

export function mockResources(overrides: Partial<Resources> = {}): Resources {
  return {
    cpu: 100,
    cores: 0,
    memoryMb: 64,
    memoryMaxMb: 0,
    diskMb: 0,
    iops: 0,
    networks: [],
    devices: [],
    numa: null,
    secretsMb: 0,
    ...overrides,
  };
}

export function mockTask(overrides: Partial<Task> = {}): Task {
  return {
    name: "server",
    driver: "mock_driver",
    user: "",
    lifecycle: null,
    config: { run_for: "1h" },
    constraints: [],
    affinities: [],
    env: {},
    services: [],
    resources: mockResources(),
    restartPolicy: mockRestartPolicy(),
    meta: {},
    killTimeout: 5 * SECOND,
    logConfig: { maxFiles: 10, maxFileSizeMb: 10, disabled: false, enabled: null },
    artifacts: [],
    vault: null,
    consul: null,
    templates: [],
    dispatchPayload: null,
    volumeMounts: [],
    csiPluginConfig: null,
    leader: false,
    shutdownDelay: 0,
    killSignal: "",
    kind: "",
    scalingPolicies: [],
    identity: null,
    identities: [],
    actions: [],
    schedule: null,
    secrets: [],
    ...overrides,
  };
}

function mockRestartPolicy(): TaskGroup["restartPolicy"] {
  return {
    attempts: 2,
    interval: 30 * MINUTE,
    delay: 15 * SECOND,
    mode: "fail",
    renderTemplates: false,
  };
}

export function mockTaskGroup(overrides: Partial<TaskGroup> = {}): TaskGroup {
  return {
    name: "web",
    count: 3,
    update: fillDefaults(updateStrategySchema, null),
    migrate: fillDefaults(migrateStrategySchema, null),
    constraints: [],
    affinities: [],
    spreads: [],
    restartPolicy: mockRestartPolicy(),
    reschedulePolicy: {
      attempts: 0,
      interval: 0,
      delay: 30 * SECOND,
      delayFunction: "exponential",
      maxDelay: 60 * MINUTE,
      unlimited: true,
    },
    disconnect: null,
    tasks: [mockTask()],
    ephemeralDisk: { sticky: false, migrate: false, sizeMb: 300 },
    meta: {},
    networks: [],
    services: [],
    volumes: {},
    shutdownDelay: null,
    maxRunDuration: null,
    scaling: null,
    consul: null,
    stopAfterClientDisconnect: null,
    maxClientDisconnect: null,
    preventRescheduleOnLost: false,
    ...overrides,
  };
}

/** A service job with one group `web` of three and one task `server`. */
export function mockJob(overrides: Partial<Job> = {}): Job {
  const id = overrides.id ?? "example";
  return {
    id,
    name: id,
    namespace: "default",
    region: "global",
    type: JobType.service,
    priority: 50,
    allAtOnce: false,
    datacenters: ["*"],
    nodePool: "default",
    constraints: [],
    affinities: [],
    spreads: [],
    taskGroups: [mockTaskGroup()],
    update: null,
    reschedule: null,
    migrate: null,
    periodic: null,
    parameterizedJob: null,
    multiregion: null,
    payload: null,
    meta: {},
    ui: null,
    consulNamespace: "",
    vaultNamespace: "",
    nomadTokenId: "",
    stop: false,
    parentId: "",
    dispatched: false,
    dispatchIdempotencyToken: "",
    versionTag: null,
    status: "pending",
    statusDescription: "",
    stable: false,
    version: 0,
    submitTime: MOCK_NOW,
    createIndex: 10,
    modifyIndex: 10,
    jobModifyIndex: 10,
    imageDigests: {},
    ...overrides,
  };
}

export function mockAllocatedResources(task = "server"): AllocatedResources {
  return {
    tasks: {
      [task]: {
        cpu: { cpuShares: 100, reservedCores: [] },
        memory: { memoryMb: 64, memoryMaxMb: 0 },
        networks: [],
        devices: [],
      },
    },
    taskLifecycles: { [task]: null },
    shared: { diskMb: 300, networks: [], ports: [] },
  };
}

export interface MockAllocOptions {
  /** The job version it runs: gives names, versions and indexes. */
  readonly job?: Job;
  /** Number in its name; 0 when left out. */
  readonly index?: number;
}

/** An allocation of the job's first group, placed and still pending on its client. */
export function mockAlloc(
  overrides: Partial<Allocation> = {},
  { job = mockJob(), index = 0 }: MockAllocOptions = {},
): Allocation {
  const taskGroup = overrides.taskGroup ?? job.taskGroups[0]?.name ?? "web";
  const name = `${job.id}.${taskGroup}[${index}]`;
  return {
    id: mockId(`alloc ${name} ${job.version}`),
    namespace: job.namespace,
    evalId: mockId(`eval ${job.id}`),
    name,
    nodeId: mockId("node node-1"),
    nodeName: "node-1",
    jobId: job.id,
    jobVersion: job.version,
    jobModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    taskGroup,
    allocatedResources: mockAllocatedResources(job.taskGroups[0]?.tasks[0]?.name),
    metrics: null,
    desiredStatus: DesiredStatus.run,
    desiredDescription: "",
    desiredTransition: {
      migrate: null,
      reschedule: null,
      forceReschedule: null,
      noShutdownDelay: null,
      migrateDisablePlacement: null,
    },
    clientStatus: ClientStatus.pending,
    clientDescription: "",
    taskStates: {},
    allocStates: [],
    previousAllocation: "",
    nextAllocation: "",
    deploymentId: "",
    deploymentStatus: null,
    rescheduleTracker: null,
    networkStatus: null,
    followupEvalId: "",
    preemptedAllocations: [],
    preemptedByAllocation: "",
    phase: "",
    prepared: false,
    serving: null,
    judgedIn: "",
    unseen: false,
    clientSeq: 0,
    unretryableError: "",
    createIndex: 20,
    modifyIndex: 20,
    allocModifyIndex: 20,
    createTime: MOCK_NOW,
    modifyTime: MOCK_NOW,
    ...overrides,
  };
}

/** A ready node with docker, raw_exec and mock_driver, 4,000 MHz and 8 GiB. */
export function mockNode(overrides: Partial<Node> = {}): Node {
  const name = overrides.name ?? "node-1";
  return {
    id: mockId(`node ${name}`),
    secretId: mockId(`secret ${name}`),
    datacenter: "dc1",
    name,
    cgroupParent: "drover.slice",
    httpAddr: "127.0.0.1:4646",
    rpcAddr: "127.0.0.1:4647",
    tlsEnabled: false,
    attributes: {
      "kernel.name": "linux",
      "cpu.arch": "amd64",
      "nomad.version": "2.0.6",
      "driver.docker": "1",
      "driver.raw_exec": "1",
      "driver.mock_driver": "1",
    },
    nodeResources: mockNodeResources(),
    reservedResources: {
      cpu: { cpuShares: 0, reservedCpuCores: [] },
      memory: { memoryMb: 0 },
      disk: { diskMb: 0 },
      networks: { reservedHostPorts: "" },
    },
    links: {},
    meta: {},
    nodeClass: "",
    nodePool: "default",
    computedClass: "v1:1",
    drivers: {
      docker: mockDriver(),
      raw_exec: mockDriver(),
      mock_driver: mockDriver(),
    },
    hostVolumes: {},
    hostNetworks: {},
    images: {},
    drainStrategy: null,
    schedulingEligibility: Eligibility.eligible,
    status: NodeStatus.ready,
    statusDescription: "",
    statusUpdatedAt: MOCK_NOW,
    events: [],
    lastDrain: null,
    nodeMaxAllocs: 0,
    lastMissedHeartbeatIndex: 0,
    lastAllocUpdateIndex: 0,
    createIndex: 5,
    modifyIndex: 5,
    ...overrides,
  };
}

function mockDriver(): Node["drivers"][string] {
  return {
    attributes: {},
    detected: true,
    healthy: true,
    healthDescription: "Healthy",
    updateTime: MOCK_NOW,
  };
}

function mockNodeResources(): Node["nodeResources"] {
  return {
    cpu: { cpuShares: 4000, totalCpuCores: 4, reservableCpuCores: [0, 1, 2, 3] },
    processors: null,
    memory: { memoryMb: 8192 },
    disk: { diskMb: 100_000 },
    devices: [],
    networks: [{ Device: "lo", IP: "127.0.0.1", MBits: 1000, Mode: "host" }],
    nodeNetworks: [
      {
        mode: "host",
        device: "lo",
        macAddress: "",
        speed: 1000,
        addresses: [
          {
            family: "ipv4",
            alias: "default",
            address: "127.0.0.1",
            reservedPorts: "",
            gateway: "",
          },
        ],
      },
    ],
    minDynamicPort: 20_000,
    maxDynamicPort: 32_000,
  };
}

/** A pending evaluation of a job's registration. */
export function mockEval(overrides: Partial<Evaluation> = {}): Evaluation {
  const jobId = overrides.jobId ?? "example";
  return pendingEvaluation({
    id: mockId(`eval ${jobId}`),
    namespace: "default",
    priority: 50,
    type: JobType.service,
    triggeredBy: EvalTrigger.jobRegister,
    jobId,
    jobModifyIndex: 10,
    createIndex: 10,
    modifyIndex: 10,
    createTime: MOCK_NOW,
    modifyTime: MOCK_NOW,
    ...overrides,
  });
}

export function mockDeploymentState(overrides: Partial<DeploymentState> = {}): DeploymentState {
  return {
    autoRevert: false,
    autoPromote: false,
    progressDeadline: 10 * MINUTE,
    requireProgressBy: 0,
    promoted: false,
    placedCanaries: [],
    desiredCanaries: 0,
    desiredTotal: 3,
    placedAllocs: 0,
    healthyAllocs: 0,
    unhealthyAllocs: 0,
    extendedNames: [],
    awaitingSince: 0,
    unseenAllocs: 0,
    unseenSince: 0,
    unseenMs: 0,
    ...overrides,
  };
}

/** A running deployment of the job's version with one state per group. */
export function mockDeployment(
  overrides: Partial<Deployment> = {},
  { job = mockJob() }: { readonly job?: Job } = {},
): Deployment {
  const taskGroups: Record<string, DeploymentState> = {};
  for (const group of job.taskGroups) {
    taskGroups[group.name] = mockDeploymentState({
      desiredTotal: group.count,
      autoRevert: group.update?.autoRevert ?? false,
      autoPromote: group.update?.autoPromote ?? false,
      progressDeadline: group.update?.progressDeadline ?? 0,
      desiredCanaries: group.update?.canary ?? 0,
    });
  }
  return {
    id: mockId(`deployment ${job.id} ${job.version}`),
    namespace: job.namespace,
    jobId: job.id,
    jobVersion: job.version,
    jobModifyIndex: job.modifyIndex,
    jobSpecModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    isMultiregion: false,
    taskGroups,
    status: DeploymentStatus.running,
    statusDescription: "Deployment is running",
    evalPriority: 50,
    clockStoppedAt: 0,
    autoTransitionsLeft: 2,
    createIndex: 20,
    modifyIndex: 20,
    createTime: MOCK_NOW,
    modifyTime: MOCK_NOW,
    ...overrides,
  };
}

export function mockMetric(overrides: Partial<AllocMetric> = {}): AllocMetric {
  return { ...fillDefaults(allocMetricSchema, null), nodePool: "default", ...overrides };
}

/** Its client's first word: it runs, and is not judged. */
export function mockReport(
  { id, nodeId }: Pick<Allocation, "id" | "nodeId">,
  overrides: Partial<AllocClientReport> = {},
): AllocClientReport & { readonly nodeId: string } {
  return {
    id,
    nodeId,
    clientSeq: 1,
    clientStatus: ClientStatus.running,
    clientDescription: "",
    taskStates: {},
    healthy: null,
    healthAt: 0,
    prepared: false,
    unretryableError: "",
    networkStatus: null,
    imageDigests: {},
    ...overrides,
  };
}
