/** A command beside a raw_exec task: same directory, environment and user. */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { DroverError } from "@drover/base";
import type { ExecSession } from "../task-driver.ts";
import type { ExecutorSpec } from "./executor-files.ts";

const SIGNAL_BASE = 128;

/** Throws DroverError `exec-failed` when the command cannot be run. */
export async function execBeside(
  spec: ExecutorSpec,
  options: { readonly command: readonly string[]; readonly tty: boolean },
): Promise<ExecSession> {
  const [program = "", ...args] = options.tty ? inTerminal(options.command) : options.command;
  const child = spawn(program, args, {
    cwd: spec.cwd,
    env: { ...spec.env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(spec.user === null ? {} : spec.user),
  });
  await spawned(child);
  const exited = new Promise<number>((resolve) => {
    child.once("close", (code, signal) => {
      resolve(signal === null ? (code ?? 0) : SIGNAL_BASE + constants.signals[signal]);
    });
  });
  return {
    // A command may close its input before everything is written to it.
    stdin: child.stdin?.on("error", () => undefined) ?? new PassThrough(),
    stdout: child.stdout ?? new PassThrough(),
    stderr: child.stderr ?? new PassThrough(),
    exited,
    // util-linux's script has no way to be told of a new size.
    resize: async () => undefined,
    close: () => child.kill("SIGKILL"),
  };
}

/** Node has no pseudo terminals; `script` of util-linux gives the command one. */
function inTerminal(command: readonly string[]): readonly string[] {
  const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["script", "-q", "-e", "-c", line, "/dev/null"];
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      reject(new DroverError("exec-failed", `cannot run: ${error.message}`, { cause: error }));
    });
  });
}
