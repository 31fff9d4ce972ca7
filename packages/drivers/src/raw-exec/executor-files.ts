/**
 * The files between a driver and the executor of a task: what to run (`spec.json`, written by the
 * driver) and what became of it (`state.json`, written by the executor, always as a whole).
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskIdentity } from "../task-driver.ts";

export interface ExecutorSpec {
  readonly identity: TaskIdentity;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** null = the agent's own. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** null = the output is thrown away. */
  readonly logs: {
    /** `<logDir>/<task>`, without the stream's name. */
    readonly prefix: string;
    readonly maxFiles: number;
    readonly maxFileBytes: number;
  } | null;
}

export interface ProcessMark {
  readonly pid: number;
  /** See `processStart`. */
  readonly start: string;
}

export interface ExecutorState {
  readonly executor: ProcessMark;
  /** null until the command runs. */
  readonly task: ProcessMark | null;
  /** Epoch ms; 0 until the command runs. */
  readonly startedAt: number;
  /** Why the command could not be run; `code` is the system's, e.g. ENOENT. */
  readonly startError: { readonly code: string; readonly message: string } | null;
  readonly exit: ExecutorExit | null;
}

export interface ExecutorExit {
  /** 128 + signal when a signal ended it. */
  readonly exitCode: number;
  readonly signal: number;
  /** Epoch ms. */
  readonly finishedAt: number;
}

export function specPath(directory: string): string {
  return join(directory, "spec.json");
}

function statePath(directory: string): string {
  return join(directory, "state.json");
}

/** null when there is none. */
export function readSpec(directory: string): ExecutorSpec | null {
  return readJson(specPath(directory)) as ExecutorSpec | null;
}

/** null when there is none yet. */
export function readState(directory: string): ExecutorState | null {
  return readJson(statePath(directory)) as ExecutorState | null;
}

/** The environment may hold secrets, so that only the owner may read it. */
export function writeSpec(directory: string, spec: ExecutorSpec): void {
  writeWhole(specPath(directory), spec);
}

export function writeState(directory: string, state: ExecutorState): void {
  writeWhole(statePath(directory), state);
}

function writeWhole(path: string, value: unknown): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(value), { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
