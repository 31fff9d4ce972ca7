/**
 * Real files. All calls block: in production they run in the log's worker thread (RAFT.md §4.7).
 */
import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import { acquireLock } from "./lock-file.ts";
import type { Vfs, VfsFile } from "./vfs.ts";

export const nodeVfs: Vfs = {
  open: (path, mode) => openFile(path, mode === "read" ? "r" : "r+"),
  create: (path) => openFile(path, "w+"),
  list: (dir) => {
    if (!fs.existsSync(dir)) return [];
    const files = fs.readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files.map((entry) => entry.name).sort();
  },
  exists: (path) => fs.existsSync(path),
  mkdir: (path) => {
    const first = fs.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    const above = dirname(resolve(first));
    for (let at = resolve(path); at !== above; at = dirname(at)) syncDir(dirname(at));
  },
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.rmSync(path, { force: true }),
  syncDir,
  lock: (path) => acquireLock(path),
};

function syncDir(dir: string): void {
  const fd = fs.openSync(dir, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function openFile(path: string, flags: string): VfsFile {
  const fd = fs.openSync(path, flags, 0o600);
  return {
    path,
    size: () => fs.fstatSync(fd).size,
    read: (position, length) => readFully(fd, position, length),
    write: (position, data) => writeFully(fd, position, data),
    truncate: (size) => fs.ftruncateSync(fd, size),
    sync: () => fs.fdatasyncSync(fd),
    close: () => fs.closeSync(fd),
  };
}

function readFully(fd: number, position: number, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const n = fs.readSync(fd, buffer, done, length - done, position + done);
    if (n === 0) break;
    done += n;
  }
  return done === length ? buffer : buffer.subarray(0, done);
}

function writeFully(fd: number, position: number, data: Uint8Array): void {
  let done = 0;
  while (done < data.length) {
    done += fs.writeSync(fd, data, done, data.length - done, position + done);
  }
}
