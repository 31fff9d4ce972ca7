/**
 * Copies a container's output from the engine into the task's log files, from the start of the
 * container until its end, over outages of the engine and of the agent. The engine's own log is
 * the buffer in between; `LogPosition` says where to go on.
 */
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LogRotator } from "../log/log-rotator.ts";
import type { DockerEngine } from "./engine.ts";
import { statusOf } from "./errors.ts";
import { isAfter, type LogEntry, LogFrames, sinceParameter } from "./log-frames.ts";
import {
  type LogPosition,
  readLogPosition,
  StreamCounter,
  type StreamPosition,
  writeLogPosition,
} from "./log-position.ts";

export interface LogTarget {
  readonly logDir: string;
  readonly taskName: string;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
}

const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;
/** How much may have to be fetched again after a crash. */
const CHECKPOINT_MS = 1_000;

interface Sink {
  readonly rotator: LogRotator;
  readonly counter: StreamCounter;
  /** Bytes that the files already hold beyond the checkpoint; the same bytes come again. */
  toSkip: number;
}

interface Sinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export class LogCopier {
  readonly #engine: DockerEngine;
  readonly containerId: string;
  readonly #tty: boolean;
  readonly #target: LogTarget;
  readonly #controller = new AbortController();
  #time = "";
  #checkpointAt = 0;
  /** Resolves when the container has ended and all of its output is written; never rejects. */
  readonly done: Promise<void>;

  constructor(
    options: {
      readonly containerId: string;
      readonly tty: boolean;
      readonly target: LogTarget;
      /** The copy of the container before this one, which writes the same files. */
      readonly after: Promise<void>;
      /** A log file that cannot be written: told once, the task goes on. */
      readonly onError: (error: unknown) => void;
    },
    engine: DockerEngine,
  ) {
    this.#engine = engine;
    this.containerId = options.containerId;
    this.#tty = options.tty;
    this.#target = options.target;
    this.done = options.after.then(() => this.#run()).catch(options.onError);
  }

  /** Stops at once, keeping the position. */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.done;
  }

  get #positionPath(): string {
    return join(this.#target.logDir, `.${this.#target.taskName}.position.json`);
  }

  async #run(): Promise<void> {
    const rotators = { stdout: this.#rotator("stdout"), stderr: this.#rotator("stderr") };
    try {
      await this.#copy(await this.#openSinks(rotators));
    } finally {
      await Promise.all([rotators.stdout.close(), rotators.stderr.close()]);
    }
  }

  async #copy(sinks: Sinks): Promise<void> {
    let backoffMs = RECONNECT_MIN_MS;
    try {
      while (!this.#controller.signal.aborted) {
        const outcome = await this.#follow(sinks);
        if (outcome === "ended") return;
        if (outcome === "progress") backoffMs = RECONNECT_MIN_MS;
        await delay(backoffMs, undefined, { signal: this.#controller.signal }).catch(ignoreAbort);
        backoffMs = Math.min(backoffMs * 2, RECONNECT_MAX_MS);
      }
    } finally {
      await this.#checkpoint(sinks);
    }
  }

  async #openSinks(rotators: Record<keyof Sinks, LogRotator>): Promise<Sinks> {
    await Promise.all([rotators.stdout.open(), rotators.stderr.open()]);
    const saved = await readLogPosition(this.#positionPath, this.containerId);
    this.#time = saved?.time ?? "";
    return {
      stdout: openSink(rotators.stdout, saved?.stdout),
      stderr: openSink(rotators.stderr, saved?.stderr),
    };
  }

  #rotator(stream: LogEntry["stream"]): LogRotator {
    const { logDir, taskName, maxFiles, maxFileBytes } = this.#target;
    return new LogRotator({
      prefix: join(logDir, `${taskName}.${stream}`),
      maxFiles,
      maxFileBytes,
    });
  }

  async #follow(sinks: Sinks): Promise<"ended" | "progress" | "failed"> {
    const query = new URLSearchParams({
      follow: "true",
      stdout: "true",
      stderr: "true",
      timestamps: "true",
    });
    if (this.#time !== "") query.set("since", sinceParameter(this.#time));
    let progress = false;
    try {
      const path = `/containers/${this.containerId}/logs?${query}&`;
      const signal = this.#controller.signal;
      const answer = await this.#engine.stream({ method: "GET", path, signal });
      const frames = new LogFrames({ tty: this.#tty });
      for await (const chunk of answer as IncomingMessage) {
        const entries = frames.push(chunk as Buffer).filter((e) => isAfter(e.time, this.#time));
        progress ||= entries.length > 0;
        await this.#write(sinks, entries);
      }
    } catch (error) {
      if (statusOf(error) === 404) return "ended";
      return progress ? "progress" : "failed";
    }
    // The engine ends the stream when the container has ended, but also when it shuts down itself.
    return (await this.#isOver()) ? "ended" : "failed";
  }

  async #isOver(): Promise<boolean> {
    try {
      const info = await this.#engine.call((d) => d.getContainer(this.containerId).inspect());
      return !info.State.Running;
    } catch (error) {
      return statusOf(error) === 404;
    }
  }

  /** Whole chunks at once; a chunk may hold many entries of both streams. */
  async #write(sinks: Sinks, entries: readonly LogEntry[]): Promise<void> {
    let rotated = false;
    for (const name of ["stdout", "stderr"] as const) {
      const mine = entries.filter((entry) => entry.stream === name).map((entry) => entry.text);
      if (mine.length > 0) rotated = (await writeTo(sinks[name], Buffer.concat(mine))) || rotated;
    }
    this.#time = entries.at(-1)?.time || this.#time;
    const due = performance.now() - this.#checkpointAt > CHECKPOINT_MS;
    if (rotated || (due && entries.length > 0)) await this.#checkpoint(sinks);
  }

  async #checkpoint(sinks: Sinks): Promise<void> {
    this.#checkpointAt = performance.now();
    const position: LogPosition = {
      containerId: this.containerId,
      time: this.#time,
      stdout: sinks.stdout.counter.checkpoint(),
      stderr: sinks.stderr.counter.checkpoint(),
    };
    await writeLogPosition(this.#positionPath, position);
  }
}

function openSink(rotator: LogRotator, saved: StreamPosition | undefined): Sink {
  const { index, size } = rotator.position;
  if (saved === undefined) {
    // A new container (a restart of the task) goes on in the files of the one before it.
    const counter = new StreamCounter(rotator, { fileIndex: index, bytesBefore: -size });
    return { rotator, counter, toSkip: 0 };
  }
  const counter = new StreamCounter(rotator, {
    fileIndex: saved.fileIndex,
    bytesBefore: saved.bytesBefore,
  });
  // A newer file than the checkpoint knows has no known start: nothing of it is skipped.
  const toSkip = saved.fileIndex === index ? counter.total - saved.bytesAtCheckpoint : 0;
  return { rotator, counter, toSkip: Math.max(0, toSkip) };
}

/** True when a new file was begun. */
async function writeTo(sink: Sink, data: Buffer): Promise<boolean> {
  const skip = Math.min(sink.toSkip, data.length);
  sink.toSkip -= skip;
  const rest = data.subarray(skip);
  if (rest.length === 0) return false;
  const before = sink.counter.total;
  await sink.rotator.write(rest);
  return sink.counter.wrote(before, rest.length);
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== "AbortError") throw error;
}
