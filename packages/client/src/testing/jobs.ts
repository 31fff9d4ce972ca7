/** Jobs and allocations that agent tests use. */
import type { Allocation, Job, Service, ServiceCheck, Task, TaskGroup } from "@drover/model";
import {
  mockAlloc,
  mockJob,
  mockService,
  mockServiceCheck,
  mockTask,
  mockTaskGroup,
} from "@drover/model/testing";

export function httpCheck(over: Partial<ServiceCheck> = {}): ServiceCheck {
  return mockServiceCheck({ name: "alive", ...over });
}

export function service(over: Partial<Service> = {}): Service {
  return mockService({
    tags: ["v1"],
    canaryTags: ["canary"],
    checks: [httpCheck()],
    provider: "nomad",
    ...over,
  });
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
