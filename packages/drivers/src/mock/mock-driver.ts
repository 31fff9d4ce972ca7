/**
 * Tasks that only pretend to run, for tests of everything around them. What such a task does is
 * fixed by its configuration and the moment it started, so that an agent that was killed finds it
 * exactly where it would be by now.
 */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { DroverError } from "@drover/base";
import type { Json } from "@drover/model";
import { LogRotator } from "../log/log-rotator.ts";
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
import { type MockConfig, type MockOutput, parseMockConfig } from "./config.ts";

interface MockState {
  readonly config: MockConfig;
  readonly key: string;
}

/** A task this process knows of; a recovered one is known again from its handle. */
interface MockTask {
  readonly handle: TaskHandle;
  readonly exit: Promise<TaskExit>;
  /** Ends it at once as if killed. */
  end(exit: TaskExit): void;
  /** Aborted when it has ended. */
  readonly ended: AbortSignal;
  /** What still writes output. */
  output: readonly Promise<void>[];
}

const TIMER_MS_MAX = 0x7fffffff;
const MIB = 1024 * 1024;

export class MockDriver implements TaskDriver {
  readonly name = "mock_driver";
  readonly #tasks = new Map<string, MockTask>();
  readonly #closing = new AbortController();

  async fingerprint(): Promise<DriverFingerprint> {
    const attributes = { "driver.mock_driver": "true" };
    return { detected: true, healthy: true, healthDescription: "Healthy", attributes };
  }

  images(): readonly string[] {
    return [];
  }

  async prepare(request: TaskStartRequest): Promise<PreparedTask> {
    parseMockConfig(request.config);
    return { imageDigest: "" };
  }

