/**
 * The lines of a task's history (spec chapter 1 §1.9.2). Each carries the details that API clients
 * know and the text that is shown for them, so that no reader has to derive it again.
 */
import { formatDuration, msToNanos } from "@drover/base";
import type { TaskEvent } from "@drover/model";

export const EVENTS_MAX = 10;

type Details = Record<string, string>;

function event(type: string, now: number, text: string, details: Details = {}): TaskEvent {
  return { type, time: now, message: "", displayMessage: text, details };
}

function duration(ms: number): string {
  return formatDuration(msToNanos(ms));
}

/** Appends and keeps the newest ten. */
export function withEvents(
  events: readonly TaskEvent[],
  ...added: readonly TaskEvent[]
): TaskEvent[] {
  return [...events, ...added].slice(-EVENTS_MAX);
}

export function received(now: number): TaskEvent {
  return event("Received", now, "Task received by client");
}

export function taskSetup(now: number): TaskEvent {
  const text = "Building Task Directory";
  return { ...event("Task Setup", now, text, { message: text }), message: text };
}

export function started(now: number): TaskEvent {
  return event("Started", now, "Task started by client");
}

export function terminated(
  now: number,
  exit: {
    readonly exitCode: number;
    readonly signal: number;
    readonly oomKilled: boolean;
    readonly error: string;
    readonly message?: string;
  },
): TaskEvent {
  const message = exit.message ?? exit.error;
  let text = `Exit Code: ${exit.exitCode}`;
  if (exit.signal !== 0) text += `, Signal: ${exit.signal}`;
  if (message !== "") text += `, Exit Message: ${JSON.stringify(message)}`;
  const details: Details = {
    exit_code: String(exit.exitCode),
    signal: String(exit.signal),
    oom_killed: String(exit.oomKilled),
  };
  if (message !== "") details.exit_message = message;
  return event("Terminated", now, text, details);
}

export function restarting(now: number, reason: string, delayMs: number): TaskEvent {
  const base = `Task restarting in ${duration(delayMs)}`;
  const text = reason === "" || reason === WITHIN_POLICY ? base : `${reason} - ${base}`;
  return event("Restarting", now, text, {
    restart_reason: reason,
    start_delay: String(msToNanos(delayMs)),
  });
}

export const WITHIN_POLICY = "Restart within policy";

export function notRestarting(now: number, reason: string): TaskEvent {
  const text = reason === "" ? "Task exceeded restart policy" : reason;
  return event("Not Restarting", now, text, { restart_reason: reason, fails_task: "true" });
}

export function restartSignaled(now: number, reason: string): TaskEvent {
  const text = reason === "" ? "Task signaled to restart" : reason;
  return event("Restart Signaled", now, text, { restart_reason: reason });
}

export function killing(now: number, timeoutMs: number, reason = ""): TaskEvent {
  const text =
    reason === "" ? `Sent interrupt. Waiting ${duration(timeoutMs)} before force killing` : reason;
  return event("Killing", now, text, { kill_timeout: duration(timeoutMs) });
}

export function killed(now: number): TaskEvent {
  return event("Killed", now, "Task successfully killed");
}

export function driverFailure(now: number, message: string): TaskEvent {
  const text = message === "" ? "Failed to start task" : message;
  return event("Driver Failure", now, text, { driver_error: message });
}

export function driverMessage(now: number, message: string, details: Details): TaskEvent {
  return event("Driver", now, message, { ...details, driver_message: message });
}

export function setupFailure(now: number, message: string): TaskEvent {
  const text = message === "" ? "Task setup failed" : message;
  return event("Setup Failure", now, text, { setup_error: message, fails_task: "true" });
}

export function siblingFailed(now: number, sibling: string): TaskEvent {
  const text = `Task's sibling ${JSON.stringify(sibling)} failed`;
  return event("Sibling Task Failed", now, text, { failed_sibling: sibling });
}

export function leaderDead(now: number): TaskEvent {
  return event("Leader Task Dead", now, "Leader Task in Group dead");
}

export function mainDead(now: number): TaskEvent {
  return event("Main Tasks Dead", now, "Main tasks in the group died");
}

export function signaling(now: number, signal: string): TaskEvent {
  const text = signal === "" ? "Task being sent a signal" : `Task being sent signal ${signal}`;
  return event("Signaling", now, text, { signal });
}

export function shutdownDelay(now: number, delayMs: number, skipped: boolean): TaskEvent {
  const text = skipped
    ? "Skipping shutdown delay"
    : `Waiting for shutdown delay of ${duration(delayMs)} before killing the task.`;
  const type = skipped ? "Skipping shutdown delay" : "Waiting for shutdown delay";
  return { ...event(type, now, text, { message: text }), message: text };
}

export function deregisterUnconfirmed(now: number, services: readonly string[]): TaskEvent {
  const text = `Services not confirmed gone from the catalog: ${services.join(", ")}`;
  return { ...event("Deregister Unconfirmed", now, text), message: text };
}

export function allocUnhealthy(now: number, message: string): TaskEvent {
  return { ...event("Alloc Unhealthy", now, message, { message }), message };
}
