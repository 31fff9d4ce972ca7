/**
 * An allocation's files and logs, as the API shows them (spec chapter 8 §8.3). Errors are
 * DroverErrors: `unknown-alloc`, `path-escapes`, `not-found`, `not-a-file`, `secret`,
 * `unknown-task`, `not-started`.
 */
import { constants } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";
import { type Clock, DroverError } from "@drover/base";
import { unknownTask } from "./alloc-control.ts";
import { openInside, resolveExisting } from "./contained-path.ts";
import { BATCH_MS, pause, readToEnd } from "./file-follow.ts";

export interface FileInfo {
  readonly name: string;
  readonly isDir: boolean;
  readonly size: number;
  /** As `ls` writes it: `-rw-r--r--`. */
  readonly fileMode: string;
  /** Epoch ms, with fractions. */
  readonly modTime: number;
  /** Only of `stat`; "" for directories. */
  readonly contentType: string;
}

/** One piece of a stream; `offset` is the position in `file` behind the data. */
export interface Frame {
  readonly offset: number;
  readonly data: Buffer;
  /** Relative to the allocation's directory. */
  readonly file: string;
  /** "" or "file truncated" or "file deleted". */
  readonly fileEvent: string;
}

export interface StreamOptions {
  readonly offset: number;
  readonly origin: "start" | "end";
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface AllocFsDeps {
  readonly clock: Clock;
  /** Directory of an allocation of this node. Throws `unknown-alloc`. */
  root(allocId: string): string;
  /** Names of its tasks. Throws `unknown-alloc`. */
  tasks(allocId: string): readonly string[];
}

export class AllocFs {
  readonly #deps: AllocFsDeps;

  constructor(deps: AllocFsDeps) {
    this.#deps = deps;
  }

