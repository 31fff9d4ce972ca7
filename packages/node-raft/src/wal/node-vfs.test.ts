import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { nodeVfs } from "./node-vfs.ts";

/** Directories that are synced meanwhile. */
function syncedBy(t: TestContext, act: () => void): string[] {
  const synced: string[] = [];
  const { fsyncSync } = fs;
  const mocked = t.mock.method(fs, "fsyncSync", (fd: number) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
    fsyncSync(fd);
  });
  syncBuiltinESMExports();
  try {
    act();
  } finally {
    mocked.mock.restore();
    syncBuiltinESMExports();
  }
  return synced;
}

test("a new directory is durable in the one that it is in, and so are those above", (t) => {
  const root = fs.mkdtempSync(join(tmpdir(), "raft-vfs-"));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "a", "b", "c");
  const synced = syncedBy(t, () => nodeVfs.mkdir(dir));
  assert.deepEqual(synced.sort(), [root, join(root, "a"), join(root, "a", "b")]);
  assert.deepEqual(
    syncedBy(t, () => nodeVfs.mkdir(dir)),
    [],
  );
});
