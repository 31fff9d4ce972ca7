/**
 * The few file operations the log and the snapshots need, synchronous and fallible. Two
 * implementations: `node-vfs.ts` (real files) and `sim-vfs.ts` (a disk that forgets what was not
 * synced). A failed write or sync throws; the caller must then stop using the store, because
 * nobody knows what reached the disk (RAFT.md §2.5 row 11).
 */
export interface Vfs {
  /** Existing file; throws when absent. */
  open(path: string, mode: "read" | "write"): VfsFile;
  /** New empty file for writing; an existing one is emptied. Durable after `syncDir`. */
  create(path: string): VfsFile;
  /** Plain file names of a directory, sorted; an absent directory is empty. */
  list(dir: string): string[];
  exists(path: string): boolean;
  /** With parents, durably. */
  mkdir(path: string): void;
  /** Atomic replace within one directory. Durable after `syncDir`. */
  rename(from: string, to: string): void;
  /** An absent file is no error. Durable after `syncDir`. */
  unlink(path: string): void;
  /** Makes creations, renames and removals in `dir` durable. */
  syncDir(dir: string): void;
  /** Single-writer lock that a dead owner does not hold; returns its release. */
  lock(path: string): () => void;
}

export interface VfsFile {
  readonly path: string;
  size(): number;
  /** Exactly `length` bytes, or fewer at the end of the file. */
  read(position: number, length: number): Uint8Array;
  /** All of `data`; a short write throws. */
  write(position: number, data: Uint8Array): void;
  truncate(size: number): void;
  /** Data and the metadata needed to read it back (fdatasync). */
  sync(): void;
  close(): void;
}

export function readWhole(vfs: Vfs, path: string): Uint8Array {
  const file = vfs.open(path, "read");
  try {
    return file.read(0, file.size());
  } finally {
    file.close();
  }
}

/**
 * tmp → sync → rename → directory sync: after a crash either the old or the new content is there.
 */
export function writeAtomically(vfs: Vfs, dir: string, name: string, data: Uint8Array): void {
  const tmp = `${dir}/${name}.tmp`;
  const file = vfs.create(tmp);
  try {
    file.write(0, data);
    file.sync();
  } finally {
    file.close();
  }
  vfs.rename(tmp, `${dir}/${name}`);
  vfs.syncDir(dir);
}
