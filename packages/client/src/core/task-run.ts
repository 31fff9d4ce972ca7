/**
 * The stored state of one task on this node, and what moves it. See `next-task-action.ts` for the
 * transitions. Every phase implies exactly one external act, so a restarted agent only has to
 * repeat the act of the phase it finds on disk.
 *
 *   blocked ─open→ setup ─ready→ starting ─started→ running ─end→ leaving → delaying → signalling
 *                    ↑                                 │ exited                            │ exited
 *                    └──────── backoff ←──── restart ──┴───────────────→ dead ←────────────┘
 */
import type { TaskExit, TaskHandle } from "@drover/drivers";
import type { TaskEvent, TaskState } from "@drover/model";
import { NO_RESTARTS, type RestartWindow } from "./restart-policy.ts";
import { received, withEvents } from "./task-events.ts";

/** Why a task is being brought down. */
export type Ending =
  /** For good: the allocation stops, a sibling failed, the leader is dead. */
  | {
      readonly kind: "kill";
      readonly skipDelay: boolean;
      /** Epoch ms until which consumers may still come; left out = nobody does. */
      readonly graceUntil?: number;
    }
  /** The process only; `counts` puts it through the restart policy. */
  | { readonly kind: "restart"; readonly counts: boolean; readonly reason: string };

export type TaskPhase =
  | { readonly kind: "blocked" }
  | { readonly kind: "setup"; readonly ending: Ending | null }
  | { readonly kind: "starting"; readonly ending: Ending | null }
  | { readonly kind: "running"; readonly handle: TaskHandle }
  | { readonly kind: "leaving"; readonly handle: TaskHandle; readonly ending: Ending }
  | {
      readonly kind: "delaying";
      readonly handle: TaskHandle;
      readonly ending: Ending;
      readonly wakeAt: number;
    }
  | { readonly kind: "signalling"; readonly handle: TaskHandle; readonly ending: Ending }
  | { readonly kind: "backoff"; readonly wakeAt: number }
  | { readonly kind: "dead"; readonly destroyed: boolean };

export interface TaskRun {
  readonly phase: TaskPhase;
  /** As the API shows it. */
  readonly state: TaskState;
  readonly window: RestartWindow;
  /** An error that names the version and is not retried; "" = none. */
  readonly unretryable: string;
}

export type TaskInput =
  /** The lifecycle allows the task to begin. */
  | { readonly kind: "open" }
  | { readonly kind: "ready" }
  | {
      readonly kind: "setupFailed" | "startFailed";
      readonly message: string;
      readonly retryable: boolean;
      readonly event: "Driver Failure" | "Setup Failure";
    }
  | { readonly kind: "started"; readonly handle: TaskHandle }
  | { readonly kind: "exited"; readonly exit: TaskExit }
  | { readonly kind: "end"; readonly ending: Ending; readonly event: TaskEvent | null }
  /** Services are gone from the catalog; `graceMs` is what consumers still need. */
  | { readonly kind: "left"; readonly graceMs: number }
  | { readonly kind: "woke" }
  | { readonly kind: "destroyed" }
  | { readonly kind: "noted"; readonly event: TaskEvent };

/** What the loop has to do in a phase. */
export type TaskAction =
  | { readonly kind: "none" }
  | { readonly kind: "setup" }
  | { readonly kind: "start" }
  | { readonly kind: "leave"; readonly handle: TaskHandle }
  | { readonly kind: "wait"; readonly until: number }
  | { readonly kind: "stop"; readonly handle: TaskHandle }
  | { readonly kind: "destroy" };

export function newTaskRun(now: number): TaskRun {
  return {
    phase: { kind: "blocked" },
    state: {
      state: "pending",
      failed: false,
      restarts: 0,
      lastRestart: 0,
      startedAt: 0,
      finishedAt: 0,
      events: withEvents([], received(now)),
    },
    window: NO_RESTARTS,
    unretryable: "",
  };
}

/** The process that may be alive in this phase. */
export function handleOf(run: TaskRun): TaskHandle | null {
  const phase = run.phase;
  return "handle" in phase ? phase.handle : null;
}

/** The process that ran in `before` has ended, and its successor runs, or none is under way. */
export function isReplaced(
  before: TaskRun | undefined,
  run: TaskRun | undefined,
  now: number,
): boolean {
  const old = before ? handleOf(before) : null;
  if (old === null || run === undefined) return true;
  const { phase } = run;
  // A restart that somebody asked for has no delay (T6) and passes through its backoff at once.
  if (phase.kind === "backoff") return phase.wakeAt > now;
  return handleOf(run) !== old && phase.kind !== "setup" && phase.kind !== "starting";
}

export function isDead(run: TaskRun): boolean {
  return run.phase.kind === "dead";
}

/** It has been asked to go down for good. */
export function isKilled(run: TaskRun): boolean {
  const phase = run.phase;
  if (phase.kind === "dead") return true;
  return "ending" in phase && phase.ending?.kind === "kill";
}