  async start(request: TaskStartRequest, _events: DriverEventSink): Promise<TaskHandle> {
    const config = parseMockConfig(request.config);
    const key = taskKey(request.identity);
    const running = this.#tasks.get(key);
    if (running !== undefined && !running.ended.aborted && !isPast(running.handle)) {
      return running.handle;
    }
    await sleep(config.startBlockForMs, this.#closing.signal);
    if (config.startError !== "") {
      const retryable = config.startErrorRecoverable;
      throw new TaskStartError("start-error", config.startError, { retryable });
    }
    const state: MockState = { config, key };
    const handle: TaskHandle = {
      driver: this.name,
      identity: request.identity,
      driverState: state as unknown as Json,
      startedAt: Date.now(),
      ...networkOf(config),
    };
    const task = this.#add(handle);
    if (!request.task.logConfig.disabled) {
      task.output = (await this.#openOutput(request, config)).map((next) => next(task.ended));
    }
    return handle;
  }

  async recover(handle: TaskHandle): Promise<TaskHandle | null> {
    if (!this.#tasks.has(stateOf(handle).key)) this.#add(handle);
    return handle;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    signal.throwIfAborted();
    const task = this.#tasks.get(stateOf(handle).key);
    if (task === undefined || task.handle.startedAt !== handle.startedAt) return goneExit();
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      void task.exit.then((exit) => {
        signal.removeEventListener("abort", onAbort);
        resolve(exit);
      });
    });
  }

  async stop(
    handle: TaskHandle,
    options: { killSignal: string; timeoutMs: number },
  ): Promise<void> {
    const { key, config } = stateOf(handle);
    const task = this.#tasks.get(key);
    if (task === undefined) return;
    const ignoresMs = Math.min(config.killAfterMs, options.timeoutMs);
    await Promise.race([task.exit, sleep(ignoresMs, this.#closing.signal)]);
    task.end({ exitCode: 0, signal: 0, oomKilled: false, error: "", finishedAt: Date.now() });
  }

  async destroy(identity: TaskIdentity): Promise<void> {
    const key = taskKey(identity);
    this.#tasks.get(key)?.end(goneExit());
    this.#tasks.delete(key);
  }

  async signal(handle: TaskHandle, _signal: string): Promise<void> {
    const { signalError } = stateOf(handle).config;
    if (signalError !== "") throw new DroverError("signal-failed", signalError);
  }

  async stats(_handle: TaskHandle): Promise<TaskStats | null> {
    return {
      cpuPercent: 0,
      cpuTotalTicks: 0,
      memoryRssBytes: 0,
      memoryUsageBytes: 0,
      memoryMaxUsageBytes: 0,
      timestamp: Date.now(),
    };
  }

  /** Answers with the command itself; nothing is run. */
  async exec(
    _handle: TaskHandle,
    options: { command: readonly string[]; tty: boolean },
  ): Promise<ExecSession> {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    stdout.end(`${options.command.join(" ")}\n`);
    stderr.end();
    const stdin = new PassThrough();
    stdin.resume();
    const resize = async () => undefined;
    return { stdin, stdout, stderr, exited: Promise.resolve(0), resize, close: () => undefined };
  }

  async list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]> {
    return [...this.#tasks.values()]
      .map((task) => task.handle.identity)
      .filter((id) => id.clusterId === owner.clusterId && id.nodeId === owner.nodeId);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#tasks.values()].flatMap((task) => task.output));
    this.#tasks.clear();
  }

  #add(handle: TaskHandle): MockTask {
    const { config, key } = stateOf(handle);
    const endsAt = handle.startedAt + config.runForMs;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#closing.signal]);
    let end: (exit: TaskExit) => void = () => undefined;
    const exit = new Promise<TaskExit>((resolve) => {
      end = (how) => {
        resolve(how);
        ended.abort();
      };
    });
    void sleep(endsAt - Date.now(), signal).then(() => {
      // An agent that is closed leaves its tasks running.
      if (!signal.aborted) end(plannedExit(config, endsAt));
    });
    const task: MockTask = { handle, exit, end, ended: ended.signal, output: [] };
    this.#tasks.set(key, task);
    return task;
  }

  /** Writes the first text of both streams; what is returned writes the repetitions. */
  #openOutput(
    request: TaskStartRequest,
    config: MockConfig,
  ): Promise<((ended: AbortSignal) => Promise<void>)[]> {
    const { maxFiles, maxFileSizeMb } = request.task.logConfig;
    const streams = [
      ["stdout", config.stdout],
      ["stderr", config.stderr],
    ] as const;
    return Promise.all(
      streams.map(async ([stream, output]) => {
        const rotator = new LogRotator({
          prefix: join(request.logDir, `${request.identity.taskName}.${stream}`),
          maxFiles: Math.max(1, maxFiles),
          maxFileBytes: Math.max(1, maxFileSizeMb) * MIB,
        });
        await rotator.open();
        if (output.text !== "") await rotator.write(Buffer.from(output.text));
        return (ended: AbortSignal) => this.#repeat(rotator, output, ended);
      }),
    );
  }

  async #repeat(rotator: LogRotator, output: MockOutput, ended: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([ended, this.#closing.signal]);
    for (let i = 0; i < output.repeat; i++) {
      await sleep(output.everyMs, signal);
      if (signal.aborted) break;
      await rotator.write(Buffer.from(output.text));
    }
    await rotator.close();
  }
}

function stateOf(handle: TaskHandle): MockState {
  return handle.driverState as unknown as MockState;
}

function isPast(handle: TaskHandle): boolean {
  return Date.now() >= handle.startedAt + stateOf(handle).config.runForMs;
}

function plannedExit(config: MockConfig, finishedAt: number): TaskExit {
  const { exitCode, exitSignal, exitMessage } = config;
  const base = { exitCode, signal: exitSignal, oomKilled: false, error: "", finishedAt };
  return exitMessage === "" ? base : { ...base, message: exitMessage };
}

function goneExit(): TaskExit {
  const error = "the task was removed";
  return { exitCode: 0, signal: 0, oomKilled: false, error, finishedAt: Date.now() };
}

function networkOf(config: MockConfig): Pick<TaskHandle, "network"> {
  if (config.driverIp === "") return {};
  const { driverIp: ip, driverPortMap: portMap, driverAdvertise: autoAdvertise } = config;
  return { network: { ip, portMap, autoAdvertise } };
}

/** Resolves after `ms` or when `signal` is aborted. Longer than any timer can be. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const until = Date.now() + ms;
  while (!signal.aborted && Date.now() < until) {
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(until - Date.now(), TIMER_MS_MAX));
      signal.addEventListener("abort", finish, { once: true });
    });
  }
}
