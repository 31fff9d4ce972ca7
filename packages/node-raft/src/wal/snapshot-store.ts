/**
 * Snapshot files of one member: written beside, synced, renamed, directory synced. A file counts
 * only once a mark in the log names it, so the log may be dropped only after the mark is durable
 * (RAFT.md §2.5 row 15).
 */
import { assert } from "../core/assert.ts";
import type { SnapshotMeta } from "../core/types.ts";
import { SnapshotFileReader, SnapshotFileWriter } from "./snapshot-file.ts";
import type { Vfs } from "./vfs.ts";

export class SnapshotStore {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #writers = new Map<number, { file: SnapshotFileWriter; tmp: string; name: string }>();
  readonly #readers = new Map<number, SnapshotFileReader>();
  #handles = 0;

  constructor(vfs: Vfs, dir: string) {
    this.#vfs = vfs;
    this.#dir = dir;
    vfs.mkdir(dir);
  }

  /** Removes what no mark names: unfinished files and those whose mark never became durable. */
  clean(marks: readonly SnapshotMeta[]): void {
    const named = new Set(marks.map(snapshotName));
    this.#removeWhere((name) => !named.has(name));
  }

  /** Removes what is older than every mark; a newer file may be waiting for its mark. */
  dropOlder(marks: readonly SnapshotMeta[]): void {
    const oldest = marks[0];
    if (oldest === undefined) return;
    const keepFrom = snapshotName(oldest);
    this.#removeWhere((name) => name.endsWith(".snap") && name < keepFrom);
  }

  #removeWhere(unwanted: (name: string) => boolean): void {
    const names = this.#vfs.list(this.#dir).filter(unwanted);
    for (const name of names) this.#vfs.unlink(`${this.#dir}/${name}`);
    if (names.length > 0) this.#vfs.syncDir(this.#dir);
  }

  /**
   * Reads the file through; throws `RaftError` ("corrupt") or an I/O error when it is not whole.
   */
  verify(meta: SnapshotMeta): void {
    const reader = this.#reader(meta);
    try {
      while (reader.next() !== null);
    } finally {
      reader.close();
    }
  }

  begin(meta: SnapshotMeta): number {
    const handle = ++this.#handles;
    const name = snapshotName(meta);
    const tmp = `${this.#dir}/${name}.${handle}.tmp`;
    const file = new SnapshotFileWriter(this.#vfs.create(tmp), meta);
    this.#writers.set(handle, { file, tmp, name });
    return handle;
  }

  write(handle: number, chunk: Uint8Array): void {
    this.#writer(handle).file.write(chunk);
  }

  /** The file is durable under its name when it returns. */
  commit(handle: number): void {
    const { file, tmp, name } = this.#writer(handle);
    this.#writers.delete(handle);
    file.finish();
    this.#vfs.rename(tmp, `${this.#dir}/${name}`);
    this.#vfs.syncDir(this.#dir);
  }

  abort(handle: number): void {
    const { file, tmp } = this.#writer(handle);
    this.#writers.delete(handle);
    file.abandon();
    this.#vfs.unlink(tmp);
  }

  openReader(meta: SnapshotMeta): number {
    const handle = ++this.#handles;
    this.#readers.set(handle, this.#reader(meta));
    return handle;
  }

  /** null at the end; the reader is closed then. */
  read(handle: number): Uint8Array | null {
    const reader = this.#readers.get(handle);
    assert(reader !== undefined, () => `no snapshot reader ${handle}`);
    const chunk = reader.next();
    if (chunk === null) this.closeReader(handle);
    return chunk;
  }

  closeReader(handle: number): void {
    this.#readers.get(handle)?.close();
    this.#readers.delete(handle);
  }

  close(): void {
    for (const { file } of this.#writers.values()) file.abandon();
    for (const reader of this.#readers.values()) reader.close();
    this.#writers.clear();
    this.#readers.clear();
  }

  #reader(meta: SnapshotMeta): SnapshotFileReader {
    return new SnapshotFileReader(this.#vfs.open(`${this.#dir}/${snapshotName(meta)}`, "read"));
  }

  #writer(handle: number): { file: SnapshotFileWriter; tmp: string; name: string } {
    const writer = this.#writers.get(handle);
    assert(writer !== undefined, () => `no snapshot writer ${handle}`);
    return writer;
  }
}

/** Names sort by index. */
export function snapshotName(meta: SnapshotMeta): string {
  return `${String(meta.index).padStart(20, "0")}-${meta.term}.snap`;
}
