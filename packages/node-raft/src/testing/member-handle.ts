/** The parent's side of `member-process.ts`. */
import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { MemberCalls, MemberReply, StartArgs } from "./member-process.ts";

const ENTRY = fileURLToPath(new URL("./member-process.ts", import.meta.url));

/**
 * An answer of the member that is an error. `code` is `RaftError`'s; or "gone": it was not asked,
 * or "lost": it died before it answered.
 */
export class MemberFailure extends Error {
  override readonly name = "MemberFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Where and how its process runs. */
export interface Launch {
  /** File of a network namespace. */
  readonly netns?: string | undefined;
  /** Of other sources than these: of a planted bug. */
  readonly entry?: string | undefined;
  /** What it prints goes there. */
  readonly logFile?: string | undefined;
}

export class MemberHandle {
  readonly memberId: string;
  readonly address: string;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  readonly #args: StartArgs;
  readonly #launch: Launch;
  readonly #child: ChildProcess;
  readonly #calls: Calls;

  private constructor(
    child: ChildProcess,
    calls: Calls,
    args: StartArgs,
    info: StartInfo,
    launch: Launch,
  ) {
    this.#child = child;
    this.#calls = calls;
    this.#args = args;
    this.#launch = launch;
    this.exited = new Promise((resolve) => {
      if (!this.running) resolve();
      else child.once("exit", () => resolve());
    });
    this.memberId = info.memberId;
    this.address = info.address;
  }

  /** A restarted member must come back on its old port. */
  static async start(args: StartArgs, launch: Launch = {}): Promise<MemberHandle> {
    const child = spawnMember(launch);
    const calls = new Calls(child);
    try {
      const info = await calls.call("start", args);
      return new MemberHandle(child, calls, args, info, launch);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** The same member again, after `kill`; `changes` are of where its peers are found, say. */
  restart(changes: Partial<StartArgs> = {}): Promise<MemberHandle> {
    const port = Number(this.address.split(":")[1]);
    return MemberHandle.start({ ...this.#args, ...changes, port }, this.#launch);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  call<M extends keyof MemberCalls>(
    method: M,
    args: MemberCalls[M]["args"],
  ): Promise<MemberCalls[M]["result"]> {
    return this.#calls.call(method, args);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the member has no process");
    return pid;
  }

  /** SIGSTOP: it is there, and does nothing. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

function spawnMember({ netns, entry = ENTRY, logFile }: Launch): ChildProcess {
  // The test runner's own options and channel are not for the member.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const log = logFile === undefined ? null : openSync(logFile, "a");
  const stdio: StdioOptions = ["ignore", log ?? "inherit", log ?? "inherit", "ipc"];
  try {
    if (netns === undefined) return fork(entry, [], { env, execArgv: [], stdio });
    // It becomes the program: the process that is killed later is the member itself.
    const execArgv = [`--net=${netns}`, "--", process.execPath];
    return fork(entry, [], { env, execPath: "nsenter", execArgv, stdio });
  } finally {
    if (log !== null) closeSync(log);
  }
}

type StartInfo = MemberCalls["start"]["result"];

class Calls {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (reply: MemberReply) => this.#receive(reply));
    child.on("exit", () => {
      const lost = new MemberFailure("lost", "the member's process ended before its answer");
      for (const { reject } of this.#waiting.values()) reject(lost);
      this.#waiting.clear();
    });
  }

  call<M extends keyof MemberCalls>(
    method: M,
    args: MemberCalls[M]["args"],
  ): Promise<MemberCalls[M]["result"]> {
    if (!this.#child.connected) return Promise.reject(gone());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, method, args }, (error) => {
        if (error !== null && this.#waiting.delete(id)) reject(gone());
      });
    });
  }

  #receive(reply: MemberReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.value);
    else waiting?.reject(new MemberFailure(reply.code, reply.message));
  }
}

function gone(): MemberFailure {
  return new MemberFailure("gone", "the member's process has ended");
}

/** `count` members formed into a cluster. */
export async function formProcesses(
  root: string,
  count: number,
  options: Omit<StartArgs, "dataDir" | "port"> = {},
): Promise<MemberHandle[]> {
  const dirs = Array.from({ length: count }, (_, i) => `${root}/${i}`);
  const members = await Promise.all(
    dirs.map((dataDir) => MemberHandle.start({ dataDir, port: 0, ...options })),
  );
  const voters = members.map(({ memberId, address }) => ({ id: memberId, address }));
  await Promise.all(members.map((member) => member.call("bootstrap", { voters })));
  return members;
}

/** Writes `text` through whoever leads; gives up with the last error after `timeoutMs`. */
export async function writeSomewhere(
  members: readonly MemberHandle[],
  text: string,
  timeoutMs: number,
): Promise<{ index: number; member: MemberHandle } | "unknown"> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    for (const member of members) {
      try {
        const left = Math.max(1, deadline - performance.now());
        return { index: await member.call("propose", { text, timeoutMs: left }), member };
      } catch (error) {
        if (!(error instanceof MemberFailure)) throw error;
        if (error.code === "timeout-unknown" || error.code === "lost") return "unknown";
        last = error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`not written in ${timeoutMs} ms: ${String(last)}`);
}
