/**
 * Task events on the way out (spec chapter 1 §1.9.2): the display message is computed when it is
 * read, and the older one-member-per-kind fields are filled from the details.
 */
import { formatDuration } from "@drover/base";
import type { TaskEvent, TaskState } from "../cluster/allocation.ts";
import { encodeInstant } from "../schema/encode.ts";
import type { JsonObject } from "../schema/field.ts";

type Details = Readonly<Record<string, string>>;

/** What people read about an event: its own text, or one that its type and details give. */
export function displayMessage(event: TaskEvent): string {
  if (event.displayMessage !== "") return event.displayMessage;
  const derive = DERIVED[event.type];
  const text = derive === undefined ? "" : derive(event.details, event);
  return text !== "" ? text : event.message || (event.details.message ?? "");
}

type Derive = (details: Details, event: TaskEvent) => string;
const first = (key: string, otherwise: string): Derive => {
  return (details, event) => details[key] || event.message || otherwise;
};
const always = (text: string): Derive => {
  return () => text;
};

const DERIVED: Readonly<Record<string, Derive>> = {
  Received: always("Task received by client"),
  Started: always("Task started by client"),
  Terminated: terminatedText,
  Restarting: restartingText,
  "Not Restarting": first("restart_reason", "Task exceeded restart policy"),
  "Restart Signaled": first("restart_reason", "Task signaled to restart"),
  Killing: killingText,
  Killed: first("kill_error", "Task successfully killed"),
  "Driver Failure": first("driver_error", "Failed to start task"),
  Driver: first("driver_message", ""),
  "Setup Failure": first("setup_error", "Task setup failed"),
  "Failed Validation": first("validation_error", "Validation of task failed"),
  "Downloading Artifacts": always("Client is downloading artifacts"),
  "Failed Artifact Download": first("download_error", "Failed to download artifacts"),
  "Sibling Task Failed": (details) => {
    const sibling = details.failed_sibling;
    return sibling ? `Task's sibling ${JSON.stringify(sibling)} failed` : "Task's sibling failed";
  },
  Signaling: signalingText,
  "Leader Task Dead": always("Leader Task in Group dead"),
  "Main Tasks Dead": always("Main tasks in the group died"),
  Reconnected: always("Client reconnected"),
};

function terminatedText(details: Details, event: TaskEvent): string {
  let text = `Exit Code: ${details.exit_code ?? "0"}`;
  const signal = details.signal ?? "0";
  if (signal !== "0" && signal !== "") text += `, Signal: ${signal}`;
  const message = details.exit_message || event.message;
  return message === "" ? text : `${text}, Exit Message: ${JSON.stringify(message)}`;
}

function restartingText(details: Details): string {
  const text = `Task restarting in ${formatDuration(Number(details.start_delay ?? "0"))}`;
  const reason = details.restart_reason ?? "";
  return reason === "" || reason === "Restart within policy" ? text : `${reason} - ${text}`;
}

function killingText(details: Details): string {
  const reason = details.kill_reason;
  if (reason) return reason;
  const timeout = details.kill_timeout;
  return timeout ? `Sent interrupt. Waiting ${timeout} before force killing` : "Sent interrupt";
}

function signalingText(details: Details): string {
  const signal = details.task_signal;
  const reason = details.task_signal_reason;
  if (!signal && !reason) return "Task being sent a signal";
  const text = signal ? `Task being sent signal ${signal}` : "Task being sent a signal";
  return reason ? `${text}: ${reason}` : text;
}

/** `5s`-like text of `details` in nanoseconds; only whole units occur, as the client writes them. */
function killTimeoutNanos(details: Details): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(details.kill_timeout ?? "");
  if (match === null) return 0;
  const [, hours = "0", minutes = "0", seconds = "0"] = match;
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1e9);
}

function wireDetails(event: TaskEvent): Record<string, string> {
  if (event.message === "" || event.type === "Driver" || event.type === "Terminated") {
    return event.details;
  }
  return "message" in event.details ? event.details : { ...event.details, message: event.message };
}

export function taskEventToWire(event: TaskEvent): JsonObject {
  const d = event.details;
  const isDriver = event.type === "Driver";
  return {
    Details: wireDetails(event),
    DiskLimit: 0,
    DisplayMessage: displayMessage(event),
    DownloadError: d.download_error ?? "",
    DriverError: d.driver_error ?? "",
    DriverMessage: d.driver_message ?? (isDriver ? event.message || event.displayMessage : ""),
    ExitCode: Number(d.exit_code ?? 0),
    FailedSibling: d.failed_sibling ?? "",
    FailsTask: d.fails_task === "true",
    GenericSource: "",
    KillError: d.kill_error ?? "",
    KillReason: d.kill_reason ?? "",
    KillTimeout: killTimeoutNanos(d),
    Message: isDriver ? "" : event.message || (d.message ?? d.exit_message ?? ""),
    RestartReason: d.restart_reason ?? "",
    SetupError: d.setup_error ?? "",
    Signal: Number(event.type === "Terminated" ? (d.signal ?? 0) : 0),
    StartDelay: Number(d.start_delay ?? 0),
    TaskSignal: d.task_signal ?? "",
    TaskSignalReason: d.task_signal_reason ?? "",
    Time: Math.round(event.time * 1_000_000),
    Type: event.type,
    ValidationError: d.validation_error ?? "",
    VaultError: d.vault_error ?? "",
  };
}

export function taskStateToWire(state: TaskState): JsonObject {
  return {
    Events: state.events.length === 0 ? null : state.events.map(taskEventToWire),
    Failed: state.failed,
    FinishedAt: encodeInstant(state.finishedAt),
    LastRestart: encodeInstant(state.lastRestart),
    Paused: "",
    Restarts: state.restarts,
    StartedAt: encodeInstant(state.startedAt),
    State: state.state,
  };
}

/** null when no task has reported yet. */
export function taskStatesToWire(states: Readonly<Record<string, TaskState>>): JsonObject | null {
  let out: JsonObject | null = null;
  for (const name in states) {
    out ??= {};
    out[name] = taskStateToWire(states[name] as TaskState);
  }
  return out;
}
