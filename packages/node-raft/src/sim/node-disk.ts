/**
 * The disk of a member that runs the real log: `SimVfs` with latency, hangs, errors and crashes in
 * the middle of a write. Every operation enters the trace with its content.
 */
import { SimVfs } from "../wal/sim-vfs.ts";
import type { Vfs, VfsFile } from "../wal/vfs.ts";
import { digestBytes } from "./digest.ts";
import type { Life } from "./node-parts.ts";
import type { SimRandom } from "./random.ts";

export class NodeDisk {
  readonly #random: SimRandom;
  #vfs = new SimVfs();
  #extraMs = 0;
  #failing = false;
  /** Planned and not yet done. */
  #work: (() => void)[] = [];
  /** What was planned last. */
  #last: () => void = () => {};

  constructor(random: SimRandom) {
    this.#random = random;
  }

  /** Its operations fail from now on, until the next crash. */
  get failing(): boolean {
    return this.#failing;
  }

  /** The files, for one life of the member. */
  open(life: Life): Vfs {
    this.#vfs.fault = () => (this.#failing ? new Error("EIO: simulated disk error") : null);
    return trace(this.#vfs, life);
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

  fail(): void {
    this.#failing = true;
  }

  /** True when it hit in the middle of a write. */
  crash(): boolean {
    const torn = this.#work.length > 0 && !this.#failing && this.#random.chance(0.7);
    this.#work = [];
    if (torn) {
      this.#vfs.crashAt = this.#vfs.steps + 1 + this.#random.int(8);
      this.#last();
    }
    this.#failing = false;
    this.#vfs = this.#vfs.afterCrash(() => this.#random.float());
    return torn;
  }
}

function trace(vfs: SimVfs, life: Life): Vfs {
  const note = (operation: string, path: string, ...content: number[]): void => {
    if (life.alive()) life.world.trace.note(`disk ${operation}`, life.id, path, ...content);
  };
  const file = (inner: VfsFile): VfsFile => ({
    path: inner.path,
    size: () => inner.size(),
    read: (position, length) => inner.read(position, length),
    write: (position, data) => {
      note("write", inner.path, position, digestBytes(data));
      inner.write(position, data);
    },
    truncate: (size) => {
      note("truncate", inner.path, size);
      inner.truncate(size);
    },
    sync: () => {
      note("sync", inner.path);
      inner.sync();
    },
    close: () => inner.close(),
  });
  return {
    open: (path) => file(vfs.open(path)),
    create: (path) => {
      note("create", path);
      return file(vfs.create(path));
    },
    list: (dir) => vfs.list(dir),
    exists: (path) => vfs.exists(path),
    mkdir: () => vfs.mkdir(),
    rename: (from, to) => {
      note("rename", to);
      vfs.rename(from, to);
    },
    unlink: (path) => {
      note("unlink", path);
      vfs.unlink(path);
    },
    syncDir: (dir) => {
      note("syncDir", dir);
      vfs.syncDir(dir);
    },
    lock: (path) => vfs.lock(path),
  };
}
