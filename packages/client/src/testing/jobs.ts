/** Jobs and allocations that agent tests use. */
import { SECOND } from "@drover/base";
import type { Allocation, Job, Service, ServiceCheck, Task, TaskGroup } from "@drover/model";
import { mockAlloc, mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";

export function httpCheck(over: Partial<ServiceCheck> = {}): ServiceCheck {
  return {
    name: "alive",
    type: "http",
    command: "",
    args: [],
    path: "/health",
    protocol: "",
    portLabel: "",
    expose: false,
    addressMode: "",
    advertise: "",
    interval: SECOND,
    timeout: SECOND,
    initialStatus: "",
    notes: "",
    tlsServerName: "",
    tlsSkipVerify: false,
    header: {},
    method: "",
    body: "",
    checkRestart: null,
    grpcService: "",
    grpcUseTls: false,
    taskName: "",
    successBeforePassing: 0,
    failuresBeforeCritical: 0,
    failuresBeforeWarning: 0,
    onUpdate: "",
    ...over,
  };
}

export function service(over: Partial<Service> = {}): Service {
  return {
    name: "api",
    taskName: "",
    portLabel: "http",
    addressMode: "auto",
    address: "",
    enableTagOverride: false,
    tags: ["v1"],
    canaryTags: ["canary"],
    checks: [httpCheck()],
    checkRestart: null,
    connect: null,
    meta: {},
    canaryMeta: {},
    taggedAddresses: {},
    namespace: "",
    onUpdate: "require_healthy",
    provider: "nomad",
    cluster: "default",
    identity: null,
    weights: null,
    kind: "",
    ...over,
  };
}

export interface Want {
  readonly alloc: Allocation;
  readonly job: Job;
}

/** One allocation on `nodeId`, by default of a task with one service, in a deployment. */
export function want(
  nodeId: string,
  over: {
    readonly alloc?: Partial<Allocation>;
    readonly job?: Partial<Job>;
    readonly group?: Partial<TaskGroup>;
    readonly task?: Partial<Task>;
    readonly port?: number;
  } = {},
): Want {
  const task = mockTask({ services: [service()], ...over.task });
  const group = mockTaskGroup({ tasks: [task], ...over.group });
  const job = mockJob({ taskGroups: [group], ...over.job });
  const alloc = mockAlloc({ nodeId, deploymentId: "d1", ...over.alloc }, { job });
  alloc.allocatedResources.shared.ports = [
    {
      label: "http",
      value: over.port ?? 20_001,
      to: 0,
      hostIp: "127.0.0.1",
      ignoreCollision: false,
    },
  ];
  return { alloc, job };
}

/** A newer word of the servers on the same allocation. */
export function changed(before: Want, alloc: Partial<Allocation>, job?: Job): Want {
  const modifyIndex = before.alloc.modifyIndex + 1;
  return { alloc: { ...before.alloc, modifyIndex, ...alloc }, job: job ?? before.job };
}

export function stopped(before: Want): Want {
  return changed(before, { desiredStatus: "stop" });
}
