/** Builds the allocations a plan places: complete but for indexes (spec §1.9). */
import {
  type AllocatedResources,
  type Allocation,
  type AllocMetric,
  ClientStatus,
  DesiredStatus,
  type DesiredTransition,
  type Job,
  type Node,
  type RescheduleTracker,
} from "@drover/model";

interface NewAllocation {
  readonly id: string;
  readonly evalId: string;
  readonly name: string;
  readonly group: string;
  readonly job: Job;
  readonly node: Node;
  readonly resources: AllocatedResources;
  readonly metric: AllocMetric;
  readonly previous: Allocation | null;
  readonly rescheduleTracker: RescheduleTracker | null;
  /** "" = outside any deployment. */
  readonly deploymentId: string;
  readonly isCanary: boolean;
  readonly phase: string;
  readonly now: number;
}

const NO_TRANSITION: DesiredTransition = {
  migrate: null,
  reschedule: null,
  forceReschedule: null,
  noShutdownDelay: null,
  migrateDisablePlacement: null,
};

export function newAllocation(options: NewAllocation): Allocation {
  const { job, node, now } = options;
  return {
    id: options.id,
    namespace: job.namespace,
    evalId: options.evalId,
    name: options.name,
    nodeId: node.id,
    nodeName: node.name,
    jobId: job.id,
    jobVersion: job.version,
    jobModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    taskGroup: options.group,
    allocatedResources: options.resources,
    metrics: options.metric,
    desiredStatus: DesiredStatus.run,
    desiredDescription: "",
    desiredTransition: { ...NO_TRANSITION },
    clientStatus: ClientStatus.pending,
    clientDescription: "",
    taskStates: {},
    allocStates: [],
    previousAllocation: options.previous?.id ?? "",
    nextAllocation: "",
    deploymentId: options.deploymentId,
    deploymentStatus: options.isCanary
      ? { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 }
      : null,
    rescheduleTracker: options.rescheduleTracker,
    networkStatus: null,
    followupEvalId: "",
    preemptedAllocations: [],
    preemptedByAllocation: "",
    phase: options.phase,
    prepared: false,
    serving: null,
    judgedIn: "",
    unseen: false,
    clientSeq: 0,
    unretryableError: "",
    createIndex: 0,
    modifyIndex: 0,
    allocModifyIndex: 0,
    createTime: now,
    modifyTime: now,
  };
}
