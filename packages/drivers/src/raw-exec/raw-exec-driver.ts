/**
 * Tasks as plain processes, without isolation. Each runs under an executor of its own that
 * survives the agent; the two meet in a directory named after the task (`executor-files.ts`).
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DroverError } from "@drover/base";
import type { Json } from "@drover/model";
import {
  type DriverEventSink,
  type DriverFingerprint,
  type ExecSession,
  type PreparedTask,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  type TaskIdentity,
  TaskStartError,
  type TaskStartRequest,
  type TaskStats,
} from "../task-driver.ts";
import { taskKey } from "../task-key.ts";
import { ChangeWaiter } from "./await-change.ts";
import { parseRawExecConfig, resolveCommand, resolveUser } from "./command.ts";
import { execBeside } from "./exec.ts";
import {
  type ExecutorSpec,
  type ExecutorState,
  type ProcessMark,
  readSpec,
  readState,
  specPath,
  writeSpec,
} from "./executor-files.ts";
import { isAlive, type SessionUse, sessionUse, signalSession } from "./process-table.ts";

export interface RawExecDriverOptions {
  /** Where executors keep their files; on a disk that survives the agent. */
  readonly stateDir: string;
  /** How to start an executor; the directory is appended. A packaged program gives its own. */
  readonly executorCommand?: readonly string[];
}

interface RawExecState {
  readonly directory: string;
  readonly task: ProcessMark;
}

const MIB = 1024 * 1024;
const POLL_MS = 1_000;
const DEFAULT_SIGNAL = "SIGINT";
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** An executor that was started has written its first state by then, or never will. */
const EXECUTOR_START_MS = 5_000;
const NEVER = new AbortController().signal;

export class RawExecDriver implements TaskDriver {
  readonly name = "raw_exec";
  readonly #stateDir: string;
  readonly #executorCommand: readonly string[];
  readonly #uses = new Map<string, SessionUse & { at: number }>();

  constructor(options: RawExecDriverOptions) {
    this.#stateDir = options.stateDir;
    this.#executorCommand = options.executorCommand ?? defaultExecutorCommand();
  }

  async fingerprint(): Promise<DriverFingerprint> {
    const attributes = { "driver.raw_exec": "true" };
    return { detected: true, healthy: true, healthDescription: "Healthy", attributes };
  }

  images(): readonly string[] {
    return [];
  }

  async prepare(request: TaskStartRequest): Promise<PreparedTask> {
    parseRawExecConfig(request.config);
    return { imageDigest: "" };
  }

  async start(request: TaskStartRequest, _events: DriverEventSink): Promise<TaskHandle> {
    const directory = this.#directory(request.identity);
    const spec = executorSpec(request);
    let state = await this.#adopt(directory);
    if (state === null) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeSpec(directory, spec);
      state = await this.#launch(directory);
    }
    if (state.task === null) {
      rmSync(directory, { recursive: true, force: true });
      throw startFailure(spec, state);
    }
    const driverState: RawExecState = { directory, task: state.task };
    return {
      driver: this.name,
      identity: request.identity,
      driverState: driverState as unknown as Json,
      startedAt: state.startedAt,
    };
  }

  async recover(handle: TaskHandle): Promise<TaskHandle | null> {
    const { directory, task } = stateOf(handle);
    const state = readState(directory);
    const same = state?.task?.pid === task.pid && state.task.start === task.start;
    return same ? handle : null;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const { directory, task } = stateOf(handle);
    const waiter = new ChangeWaiter(directory, POLL_MS);
    try {
      for (;;) {
        const exit = currentExit(directory, task);
        if (exit !== null) return exit;
        await waiter.wait(signal);
      }
    } finally {
      waiter.close();
    }
  }

  async stop(
    handle: TaskHandle,
    options: { killSignal: string; timeoutMs: number },
  ): Promise<void> {
    const { task } = stateOf(handle);
    const ended = this.wait(handle, NEVER);
    if (options.timeoutMs > 0) {
      this.#send(task, options.killSignal || DEFAULT_SIGNAL);
      const timeout = new AbortController();
      const inTime = await Promise.race([
        ended.then(() => true),
        delay(options.timeoutMs, false, { signal: timeout.signal }).catch(() => false),
      ]);
      timeout.abort();
      if (inTime) return;
    }
    this.#send(task, "SIGKILL");
    await ended;
  }

  async destroy(identity: TaskIdentity): Promise<void> {
    const directory = this.#directory(identity);
    const state = readState(directory);
    this.#uses.delete(directory);
    if (state !== null) {
      if (state.task !== null && isAlive(state.task)) signalSession(state.task.pid, "SIGKILL");
      await untilEnded(state.executor);
    }
    rmSync(directory, { recursive: true, force: true });
  }

  async signal(handle: TaskHandle, signal: string): Promise<void> {
    this.#send(stateOf(handle).task, signal);
  }

  async stats(handle: TaskHandle): Promise<TaskStats | null> {
    const { directory, task } = stateOf(handle);
    if (!isAlive(task)) return null;
    const use = { ...sessionUse(task.pid), at: Date.now() };
    const before = this.#uses.get(directory) ?? use;
    this.#uses.set(directory, use);
    const seconds = (use.at - before.at) / 1000;
    const share = seconds > 0 ? (use.cpuSeconds - before.cpuSeconds) / seconds : 0;
    return {
      cpuPercent: Math.max(0, share) * 100,
      cpuTotalTicks: 0,
      memoryRssBytes: use.rssBytes,
      memoryUsageBytes: use.rssBytes,
      memoryMaxUsageBytes: 0,
      timestamp: use.at,
    };
  }

  async exec(
    handle: TaskHandle,
    options: { command: readonly string[]; tty: boolean },
  ): Promise<ExecSession> {
    const spec = readSpec(stateOf(handle).directory);
    if (spec === null) throw new DroverError("exec-failed", "the task is not running");
    return execBeside(spec, options);
  }

  async list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]> {
    mkdirSync(this.#stateDir, { recursive: true });
    return readdirSync(this.#stateDir).flatMap((name) => {
      const identity = readSpec(join(this.#stateDir, name))?.identity;
      const ours = identity?.clusterId === owner.clusterId && identity.nodeId === owner.nodeId;
      return identity !== undefined && ours ? [identity] : [];
    });
  }

  async close(): Promise<void> {
    this.#uses.clear();
  }

  #directory(identity: TaskIdentity): string {
    return join(this.#stateDir, taskKey(identity));
  }

  #send(task: ProcessMark, signal: string): void {
    if (!/^SIG[A-Z0-9]+$/.test(signal)) {
      throw new DroverError("unknown-signal", `unknown signal "${signal}"`);
    }
    if (isAlive(task)) signalSession(task.pid, signal as NodeJS.Signals);
  }

  /** What an earlier agent started and did not live to report; null when nothing of it runs. */
  async #adopt(directory: string): Promise<ExecutorState | null> {
    const written = statSync(specPath(directory), { throwIfNoEntry: false });
    if (written === undefined) return null;
    const waiter = new ChangeWaiter(directory, POLL_MS / 10);
    try {
      for (;;) {
        const state = readState(directory);
        if (state !== null && state.task !== null) return isAlive(state.task) ? state : null;
        const starting = state === null || isAlive(state.executor);
        if (!starting || Date.now() > written.mtimeMs + EXECUTOR_START_MS) return null;
        await waiter.wait(NEVER);
      }
    } finally {
      waiter.close();
    }
  }

  async #launch(directory: string): Promise<ExecutorState> {
    const [program = "", ...args] = this.#executorCommand;
    const log = openSync(join(directory, "executor.log"), "a", 0o600);
    try {
      const child = spawn(program, [...args, directory], {
        detached: true,
        stdio: ["ignore", "ignore", log, "pipe"],
        env: executorEnv(),
      });
      child.unref();
      const failed = new Promise<never>((_resolve, reject) => {
        child.once("error", reject);
      });
      const ready = child.stdio[3] as NodeJS.ReadableStream;
      const text = await Promise.race([readText(ready), failed]);
      if (text !== "") return JSON.parse(text) as ExecutorState;
    } catch (error) {
      const text = "cannot start the executor of the task";
      throw new TaskStartError("executor-failed", text, { retryable: true, cause: error });
    } finally {
      closeSync(log);
    }
    const text = "the executor ended before it started the task";
    throw new TaskStartError("executor-failed", text, { retryable: true });
  }
}

