/** The job that whole-server tests roll out: tasks that need no image, one replaced at a time. */
import { SECOND } from "@drover/base";
import type { Job, TaskGroup, UpdateStrategy } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { Rollout } from "./rollout.ts";

export const PROGRESS_MS = 60_000;

export interface WebShape {
  readonly count?: number;
  readonly image?: string;
  readonly update?: Partial<UpdateStrategy>;
  readonly group?: Partial<TaskGroup>;
}

/** Three tasks, one replaced at a time, within a minute each. */
export function webJob({ count = 3, image = "1", update = {}, group = {} }: WebShape = {}): Job {
  const made = mockTaskGroup({
    name: "web",
    count,
    tasks: [mockTask({ driver: "mock_driver", config: { image } })],
    ...group,
  });
  if (made.update === null) throw new Error("a group without an update strategy");
  const progressDeadline = (PROGRESS_MS / 1_000) * SECOND;
  const base = { ...made.update, maxParallel: 1, progressDeadline, autoRevert: false };
  return mockJob({ id: "web", taskGroups: [{ ...made, update: { ...base, ...update } }] });
}

/** Three nodes; version 0 runs on them, is healthy and stable. */
export async function runningWeb(shape: WebShape = {}): Promise<Rollout> {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" }, { name: "c" });
  await rollout.register(webJob(shape));
  await rollout.playOut();
  const { status } = rollout.deployment();
  if (status !== "successful") throw new Error(`version 0 is ${status}`);
  return rollout;
}
