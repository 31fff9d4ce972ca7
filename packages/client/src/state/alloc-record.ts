/**
 * What this node remembers of one allocation: one file, written whole before each external act.
 * Whatever a restarted agent needs in order to go on is here or can be derived from it.
 */
import { nanosToMs } from "@drover/base";
import type { Allocation, Job, Task, TaskGroup, TaskState } from "@drover/model";
import type { HealthTracking } from "../core/alloc-health.ts";
import { newTaskRun, type TaskRun } from "../core/task-run.ts";
import { type HealthVerdict, serversVerdict } from "../core/verdict.ts";

export type AllocStage =
  /** Make before break: pull and report, start nothing. */
  | { readonly kind: "preparing" }
  /** For the processes that still hold its ports. */
  | { readonly kind: "waiting" }
  | { readonly kind: "running" }
  /** Stop asked: services are being taken out of the catalog. */
  | { readonly kind: "leaving" }
  /** Its group's shutdown delay; what consumers need goes on beside it, and beside its tasks'. */
  | { readonly kind: "delaying"; readonly wakeAt: number; readonly graceUntil?: number }
  | { readonly kind: "stopping"; readonly graceUntil?: number }
  /** All tasks are dead and destroyed; only the report is left. */
  | { readonly kind: "done" };

export interface AllocRecord {
  readonly format: 1;
  readonly alloc: Allocation;
  readonly job: Job;
  readonly stage: AllocStage;
  readonly tasks: Readonly<Record<string, TaskRun>>;
  /** Number of the newest report; grows with every change that the servers should hear of. */
  readonly seq: number;
  readonly prepared: boolean;
  /** Image reference → digest. */
  readonly imageDigests: Readonly<Record<string, string>>;
  readonly verdict: HealthVerdict;
  /** null = health is not being tracked. */
  readonly tracking: HealthTracking | null;
  /** The catalog cannot be seen while its health is being decided. */
  readonly unseen: boolean;
  /** Its checks pass, as last seen; null = not looked at before its health is decided (H13). */
  readonly checksPass: boolean | null;
  /** The servers have forgotten it: stop, then forget as well. */
  readonly removed: boolean;
  /** When its tasks were allowed to begin, epoch ms; 0 = not yet. */
  readonly startedAt: number;
  /** Its job says that it must not run any longer: the reason; "" = it may. */
  readonly cutOff: string;
}

export function newAllocRecord(input: {
  readonly alloc: Allocation;
  readonly job: Job;
  readonly now: number;
}): AllocRecord {
  const { alloc, job, now } = input;
  const tasks: Record<string, TaskRun> = {};
  for (const task of groupOf(job, alloc).tasks) tasks[task.name] = newTaskRun(now);
  return {
    format: 1,
    alloc,
    job,
    stage: { kind: alloc.phase === "prepare" ? "preparing" : "waiting" },
    tasks,
    // A node that lost its files must not be ignored for counting from the start again.
    seq: alloc.clientSeq,
    prepared: alloc.prepared,
    imageDigests: {},
    verdict: serversVerdict(alloc),
    tracking: null,
    unseen: false,
    checksPass: null,
    removed: false,
    startedAt: 0,
    cutOff: "",
  };
}

/** An allocation always names a group of its job version; a missing one has no tasks. */
export function groupOf(job: Job, alloc: Allocation): TaskGroup {
  const group = job.taskGroups.find((g) => g.name === alloc.taskGroup);
  if (group === undefined) {
    throw new Error(`job ${job.id} version ${job.version} has no group ${alloc.taskGroup}`);
  }
  return group;
}

/** Its tasks with their states, in the order of its group. */
export function tasksOf(record: AllocRecord): { readonly task: Task; readonly state: TaskState }[] {
  return groupOf(record.job, record.alloc).tasks.flatMap((task) => {
    const run = record.tasks[task.name];
    return run === undefined ? [] : [{ task, state: run.state }];
  });
}

/** Whether it runs, or is about to run, this group of this version. */
export function runs(record: AllocRecord, version: { job: Job; group: string }): boolean {
  const { alloc, job } = record;
  return (
    alloc.taskGroup === version.group &&
    job.id === version.job.id &&
    job.namespace === version.job.namespace &&
    job.createIndex === version.job.createIndex &&
    job.version === version.job.version &&
    record.stage.kind !== "done" &&
    !isStopKnown(record)
  );
}

/** Nothing that happens to its tasks from now on says anything about its version. */
export function isStopKnown(record: AllocRecord): boolean {
  return record.removed || record.cutOff !== "" || record.alloc.desiredStatus !== "run";
}

/** Epoch ms at which its group's `max_run_duration` is over; Infinity = no limit. */
export function runsUntil(record: AllocRecord): number {
  const limit = groupOf(record.job, record.alloc).maxRunDuration;
  if (limit === null || limit === 0 || record.startedAt === 0) return Number.POSITIVE_INFINITY;
  return record.startedAt + nanosToMs(limit);
}

/** How long it may go on without a server, ms; Infinity = for ever. */
export function runsDetachedMs(record: AllocRecord): number {
  const group = groupOf(record.job, record.alloc);
  const limit = group.disconnect?.stopOnClientAfter ?? group.stopAfterClientDisconnect;
  return limit === null ? Number.POSITIVE_INFINITY : nanosToMs(limit);
}
