/**
 * The process between the agent and one command. It outlives the agent, so that the command's
 * exit code and output are not lost when the agent is killed or upgraded; it ends with the command.
 *
 *   start -> state.json {executor} -> spawn -> state.json {task} -> exit -> state.json {exit}
 *
 * The first answer goes to file descriptor 3 too, because the driver waits for it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { LogRotator } from "../log/log-rotator.ts";
import {
  type ExecutorExit,
  type ExecutorSpec,
  type ExecutorState,
  readSpec,
  writeState,
} from "./executor-files.ts";
import { processStart, signalSession } from "./process-table.ts";

const READY_FD = 3;
const SIGNAL_BASE = 128;
/** A descendant that left the session may hold the output open; it is not waited for longer. */
const OUTPUT_DRAIN_MS = 500;

/** Runs the command described in `directory` and resolves when it has ended. */
export async function runExecutor(directory: string): Promise<void> {
  const spec = readSpec(directory);
  if (spec === null) throw new Error(`no spec.json in ${directory}`);
  // The terminal's or the service manager's signals are meant for the agent.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    process.on(signal, () => undefined);
  }
  const executor = { pid: process.pid, start: processStart(process.pid) };
  const base = { executor, task: null, startedAt: 0, startError: null, exit: null };
  writeState(directory, base);
  const outputs = await openOutputs(spec);
  const child = spawn(spec.command, [...spec.args], {
    cwd: spec.cwd,
    env: { ...spec.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(spec.user === null ? {} : spec.user),
  });
  const exited = exitOf(child);
  const drained = drainedOutput(child, outputs);
  const started = await startedState(child, base);
  writeState(directory, started);
  answer(started);
  if (started.task === null) return;
  const exit = await exited;
  signalSession(started.task.pid, "SIGKILL");
  await Promise.race([drained, after(OUTPUT_DRAIN_MS)]);
  await Promise.all(outputs.map((output) => output?.close()));
  writeState(directory, { ...started, exit });
}

async function openOutputs(spec: ExecutorSpec): Promise<(LogRotator | null)[]> {
  const { logs } = spec;
  if (logs === null) return [null, null];
  const { maxFiles, maxFileBytes } = logs;
  const outputs = ["stdout", "stderr"].map(
    (stream) => new LogRotator({ prefix: `${logs.prefix}.${stream}`, maxFiles, maxFileBytes }),
  );
  await Promise.all(outputs.map((output) => output.open()));
  return outputs;
}

/** Resolves when both streams have ended and are written. Reading waits for writing. */
async function drainedOutput(
  child: ChildProcess,
  outputs: readonly (LogRotator | null)[],
): Promise<void> {
  const streams = [child.stdout, child.stderr];
  await Promise.all(
    streams.map(async (stream, i) => {
      if (stream === null) return;
      for await (const chunk of stream) {
        await outputs[i]?.write(chunk as Buffer).catch(reportWriteError);
      }
    }),
  );
}

/** A full disk must not stop the command; stderr is the executor's own log. */
function reportWriteError(error: unknown): void {
  process.stderr.write(`cannot write output: ${String(error)}\n`);
}

function startedState(child: ChildProcess, base: ExecutorState): Promise<ExecutorState> {
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const startError = { code: error.code ?? "", message: error.message };
      resolve({ ...base, startError });
    });
    child.once("spawn", () => {
      const pid = child.pid ?? 0;
      const task = { pid, start: processStart(pid) };
      resolve({ ...base, task, startedAt: Date.now() });
    });
  });
}

function exitOf(child: ChildProcess): Promise<ExecutorExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, name) => {
      const signal = name === null ? 0 : constants.signals[name];
      const exitCode = signal > 0 ? SIGNAL_BASE + signal : (code ?? 0);
      resolve({ exitCode, signal, finishedAt: Date.now() });
    });
  });
}

function answer(state: ExecutorState): void {
  try {
    writeSync(READY_FD, `${JSON.stringify(state)}\n`);
    closeSync(READY_FD);
  } catch (error) {
    // The driver that asked is gone; its successor reads the state file.
    process.stderr.write(`nobody waits for the start: ${String(error)}\n`);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