function defaultExecutorCommand(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL("./executor-main.ts", import.meta.url))];
}

/** Its own, not the task's. From source, stripping types anew costs each executor 100 ms and 25 MB. */
function executorEnv(): Record<string, string> {
  const cache = getCompileCacheDir();
  return {
    PATH: process.env.PATH ?? DEFAULT_PATH,
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }),
  };
}

function stateOf(handle: TaskHandle): RawExecState {
  return handle.driverState as unknown as RawExecState;
}

/** Throws TaskStartError. */
function executorSpec(request: TaskStartRequest): ExecutorSpec {
  const config = parseRawExecConfig(request.config);
  const path = request.env.PATH ?? process.env.PATH ?? DEFAULT_PATH;
  const { logConfig } = request.task;
  return {
    identity: request.identity,
    command: resolveCommand(config.command, { taskDir: request.taskDir, path }),
    args: config.args,
    env: { PATH: path, ...request.env },
    cwd: config.workDir || request.taskDir,
    user: resolveUser(request.task.user),
    logs: logConfig.disabled
      ? null
      : {
          prefix: join(request.logDir, request.identity.taskName),
          maxFiles: Math.max(1, logConfig.maxFiles),
          maxFileBytes: Math.max(1, logConfig.maxFileSizeMb) * MIB,
        },
  };
}

const UNREPAIRABLE = new Set(["ENOENT", "EACCES", "ENOEXEC", "ENOTDIR", "EPERM"]);

function startFailure(spec: ExecutorSpec, state: ExecutorState): TaskStartError {
  const { code = "", message = "" } = state.startError ?? {};
  const retryable = !UNREPAIRABLE.has(code);
  const text = `failed to start command "${spec.command}": ${message}`;
  return new TaskStartError(retryable ? "start-failed" : "bad-command", text, { retryable });
}

/** null while it runs. */
function currentExit(directory: string, task: ProcessMark): TaskExit | null {
  // Looked at before the file: what ends in between is in the file, or really unknown.
  const taskRuns = isAlive(task);
  const state = readState(directory);
  if (state?.task?.pid === task.pid && state.exit !== null) {
    return { ...state.exit, oomKilled: false, error: "" };
  }
  if (taskRuns || (state !== null && isAlive(state.executor))) return null;
  const again = readState(directory);
  if (again?.task?.pid === task.pid && again.exit !== null) {
    return { ...again.exit, oomKilled: false, error: "" };
  }
  const error = "the executor of the task ended before the task: exit code unknown";
  return { exitCode: 0, signal: 0, oomKilled: false, error, finishedAt: Date.now() };
}

async function untilEnded(executor: ProcessMark): Promise<void> {
  const deadline = Date.now() + EXECUTOR_START_MS;
  while (isAlive(executor)) {
    if (Date.now() > deadline) process.kill(executor.pid, "SIGKILL");
    await delay(10);
  }
}

async function readText(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
