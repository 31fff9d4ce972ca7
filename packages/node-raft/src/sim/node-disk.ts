/**
 * The disk of a member that runs the real log: `SimVfs` with latency, hangs, errors and crashes in
 * the middle of a write. Every operation enters the trace with its content.
 */
import { SimVfs } from "../wal/sim-vfs.ts";
import type { Vfs, VfsFile } from "../wal/vfs.ts";
import { digestBytes } from "./digest.ts";
import type { DiskFailure } from "./member.ts";
import type { Life } from "./node-parts.ts";
import type { SimRandom } from "./random.ts";

export class NodeDisk {
  readonly #random: SimRandom;
  #vfs = new SimVfs();
  #extraMs = 0;
  #failing: DiskFailure | null = null;
  /** Of each file of the log: where the batches begin that are durable. */
  readonly #batches = new Map<string, number[]>();
  readonly #snapshots = new Set<string>();
  /** Planned and not yet done. */
  #work: (() => void)[] = [];
  /** What was planned last. */
  #last: () => void = () => {};
  #lied = false;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  /** Its operations fail from now on, until the next crash. */
  get failing(): boolean {
    return this.#failing !== null;
  }

  /** The files, for one life of the member. */
  open(life: Life): Vfs {
    this.#lied = false;
    this.#vfs.fault = (operation) => this.#errorOf(operation);
    return trace(this.#vfs, life, this.#batches, this.#snapshots);
  }

  /** Disk work takes its time; a hanging disk keeps it until it recovers. */
  schedule(life: Life, work: () => void): void {
    const once = (): void => {
      const at = this.#work.indexOf(once);
      if (at < 0 || this.#extraMs === Number.POSITIVE_INFINITY) return;
      this.#work.splice(at, 1);
      life.run(work);
    };
    this.#work.push(once);
    this.#last = work;
    const { clock, scenario } = life.world;
    const ms = this.#random.between(...scenario.disk.syncMs) + this.#extraMs;
    if (ms !== Number.POSITIVE_INFINITY) clock.after(ms, once);
  }

  slow(extraMs: number): void {
    this.#extraMs = extraMs;
  }

  /** What a hanging disk kept goes on. */
  recover(): (() => void)[] {
    this.#extraMs = 0;
    return [...this.#work];
  }

  fail(how: DiskFailure): void {
    this.#failing = how;
  }

  /**
   * Damages a byte of a snapshot, or of the log before its last durable batch: what comes after it
   * shows that it is no torn write. False: there is no such byte.
   */
  rot(): boolean {
    const ends = [...this.#batches].map(([path, starts]) => [path, starts.at(-1) ?? 0] as const);
    const snapshots = [...this.#snapshots].map((path) => [path, Infinity] as const);
    const candidates = [...ends, ...snapshots]
      .filter(([path]) => this.#vfs.exists(path))
      .map(([path, end]) => [path, Math.min(end, this.#vfs.open(path).size())] as const)
      .filter(([, end]) => end > 0);
    if (candidates.length === 0) return false;
    const [path, end] = this.#random.pick(candidates);
    this.#vfs.corrupt(path, this.#random.int(end));
    return true;
  }

  #errorOf(operation: string): Error | null {
    switch (this.#failing) {
      case null:
        return null;
      case "io":
        return new Error("EIO: simulated disk error");
      case "full":
        if (operation !== "write" && operation !== "create") return null;
        return new Error("ENOSPC: simulated disk is full");
      case "lie":
        if (operation !== "sync" || this.#lied) return null;
        this.#lied = true;
        return new Error("EIO: simulated disk error, told once");
    }
  }

  /** True when it hit in the middle of a write. */
  crash(): boolean {
    const torn = this.#work.length > 0 && this.#failing === null && this.#random.chance(0.7);
    this.#work = [];
    if (torn) {
      this.#vfs.crashAt = this.#vfs.steps + 1 + this.#random.int(8);
      this.#last();
    }
    this.#failing = null;
    this.#vfs = this.#vfs.afterCrash(() => this.#random.float());
    return torn;
  }
}

function isZero(data: Uint8Array): boolean {
  for (let at = 0; at < data.length; at += 1) if (data[at] !== 0) return false;
  return true;
}

function trace(
  vfs: SimVfs,
  life: Life,
  batches: Map<string, number[]>,
  snapshots: Set<string>,
): Vfs {
  const note = (operation: string, path: string, ...content: number[]): void => {
    if (life.alive()) life.world.trace.note(operation, life.id, path, ...content);
  };
  const file = (inner: VfsFile): VfsFile => {
    let unsynced: number[] = [];
    return {
      path: inner.path,
      size: () => inner.size(),
      read: (position, length) => inner.read(position, length),
      write: (position, data) => {
        note("disk write", inner.path, position, digestBytes(data));
        inner.write(position, data);
        if (!isZero(data)) unsynced.push(position);
      },
      truncate: (size) => {
        note("disk truncate", inner.path, size);
        inner.truncate(size);
      },
      sync: () => {
        note("disk sync", inner.path);
        inner.sync();
        if (inner.path.endsWith(".wal")) {
          const known = batches.get(inner.path);
          if (known === undefined) batches.set(inner.path, unsynced);
          else known.push(...unsynced);
        }
        unsynced = [];
      },
      close: () => inner.close(),
    };
  };
  return {
    open: (path) => file(vfs.open(path)),
    create: (path) => {
      note("disk create", path);
      return file(vfs.create(path));
    },
    list: (dir) => vfs.list(dir),
    exists: (path) => vfs.exists(path),
    mkdir: () => vfs.mkdir(),
    rename: (from, to) => {
      note("disk rename", to);
      vfs.rename(from, to);
      if (to.endsWith(".snap")) snapshots.add(to);
    },
    unlink: (path) => {
      note("disk unlink", path);
      vfs.unlink(path);
    },
    syncDir: (dir) => {
      note("disk syncDir", dir);
      vfs.syncDir(dir);
    },
    lock: (path) => vfs.lock(path),
  };
}
