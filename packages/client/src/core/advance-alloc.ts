/**
 * The allocation runner's decisions: (record, context) → record. Level-triggered: it looks at the
 * whole record, so it may be called after any change and any restart, and answers the same record
 * when there is nothing to do.
 *
 *   preparing → waiting → running ─────────────────────────┐
 *        └─────────┴─────────┴─stop→ leaving → delaying → stopping → done
 */
import { assert, nanosToMs, type Random } from "@drover/base";
import type { Task, TaskEvent } from "@drover/model";
import { type AllocRecord, type AllocStage, groupOf, isStopKnown } from "../state/alloc-record.ts";
import { startTracking } from "./alloc-health.ts";
import { coordinateTasks, isFinished, type KillCause } from "./coordinate-tasks.ts";
import { healthRules } from "./health-rules.ts";
import { nextTaskRun, type TaskContext } from "./next-task-action.ts";
import * as events from "./task-events.ts";
import { isDead, type TaskInput, type TaskRun } from "./task-run.ts";

export interface AllocContext {
  readonly now: number;
  readonly random: Random;
  readonly maxKillTimeoutMs: number;
}

export function advanceAlloc(record: AllocRecord, ctx: AllocContext): AllocRecord {
  let next = moveStage(record);
  // Each pass opens or kills at least one task, and no task goes backwards.
  const passesMax = 2 * Object.keys(next.tasks).length + 2;
  for (let pass = 0; ; pass++) {
    assert(pass <= passesMax, "coordinating an allocation's tasks comes to rest");
    const moved = coordinate(next, ctx);
    if (moved === next) break;
    next = moved;
  }
  return finish(next, ctx);
}

/** One input for one task. */
export function stepTask(
  record: AllocRecord,
  task: Task,
  input: TaskInput,
  ctx: AllocContext,
): AllocRecord {
  const run = record.tasks[task.name];
  if (run === undefined) return record;
  const next = nextTaskRun(run, input, taskContext(record, task, ctx));
  return next === run ? record : withTask(record, task.name, next);
}

/** The ports are ours: begin. */
export function portsClaimed(record: AllocRecord, ctx: AllocContext): AllocRecord {
  if (record.stage.kind !== "waiting") return record;
  const begun: AllocRecord = { ...record, stage: { kind: "running" }, startedAt: ctx.now };
  return resetTracking(begun, ctx.now);
}

/** Stops it on the word of its own job. */
export function cutOff(record: AllocRecord, reason: string): AllocRecord {
  return record.cutOff === "" && record.stage.kind !== "done"
    ? { ...record, cutOff: reason }
    : record;
}

/**
 * The catalog no longer shows the allocation; `graceMs` is what its consumers still need. It is left
 * to the tasks, because their own delays are there for the same purpose and run beside it (T7).
 */
export function servicesGone(record: AllocRecord, graceMs: number, ctx: AllocContext): AllocRecord {
  if (record.stage.kind !== "leaving") return record;
  const group = groupOf(record.job, record.alloc);
  const delayMs = skipsDelay(record) ? 0 : nanosToMs(group.shutdownDelay ?? 0);
  const graceUntil = ctx.now + graceMs;
  const stage: AllocStage =
    delayMs === 0
      ? { kind: "stopping", graceUntil }
      : { kind: "delaying", wakeAt: ctx.now + delayMs, graceUntil };
  return { ...record, stage };
}

export function delayOver(record: AllocRecord, ctx: AllocContext): AllocRecord {
  const stage = record.stage;
  if (stage.kind !== "delaying" || ctx.now < stage.wakeAt) return record;
  const { graceUntil = 0 } = stage;
  return { ...record, stage: { kind: "stopping", graceUntil } };
}

/** Everything is there to start; the servers may now stop what this allocation replaces. */
export function prepared(record: AllocRecord): AllocRecord {
  return record.prepared ? record : { ...record, prepared: true };
}

/** What images resolved to on this node. */
export function withDigests(
  record: AllocRecord,
  digests: Readonly<Record<string, string>>,
): AllocRecord {
  const known = Object.entries(digests).every(([ref, d]) => record.imageDigests[ref] === d);
  return known ? record : { ...record, imageDigests: { ...record.imageDigests, ...digests } };
}

