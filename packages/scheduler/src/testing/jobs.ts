/** Jobs that tests vary: one group `web` of `mock_driver` tasks, or of docker tasks. */
import { MINUTE, SECOND } from "@drover/base";
import type { Job, TaskGroup, UpdateStrategy } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";

export interface RollingOptions {
  readonly id?: string;
  readonly count?: number;
  /** A different one is a destructive change. */
  readonly image?: string;
  readonly driver?: "mock_driver" | "docker";
  readonly update?: Partial<UpdateStrategy> | null;
  readonly group?: Partial<TaskGroup>;
  readonly job?: Partial<Job>;
}

/** Its nodes are waited for, and it is replaced meanwhile. */
export const PATIENT = {
  lostAfter: 5 * MINUTE,
  stopOnClientAfter: null,
  replace: true,
  reconcile: "keep_original",
} as const;

/** A policy under which what fails is replaced in the next evaluation. */
export const RESCHEDULED_AT_ONCE = {
  attempts: 0,
  interval: 0,
  delay: 0,
  delayFunction: "constant",
  maxDelay: 0,
  unlimited: true,
};

/** Count 6, max_parallel 2: the job of the worked examples (spec §3.15). */
export function rollingJob(options: RollingOptions = {}): Job {
  const { count = 6, driver = "mock_driver", id = "example", image = "1" } = options;
  return mockJob({
    id,
    taskGroups: [rollingGroup({ ...options, count, driver, image })],
    ...options.job,
  });
}

export function rollingGroup(options: RollingOptions & { readonly name?: string } = {}): TaskGroup {
  const { count = 6, driver = "mock_driver", image = "1", name = "web" } = options;
  const base = mockTaskGroup({ name }).update;
  const update =
    options.update === null || base === null
      ? null
      : { ...base, maxParallel: 2, minHealthyTime: 10 * SECOND, ...options.update };
  const task = mockTask({ driver, config: { image } });
  return mockTaskGroup({ name, count, update, tasks: [task], ...options.group });
}
