/**
 * The process of ../../oracle: members on etcd's raft, driven by commands. Built with Go where there
 * is one; commands of several worlds that are asked for at the same time share a line.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { SnapshotMeta } from "../core/types.ts";
import type { ComparedState, WireMessage } from "./wire.ts";

const PACKAGE = resolve(import.meta.dirname, "../..");
const BUILD_TIMEOUT_MS = 120_000;
const PROGRAM = resolve(PACKAGE, "../../.build/raft-oracle/oracle");

export interface Command {
  readonly world: number;
  readonly op: string;
  readonly [field: string]: unknown;
}

export interface Result {
  readonly accepted: boolean;
  readonly state?: ComparedState & { readonly idle: boolean; readonly elapsed: number };
  /** Of "compact". */
  readonly snapshot?: SnapshotMeta;
  readonly sent: readonly WireMessage[];
  readonly reads?: readonly { readonly name: string; readonly index: number }[];
  readonly error?: string;
}

/** The program's path, or why there is none. Throws when our own part of it does not compile. */
export function buildOracle(): { readonly program: string } | { readonly missing: string } {
  const go = ["go", "/usr/local/go/bin/go"].find((path) => run(path, ["version"]).ok);
  if (go === undefined) return { missing: "Go is not installed" };
  const modules = run(go, ["mod", "download"]);
  if (!modules.ok) return { missing: `the modules cannot be had: ${lastLine(modules.output)}` };
  mkdirSync(join(PROGRAM, ".."), { recursive: true });
  const built = run(go, ["build", "-o", PROGRAM, "."]);
  if (!built.ok || !existsSync(PROGRAM)) throw new Error(`go build: ${built.output}`);
  return { program: PROGRAM };
}

interface Question {
  readonly command: Command;
  readonly done: (result: Result) => void;
  readonly failed: (error: Error) => void;
}

export class EtcdPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #queue: Question[] = [];
  #asked: Question[] = [];
  #ended: Error | null = null;

  constructor(program: string) {
    this.#child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.on("exit", (code) => this.#end(new Error(`the oracle ended with ${code}`)));
    this.#child.stdin.on("error", (error) => this.#end(error));
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#answer(line));
  }

  call(command: Command): Promise<Result> {
    return new Promise((done, failed) => {
      if (this.#ended !== null) {
        failed(this.#ended);
        return;
      }
      this.#queue.push({ command, done, failed });
      if (this.#queue.length === 1) setImmediate(() => this.#ask());
    });
  }

  stop(): void {
    this.#child.stdin.end();
  }

  #ask(): void {
    if (this.#asked.length > 0 || this.#queue.length === 0) return;
    this.#asked = this.#queue;
    this.#queue = [];
    this.#child.stdin.write(`${JSON.stringify(this.#asked.map(({ command }) => command))}\n`);
  }

  #answer(line: string): void {
    const results = JSON.parse(line) as Result[];
    const asked = this.#asked;
    this.#asked = [];
    for (const [i, { done }] of asked.entries()) done(results[i] as Result);
    // Whoever was answered asks again in this turn.
    setImmediate(() => this.#ask());
  }

  #end(error: Error): void {
    this.#ended = error;
    for (const { failed } of [...this.#asked, ...this.#queue]) failed(error);
    this.#asked = [];
    this.#queue = [];
  }
}

function run(program: string, args: readonly string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: join(PACKAGE, "oracle"),
    encoding: "utf8",
    timeout: BUILD_TIMEOUT_MS,
    // Another Go than the one that is there would have to be fetched.
    env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly -buildvcs=false" },
  });
  return { ok: status === 0, output: `${stdout ?? ""}${stderr ?? ""}` };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
