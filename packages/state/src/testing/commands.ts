/** Bodies of common commands for tests. */
import type { Job, Plan } from "@drover/model";
import { mockEval, mockId } from "@drover/model/testing";
import { CommandTag, type JobRegister } from "../commands/command.ts";
import type { CommandBody } from "./harness.ts";

type RegisterBody = Extract<CommandBody, { tag: typeof CommandTag.jobRegister }>;

export function jobRegister(job: Job, overrides: Partial<JobRegister> = {}): RegisterBody {
  return {
    tag: CommandTag.jobRegister,
    job,
    submission: null,
    enforceIndex: null,
    preserveCounts: false,
    preserveResources: false,
    evaluation: mockEval({ id: mockId(`eval ${job.id} ${job.version}`), jobId: job.id }),
    alwaysNewVersion: false,
    enforcePriorVersion: null,
    ...overrides,
  };
}

export function emptyPlan(job: Job, overrides: Partial<Plan> = {}): Plan {
  return {
    id: mockId(`plan ${job.id} ${job.version}`),
    evalId: mockId(`eval ${job.id} ${job.version}`),
    priority: job.priority,
    namespace: job.namespace,
    jobId: job.id,
    jobVersion: job.version,
    allAtOnce: false,
    snapshotIndex: 0,
    stops: [],
    placements: [],
    attributeUpdates: [],
    deployment: null,
    deploymentUpdates: [],
    annotations: null,
    ...overrides,
  };
}