  async ls(allocId: string, path: string): Promise<FileInfo[]> {
    const directory = await resolveExisting(this.#deps.root(allocId), path);
    const names = (await readdir(directory)).sort();
    return Promise.all(names.map((name) => fileInfo(join(directory, name), "")));
  }

  async stat(allocId: string, path: string): Promise<FileInfo> {
    const full = await resolveExisting(this.#deps.root(allocId), path);
    return fileInfo(full, contentType(full));
  }

  /** The whole file. */
  async *cat(allocId: string, path: string): AsyncGenerator<Buffer> {
    yield* this.readAt(allocId, path, { offset: 0, limit: Number.POSITIVE_INFINITY });
  }

  /** `limit` bytes from `offset` on, fewer at the end of the file. */
  async *readAt(
    allocId: string,
    path: string,
    range: { readonly offset: number; readonly limit: number },
  ): AsyncGenerator<Buffer> {
    const file = await openInside(this.#deps.root(allocId), path);
    try {
      let left = range.limit;
      for await (const chunk of readToEnd(file, range.offset)) {
        const part = chunk.data.subarray(0, Math.min(chunk.data.length, left));
        yield part;
        left -= part.length;
        if (left <= 0) return;
      }
    } finally {
      await file.close();
    }
  }

  async *stream(allocId: string, path: string, options: StreamOptions): AsyncGenerator<Frame> {
    const root = this.#deps.root(allocId);
    const file = await openInside(root, path);
    const name = relative(root, join(root, path));
    try {
      const { size } = await file.stat();
      const { offset, origin } = options;
      let position = origin === "end" ? Math.max(0, size - offset) : offset;
      for (;;) {
        for await (const chunk of readToEnd(file, position)) {
          position = chunk.end;
          yield { offset: position, data: chunk.data, file: name, fileEvent: "" };
        }
        if (!options.follow || options.signal.aborted) return;
        await pause(this.#deps.clock, BATCH_MS, options.signal);
        if ((await file.stat()).size >= position) continue;
        position = 0;
        yield { offset: 0, data: Buffer.alloc(0), file: name, fileEvent: "file truncated" };
      }
    } finally {
      await file.close();
    }
  }

  /** A task's output over all of its files; goes on into new ones when following. */
  async *logs(
    allocId: string,
    source: { readonly task: string; readonly type: "stdout" | "stderr" },
    options: StreamOptions,
  ): AsyncGenerator<Frame> {
    if (!this.#deps.tasks(allocId).includes(source.task)) throw unknownTask(source.task);
    const root = this.#deps.root(allocId);
    const prefix = `${source.task}.${source.type}.`;
    let at = await this.#logStart(root, prefix, options);
    for (;;) {
      const path = join("alloc", "logs", `${prefix}${at.index}`);
      for await (const frame of this.#logFile(root, path, at.position)) {
        at = { index: at.index, position: frame.offset };
        yield frame;
      }
      const next = (await logIndexes(root, prefix)).find((index) => index > at.index);
      if (next !== undefined) at = { index: next, position: 0 };
      else if (!options.follow || options.signal.aborted) return;
      else await pause(this.#deps.clock, BATCH_MS, options.signal);
    }
  }

  async *#logFile(root: string, path: string, from: number): AsyncGenerator<Frame> {
    const file = await openInside(root, path);
    try {
      for await (const chunk of readToEnd(file, from)) {
        yield { offset: chunk.end, data: chunk.data, file: path, fileEvent: "" };
      }
    } finally {
      await file.close();
    }
  }

  /** The file and position that an offset from either end falls into. */
  async #logStart(root: string, prefix: string, options: StreamOptions) {
    const indexes = await logIndexes(root, prefix);
    const first = indexes[0];
    if (first === undefined) {
      const task = prefix.split(".")[0] ?? "";
      const text = `task ${JSON.stringify(task)} not started yet. No logs available`;
      throw new DroverError("not-started", text);
    }
    const sizes = await Promise.all(
      indexes.map(async (index) => (await lstat(logPath(root, prefix, index))).size),
    );
    const last = indexes.at(-1) ?? first;
    // "Follow" of the field's tools asks for nothing from the end and means the newest file whole.
    if (options.origin === "end" && options.offset === 0) return { index: last, position: 0 };
    const total = sizes.reduce((sum, size) => sum + size, 0);
    let skip = options.origin === "end" ? Math.max(0, total - options.offset) : options.offset;
    for (const [i, index] of indexes.entries()) {
      const size = sizes[i] ?? 0;
      if (skip <= size || i === indexes.length - 1) return { index, position: skip };
      skip -= size;
    }
    return { index: first, position: 0 };
  }
}

function logPath(root: string, prefix: string, index: number): string {
  return join(root, "alloc", "logs", `${prefix}${index}`);
}

async function logIndexes(root: string, prefix: string): Promise<number[]> {
  const directory = join(root, "alloc", "logs");
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function fileInfo(path: string, type: string): Promise<FileInfo> {
  const found = await lstat(path);
  return {
    name: basename(path),
    isDir: found.isDirectory(),
    size: found.size,
    fileMode: modeText(found.mode),
    modTime: found.mtimeMs,
    contentType: type !== "" && found.isDirectory() ? "application/octet-stream" : type,
  };
}

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.S_IFDIR, "d"],
  [constants.S_IFLNK, "L"],
  [constants.S_IFIFO, "p"],
  [constants.S_IFSOCK, "S"],
]);

const STICKY = 0o1000;

/** As Go writes a mode: what it is, then who may what. */
function modeText(mode: number): string {
  const kind = (KINDS.get(mode & constants.S_IFMT) ?? "") + (mode & STICKY ? "t" : "");
  const bits = [6, 3, 0].map((shift) => {
    const part = (mode >> shift) & 7;
    return (part & 4 ? "r" : "-") + (part & 2 ? "w" : "-") + (part & 1 ? "x" : "-");
  });
  return (kind || "-") + bits.join("");
}

const TYPES: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".html": "text/html; charset=utf-8",
  ".gz": "application/x-gzip",
  ".png": "image/png",
};

function contentType(path: string): string {
  return TYPES[extname(path)] ?? "text/plain; charset=utf-8";
}
