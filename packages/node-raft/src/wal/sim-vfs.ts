/**
 * A disk in memory for tests and the simulator. What was not synced is lost or torn at a crash,
 * sector by sector, and so are directory changes, some or all of those after a whole prefix. Every
 * mutating call is one step, so a test can crash before each of them.
 */
import type { Vfs, VfsFile } from "./vfs.ts";

/** Smaller than a real one, so that small writes are torn too. */
const SECTOR_BYTES = 64;

/** Thrown by the step that the test chose; the disk refuses everything afterwards. */
export class SimCrash extends Error {
  override readonly name = "SimCrash";
}

type DirChange =
  | { readonly kind: "link"; readonly path: string; readonly node: Inode }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "unlink"; readonly path: string };

type FileChange =
  | { readonly kind: "write"; readonly position: number; readonly data: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number };

interface Inode {
  durable: Uint8Array;
  now: Uint8Array;
  /** Not synced; one that an error or a crash kept from being done is not in `now`. */
  pending: { readonly change: FileChange; done: boolean }[];
}

export class SimVfs implements Vfs {
  /** Steps taken so far. */
  steps = 0;
  /** Step number at which to crash; Infinity = never. */
  crashAt = Number.POSITIVE_INFINITY;
  /** When set, the step for which it returns an error fails with it. */
  fault: ((operation: string, path: string) => Error | null) | null = null;
  #crashed = false;
  readonly #durable: Map<string, Inode>;
  readonly #now: Map<string, Inode>;
  #pending: DirChange[] = [];
  readonly #locks = new Set<string>();

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    const nodes = [...files].map(([path, data]): [string, Inode] => [path, inode(data)]);
    this.#durable = new Map(nodes);
    this.#now = new Map(nodes);
  }

  /**
   * The disk as the next boot finds it; `random` in [0, 1) decides what unsynced bytes survived.
   */
  afterCrash(random: () => number): SimVfs {
    const names = new Map(this.#durable);
    const whole = Math.floor(random() * (this.#pending.length + 1));
    const keepChance = random();
    for (const [i, change] of this.#pending.entries()) {
      if (i < whole || random() < keepChance) applyDirChange(names, change);
    }
    const files = new Map<string, Uint8Array>();
    for (const [path, node] of names) files.set(path, surviving(node, random));
    return new SimVfs(files);
  }

  /** Damages durable bytes, as a failing medium would. */
  corrupt(path: string, position: number, flip = 0xff): void {
    const node = this.#node(path);
    for (const bytes of [node.durable, node.now]) {
      if (position < bytes.length) bytes[position] = (bytes[position] ?? 0) ^ flip;
    }
  }

  open(path: string): VfsFile {
    return this.#file(path, this.#node(path));
  }

  create(path: string): VfsFile {
    this.#step("create", path);
    const node = inode(new Uint8Array(0));
    this.#now.set(path, node);
    this.#pending.push({ kind: "link", path, node });
    return this.#file(path, node);
  }

  list(dir: string): string[] {
    const names = [...this.#now.keys()].filter((path) => path.startsWith(`${dir}/`));
    const plain = names.map((path) => path.slice(dir.length + 1));
    return plain.filter((name) => !name.includes("/")).sort();
  }

  exists(path: string): boolean {
    return this.#now.has(path);
  }

  /** Directories are names only. */
  mkdir(): void {}

  rename(from: string, to: string): void {
    this.#step("rename", to);
    const change: DirChange = { kind: "rename", from, to };
    applyDirChange(this.#now, change);
    this.#pending.push(change);
  }

  unlink(path: string): void {
    if (!this.#now.has(path)) return;
    this.#step("unlink", path);
    const change: DirChange = { kind: "unlink", path };
    applyDirChange(this.#now, change);
    this.#pending.push(change);
  }

  syncDir(dir: string): void {
    this.#step("syncDir", dir);
    const inDir = (path: string): boolean => path.startsWith(`${dir}/`);
    const synced = this.#pending.filter((change) => inDir(changedPath(change)));
    for (const change of synced) applyDirChange(this.#durable, change);
    this.#pending = this.#pending.filter((change) => !inDir(changedPath(change)));
  }

  lock(path: string): () => void {
    if (this.#locks.has(path)) throw new Error(`${path} is locked`);
    this.#locks.add(path);
    return () => this.#locks.delete(path);
  }

  #node(path: string): Inode {
    const node = this.#now.get(path);
    if (node === undefined) throw new Error(`no such file: ${path}`);
    return node;
  }

  #step(operation: string, path: string): void {
    this.steps += 1;
    if (this.#crashed || this.steps >= this.crashAt) {
      this.#crashed = true;
      throw new SimCrash(`crash at step ${this.steps} (${operation} ${path})`);
    }
    const error = this.fault?.(operation, path) ?? null;
    if (error !== null) throw error;
  }

  #file(path: string, node: Inode): VfsFile {
    return {
      path,
      size: () => node.now.length,
      read: (position, length) => node.now.slice(position, position + length),
      write: (position, data) => {
        const change: FileChange = { kind: "write", position, data: data.slice() };
        // A crash inside the write may leave part of it, so it is pending before the step.
        const pending = { change, done: false };
        node.pending.push(pending);
        this.#step("write", path);
        node.now = changeInPlace(node.now, change);
        pending.done = true;
      },
      truncate: (size) => {
        this.#step("truncate", path);
        const change: FileChange = { kind: "truncate", size };
        node.pending.push({ change, done: true });
        node.now = changeInPlace(node.now, change);
      },
      sync: () => {
        try {
          this.#step("sync", path);
        } catch (error) {
          // The system takes what it could not write for written: no later sync makes up for it.
          for (const pending of node.pending) pending.done = false;
          throw error;
        }
        for (const { change, done } of node.pending) {
          if (done) node.durable = changeInPlace(node.durable, change);
        }
        node.pending = [];
      },
      close: () => {},
    };
  }
}

function inode(data: Uint8Array): Inode {
  return { durable: data.slice(), now: data.slice(), pending: [] };
}

function changedPath(change: DirChange): string {
  return change.kind === "rename" ? change.to : change.path;
}

function applyDirChange(names: Map<string, Inode>, change: DirChange): void {
  if (change.kind === "link") names.set(change.path, change.node);
  else if (change.kind === "unlink") names.delete(change.path);
  else {
    const node = names.get(change.from);
    if (node === undefined) return;
    names.delete(change.from);
    names.set(change.to, node);
  }
}

function applyFileChange(bytes: Uint8Array, change: FileChange): Uint8Array {
  const size =
    change.kind === "truncate"
      ? change.size
      : Math.max(bytes.length, change.position + change.data.length);
  const next = new Uint8Array(size);
  next.set(bytes.subarray(0, Math.min(size, bytes.length)));
  if (change.kind === "write") next.set(change.data, change.position);
  return next;
}

/** The array itself where its size stays: a log is written into space that it has. */
function changeInPlace(bytes: Uint8Array, change: FileChange): Uint8Array {
  if (change.kind !== "write" || change.position + change.data.length > bytes.length) {
    return applyFileChange(bytes, change);
  }
  bytes.set(change.data, change.position);
  return bytes;
}

/** A prefix of the unsynced changes survives whole, the rest of the writes sector by sector. */
function surviving(node: Inode, random: () => number): Uint8Array {
  let bytes = node.durable;
  const whole = Math.floor(random() * (node.pending.length + 1));
  const keepChance = random();
  for (const [i, { change }] of node.pending.entries()) {
    if (i < whole) {
      bytes = applyFileChange(bytes, change);
      continue;
    }
    if (change.kind === "truncate") continue;
    for (let at = 0; at < change.data.length; at += SECTOR_BYTES) {
      if (random() >= keepChance) continue;
      const data = change.data.subarray(at, at + SECTOR_BYTES);
      bytes = applyFileChange(bytes, { kind: "write", position: change.position + at, data });
    }
  }
  return bytes;
}
