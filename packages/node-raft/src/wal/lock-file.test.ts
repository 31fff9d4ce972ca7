import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { acquireLock } from "./lock-file.ts";

function lockIn(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "raft-lock-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "LOCK");
}

test("a held lock is refused with its owner, and free after release", (t) => {
  const path = lockIn(t);
  const release = acquireLock(path);
  assert.throws(() => acquireLock(path), new RegExp(`in use by process ${process.pid}`));
  release();
  acquireLock(path)();
  assert.deepEqual(readdirSync(join(path, "..")), []);
});

test("the lock of a dead process, another boot or a reused process id is taken over", (t) => {
  const path = lockIn(t);
  acquireLock(path);
  const own = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const stale = [
    { ...own, pid: 4_194_304 },
    { ...own, boot: "another boot" },
    { ...own, startedAt: "1" },
    "not even json",
  ];
  for (const owner of stale) {
    writeFileSync(path, typeof owner === "string" ? owner : JSON.stringify(owner));
    const release = acquireLock(path);
    assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, process.pid);
    release();
  }
});

test("releasing does not remove a lock that somebody else has taken since", (t) => {
  const path = lockIn(t);
  const release = acquireLock(path);
  writeFileSync(path, "somebody else's");
  release();
  assert.equal(readFileSync(path, "utf8"), "somebody else's");
});
