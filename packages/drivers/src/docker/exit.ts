/**
 * Waits for a container's end. The engine's own wait call breaks when the daemon goes away, so
 * the truth is always what `inspect` says once the daemon answers again (DESIGN §9).
 */
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import type { TaskExit } from "../task-driver.ts";
import { type DockerEngine, readAll } from "./engine.ts";
import { isUnreachable, statusOf } from "./errors.ts";

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
const SIGNAL_BASE = 128;

/** Rejects when `signal` is aborted. */
export async function waitForExit(
  engine: DockerEngine,
  containerId: string,
  signal: AbortSignal,
): Promise<TaskExit> {
  let outage = false;
  let backoffMs = RETRY_MIN_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const info = await engine.call((d) => d.getContainer(containerId).inspect());
      backoffMs = RETRY_MIN_MS;
      if (isOver(info.State)) return exitOf(info.State, outage);
      // The daemon is back and the container outlived its absence.
      outage = false;
      await waitCall(engine, containerId, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (statusOf(error) === 404) return goneExit(outage);
      if (statusOf(error) === 0 && !isUnreachable(error)) throw error;
      outage = true;
      await delay(backoffMs, undefined, { signal });
      backoffMs = Math.min(backoffMs * 2, RETRY_MAX_MS);
    }
  }
}

async function waitCall(engine: DockerEngine, id: string, signal: AbortSignal): Promise<void> {
  const path = `/containers/${id}/wait`;
  await readAll(await engine.stream({ method: "POST", path, signal }));
}

type State = Docker.ContainerInspectInfo["State"];

export function isOver(state: State): boolean {
  return !state.Running && !state.Restarting && state.Status !== "created";
}

/** Shape of a finished container's state, as the task's exit. */
function exitOf(state: State, duringOutage: boolean): TaskExit {
  const code = state.ExitCode;
  const finishedAt = Date.parse(state.FinishedAt);
  const base = {
    exitCode: code,
    signal: code > SIGNAL_BASE && code < SIGNAL_BASE + 65 ? code - SIGNAL_BASE : 0,
    oomKilled: state.OOMKilled,
    error: "",
    finishedAt: Number.isFinite(finishedAt) && finishedAt > 0 ? finishedAt : Date.now(),
    message: exitMessage(state),
  };
  return duringOutage ? { ...base, duringOutage } : base;
}

function exitMessage(state: State): string {
  if (state.OOMKilled) return "OOM Killed";
  if (state.ExitCode === 0) return "";
  return `Docker container exited with non-zero exit code: ${state.ExitCode}`;
}

function goneExit(duringOutage: boolean): TaskExit {
  const error = "the container was removed outside of Drover";
  const base = { exitCode: 0, signal: 0, oomKilled: false, error, finishedAt: Date.now() };
  return duringOutage ? { ...base, duringOutage } : base;
}
