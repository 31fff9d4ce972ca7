/**
 * One process per data directory. The lock file names its owner by process id, that process's
 * start time and the boot it belongs to, so that the lock of a dead owner (kill -9, power loss,
 * a reused process id) is seen as stale and replaced.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { RaftError } from "../node/api.ts";

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
  readonly boot: string;
  readonly nonce: string;
}

/** Throws `RaftError` ("io") naming the owner when another live process holds the directory. */
export function acquireLock(path: string): () => void {
  const self = describeSelf();
  const content = JSON.stringify(self);
  const own = `${path}.${self.pid}.${self.nonce}`;
  fs.writeFileSync(own, content);
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (tryLink(own, path)) return () => release(path, content);
      const held = readIfThere(path);
      if (held === null) continue;
      const owner = parseOwner(held);
      if (owner !== null && isAlive(owner)) throw heldBy(path, owner);
      removeStale(path, held, self.nonce);
    }
    throw new RaftError("io", `${path}: other processes keep taking this lock`);
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function heldBy(path: string, owner: Owner): RaftError {
  const message = `${path}: the data directory is in use by process ${owner.pid}; stop it first`;
  return new RaftError("io", message);
}

/** link(2) fails when the name exists: the only atomic "create with content" there is. */
function tryLink(own: string, path: string): boolean {
  try {
    fs.linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Takes the stale file aside; when another starter was faster and it is theirs, gives it back. */
function removeStale(path: string, stale: string, nonce: string): void {
  const aside = `${path}.stale.${nonce}`;
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readIfThere(aside) !== stale) tryLink(aside, path);
  fs.rmSync(aside, { force: true });
}

function release(path: string, content: string): void {
  if (readIfThere(path) === content) fs.rmSync(path, { force: true });
}

function readIfThere(path: string): string | null {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const value = JSON.parse(text) as Partial<Owner>;
    return typeof value.pid === "number" ? (value as Owner) : null;
  } catch (error) {
    // Not ours or half written before a power loss: nobody can hold a lock it does not describe.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.boot !== bootId()) return false;
  const startedAt = startTime(owner.pid);
  return startedAt !== "" && startedAt === owner.startedAt;
}

function describeSelf(): Owner {
  const pid = process.pid;
  const nonce = randomBytes(8).toString("hex");
  return { pid, startedAt: startTime(pid), boot: bootId(), nonce };
}

function bootId(): string {
  return readIfThere("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** Field 22 of /proc/PID/stat; "" when there is no such process or it is dead. */
function startTime(pid: number): string {
  const stat = readStat(pid);
  if (stat === null) return "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie keeps its entry until its parent looks, but holds no file any more.
  if (fields[0] === "Z" || fields[0] === "X") return "";
  return fields[19] ?? "";
}

function readStat(pid: number): string | null {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}
