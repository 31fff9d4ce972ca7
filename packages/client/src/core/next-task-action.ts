/**
 * The task runner's decisions: (run, input, context) → next run, and the action that a run implies.
 * Synchronous, without clock or I/O; `runner/task-loop.ts` performs the actions and feeds results
 * back. An input that means nothing in a phase leaves the run as it is (the same object), because
 * results of acts that were overtaken may arrive late.
 */
import { nanosToMs, type Random, unreachable } from "@drover/base";
import type { TaskExit, TaskHandle } from "@drover/drivers";
import type { JobType, Task, TaskEvent, TaskState } from "@drover/model";
import { decideRestart, type TaskEnd } from "./restart-policy.ts";
import * as events from "./task-events.ts";
import type { Ending, TaskAction, TaskInput, TaskPhase, TaskRun } from "./task-run.ts";

export interface TaskContext {
  readonly now: number;
  readonly random: Random;
  readonly task: Task;
  readonly jobType: JobType | string;
  readonly maxKillTimeoutMs: number;
}

export function taskAction(run: TaskRun): TaskAction {
  const phase = run.phase;
  switch (phase.kind) {
    case "blocked":
    case "running":
      return { kind: "none" };
    case "setup":
      return { kind: "setup" };
    case "starting":
      return { kind: "start" };
    case "leaving":
      return { kind: "leave", handle: phase.handle };
    case "delaying":
    case "backoff":
      return { kind: "wait", until: phase.wakeAt };
    case "signalling":
      return { kind: "stop", handle: phase.handle };
    case "dead":
      return phase.destroyed ? { kind: "none" } : { kind: "destroy" };
    default:
      return unreachable(phase);
  }
}

export function nextTaskRun(run: TaskRun, input: TaskInput, ctx: TaskContext): TaskRun {
  switch (input.kind) {
    case "open":
      return run.phase.kind === "blocked" ? begin(run, ctx) : run;
    case "ready":
      return setupDone(run, ctx);
    case "setupFailed":
    case "startFailed":
      return failedToStart(run, input, ctx);
    case "started":
      return processStarted(run, input.handle, ctx);
    case "exited":
      return processExited(run, input.exit, ctx);
    case "end":
      return bringDown(run, input.ending, input.event, ctx);
    case "left":
      return servicesGone(run, input.graceMs, ctx);
    case "woke":
      return woke(run, ctx);
    case "destroyed":
      return run.phase.kind === "dead" ? { ...run, phase: { kind: "dead", destroyed: true } } : run;
    case "noted":
      return note(run, input.event);
    default:
      return unreachable(input);
  }
}

/** min(kill_timeout, what the agent allows). */
export function killTimeoutMs(task: Task, maxMs: number): number {
  return Math.min(nanosToMs(task.killTimeout), maxMs);
}

function note(run: TaskRun, ...added: readonly TaskEvent[]): TaskRun {
  return { ...run, state: { ...run.state, events: events.withEvents(run.state.events, ...added) } };
}

function moved(run: TaskRun, phase: TaskPhase, state: Partial<TaskState> = {}): TaskRun {
  return { ...run, phase, state: { ...run.state, ...state } };
}

function begin(run: TaskRun, ctx: TaskContext): TaskRun {
  return note(moved(run, { kind: "setup", ending: null }), events.taskSetup(ctx.now));
}

function setupDone(run: TaskRun, ctx: TaskContext): TaskRun {
  if (run.phase.kind !== "setup") return run;
  const ending = run.phase.ending;
  if (ending?.kind === "kill") return dead(run, false, ctx);
  return moved(run, { kind: "starting", ending });
}

function processStarted(run: TaskRun, handle: TaskHandle, ctx: TaskContext): TaskRun {
  if (run.phase.kind !== "starting") return run;
  const ending = run.phase.ending;
  const startedAt = ctx.now;
  const live = note(
    moved(run, { kind: "running", handle }, { state: "running", startedAt, finishedAt: 0 }),
    events.started(ctx.now),
  );
  return ending?.kind === "kill" ? bringDown(live, ending, null, ctx) : live;
}

function failedToStart(
  run: TaskRun,
  input: { message: string; retryable: boolean; event: "Driver Failure" | "Setup Failure" },
  ctx: TaskContext,
): TaskRun {
  const phase = run.phase;
  if (phase.kind !== "setup" && phase.kind !== "starting") return run;
  const line =
    input.event === "Driver Failure"
      ? events.driverFailure(ctx.now, input.message)
      : events.setupFailure(ctx.now, input.message);
  const noted = note(run, line);
  if (phase.ending?.kind === "kill") return dead(noted, false, ctx);
  if (!input.retryable) {
    const named = { ...noted, unretryable: input.message };
    return ended(named, { cause: "unrecoverable", success: false }, ctx);
  }
  return ended(noted, { cause: "startError", success: false }, ctx);
}