/** An error that names the version: the allocation fails without having started anything. */
export function prepareFailed(
  record: AllocRecord,
  task: Task,
  message: string,
  ctx: AllocContext,
): AllocRecord {
  if (record.stage.kind !== "preparing") return record;
  const opened = stepTask(record, task, { kind: "open" }, ctx);
  const failed = stepTask(
    opened,
    task,
    { kind: "setupFailed", message, retryable: false, event: "Driver Failure" },
    ctx,
  );
  return { ...failed, stage: { kind: "stopping" } };
}

/**
 * Tracking begins with the pull, so that an image that never comes makes the allocation unhealthy;
 * anew when the tasks may start, and with each deployment. Waiting for another one's ports is free.
 */
export function resetTracking(record: AllocRecord, now: number): AllocRecord {
  const started = record.stage.kind === "running" || record.stage.kind === "preparing";
  const decided = record.verdict.healthy !== null;
  const rules = healthRules(record.alloc, record.job, groupOf(record.job, record.alloc));
  const tracked = started && !decided && rules !== null;
  return { ...record, tracking: tracked ? startTracking(now) : null };
}

export function skipsDelay(record: AllocRecord): boolean {
  return record.alloc.desiredTransition.noShutdownDelay === true;
}

function moveStage(record: AllocRecord): AllocRecord {
  const kind = record.stage.kind;
  const early = kind === "preparing" || kind === "waiting" || kind === "running";
  if (early && isStopKnown(record)) {
    const idle = Object.values(record.tasks).every((run) => run.phase.kind === "blocked");
    return { ...record, tracking: null, stage: { kind: idle ? "stopping" : "leaving" } };
  }
  if (kind === "preparing" && record.alloc.phase !== "prepare") {
    return { ...record, stage: { kind: "waiting" }, tracking: null };
  }
  return record;
}

function coordinate(record: AllocRecord, ctx: AllocContext): AllocRecord {
  const { stage } = record;
  if (stage.kind !== "running" && stage.kind !== "stopping") return record;
  const tasks = groupOf(record.job, record.alloc).tasks;
  const plan = coordinateTasks({ tasks, runs: record.tasks, stop: stage.kind === "stopping" });
  const graceUntil = stage.kind === "stopping" ? (stage.graceUntil ?? 0) : 0;
  let next = record;
  for (const task of tasks) {
    if (plan.open.includes(task.name)) next = stepTask(next, task, { kind: "open" }, ctx);
    if (!plan.kill.includes(task.name) || plan.cause === null) continue;
    const input: TaskInput = {
      kind: "end",
      ending: { kind: "kill", skipDelay: skipsDelay(record), graceUntil },
      event: causeEvent(plan.cause, ctx.now),
    };
    next = stepTask(next, task, input, ctx);
  }
  return next;
}

function causeEvent(cause: KillCause, now: number): TaskEvent | null {
  switch (cause.kind) {
    case "stop":
      return null;
    case "siblingFailed":
      return events.siblingFailed(now, cause.sibling);
    case "leaderDead":
      return events.leaderDead(now);
    case "mainDead":
      return events.mainDead(now);
  }
}

function finish(record: AllocRecord, ctx: AllocContext): AllocRecord {
  const kind = record.stage.kind;
  if (kind !== "running" && kind !== "stopping") return record;
  const tasks = groupOf(record.job, record.alloc).tasks;
  if (!isFinished({ tasks, runs: record.tasks })) return record;
  let next = record;
  for (const task of tasks) {
    const run = next.tasks[task.name];
    if (run === undefined || isDead(run)) continue;
    const ending = { kind: "kill", skipDelay: true } as const;
    next = stepTask(next, task, { kind: "end", ending, event: null }, ctx);
  }
  const gone = Object.values(next.tasks).every(
    (run) => run.phase.kind === "dead" && run.phase.destroyed,
  );
  return gone ? { ...next, stage: { kind: "done" } } : next;
}

function withTask(record: AllocRecord, name: string, run: TaskRun): AllocRecord {
  return { ...record, tasks: { ...record.tasks, [name]: run } };
}

function taskContext(record: AllocRecord, task: Task, ctx: AllocContext): TaskContext {
  return { ...ctx, task, jobType: record.job.type };
}