function processExited(run: TaskRun, exit: TaskExit, ctx: TaskContext): TaskRun {
  const phase = run.phase;
  if (!("handle" in phase)) return run;
  const noted = note(run, events.terminated(ctx.now, exit));
  const success = exit.exitCode === 0 && exit.signal === 0 && exit.error === "";
  if (phase.kind === "running") {
    // The daemon's fault, not the task's: start again without counting it.
    if (exit.duringOutage === true) return restartNow(noted, ctx);
    return ended(noted, { cause: "exit", success }, ctx);
  }
  if (phase.ending.kind === "kill") return dead(note(noted, events.killed(ctx.now)), false, ctx);
  const cause = phase.ending.counts ? "failureRestart" : "userRestart";
  return ended(noted, { cause, success: false }, ctx);
}

function restartNow(run: TaskRun, ctx: TaskContext): TaskRun {
  return ended(run, { cause: "userRestart", success: false }, ctx);
}

/** The task has no process: restart it, or leave it dead. */
function ended(run: TaskRun, end: TaskEnd, ctx: TaskContext): TaskRun {
  const decision = decideRestart(ctx.task.restartPolicy, run.window, end, {
    now: ctx.now,
    random: ctx.random,
    restartOnSuccess: restartsOnSuccess(ctx),
  });
  switch (decision.kind) {
    case "terminated":
      return dead(run, false, ctx);
    case "fail":
      return dead(note(run, events.notRestarting(ctx.now, decision.reason)), true, ctx);
    case "restart":
      return note(
        {
          ...moved(
            run,
            { kind: "backoff", wakeAt: ctx.now + decision.delayMs },
            { state: "pending", restarts: run.state.restarts + 1, lastRestart: ctx.now },
          ),
          window: decision.window,
        },
        events.restarting(ctx.now, decision.reason, decision.delayMs),
      );
    default:
      return unreachable(decision);
  }
}

function dead(run: TaskRun, failed: boolean, ctx: TaskContext): TaskRun {
  return moved(
    run,
    { kind: "dead", destroyed: false },
    { state: "dead", failed, finishedAt: ctx.now },
  );
}

/** Batch work, one-shot hooks and poststop tasks end with exit code 0; the rest is meant to run. */
function restartsOnSuccess(ctx: TaskContext): boolean {
  if (ctx.jobType === "batch" || ctx.jobType === "sysbatch") return false;
  const lifecycle = ctx.task.lifecycle;
  if (lifecycle === null || lifecycle.hook === "") return true;
  return lifecycle.hook !== "poststop" && lifecycle.sidecar;
}

function bringDown(
  run: TaskRun,
  ending: Ending,
  cause: TaskEvent | null,
  ctx: TaskContext,
): TaskRun {
  const phase = run.phase;
  if (phase.kind === "dead") return run;
  if (ending.kind === "restart" && phase.kind !== "running") return run;
  const noted = cause === null ? run : note(run, cause);
  switch (phase.kind) {
    case "blocked":
    case "backoff":
      return dead(noted, false, ctx);
    case "setup":
    case "starting":
      return moved(noted, { ...phase, ending });
    case "running":
      return moved(noted, { kind: "leaving", handle: phase.handle, ending });
    case "delaying":
      if (phase.ending.kind === "kill") return run;
      return moved(noted, { ...phase, ending, wakeAt: Math.max(phase.wakeAt, graceEnd(ending)) });
    default:
      return phase.ending.kind === "kill" ? run : moved(noted, { ...phase, ending });
  }
}

/** When the last consumers have heard that the whole allocation is going; 0 = it is not. */
function graceEnd(ending: Ending): number {
  return ending.kind === "kill" ? (ending.graceUntil ?? 0) : 0;
}

function servicesGone(run: TaskRun, graceMs: number, ctx: TaskContext): TaskRun {
  const phase = run.phase;
  if (phase.kind !== "leaving") return run;
  const delayMs = nanosToMs(ctx.task.shutdownDelay);
  const skip = phase.ending.kind === "kill" && phase.ending.skipDelay;
  const lines =
    delayMs > 0 && phase.ending.kind === "kill"
      ? [events.shutdownDelay(ctx.now, delayMs, skip)]
      : [];
  const noted = note(run, ...lines);
  // The grace for consumers and the shutdown delay serve the same purpose and run together.
  const waitMs = Math.max(graceMs, skip || phase.ending.kind === "restart" ? 0 : delayMs);
  const wakeAt = Math.max(ctx.now + waitMs, graceEnd(phase.ending));
  if (wakeAt <= ctx.now) return signal(noted, phase, ctx);
  return moved(noted, { ...phase, kind: "delaying", wakeAt });
}

function signal(
  run: TaskRun,
  phase: { handle: TaskHandle; ending: Ending },
  ctx: TaskContext,
): TaskRun {
  const next = moved(run, { kind: "signalling", handle: phase.handle, ending: phase.ending });
  if (phase.ending.kind !== "kill") return next;
  return note(next, events.killing(ctx.now, killTimeoutMs(ctx.task, ctx.maxKillTimeoutMs)));
}

function woke(run: TaskRun, ctx: TaskContext): TaskRun {
  const phase = run.phase;
  if (phase.kind === "backoff") {
    return ctx.now >= phase.wakeAt ? moved(run, { kind: "setup", ending: null }) : run;
  }
  if (phase.kind === "delaying" && ctx.now >= phase.wakeAt) return signal(run, phase, ctx);
  return run;
}
