import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { LogRotator, logFileIndexes } from "./log-rotator.ts";

async function inDirectory(body: (prefix: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "drover-log-"));
  try {
    await body(join(directory, "web.stdout"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function write(rotator: LogRotator, ...texts: string[]): Promise<void> {
  await Promise.all(texts.map((text) => rotator.write(Buffer.from(text))));
  await rotator.close();
}

test("files are cut at line ends and the oldest are removed", async () => {
  await inDirectory(async (prefix) => {
    const rotator = new LogRotator({ prefix, maxFiles: 2, maxFileBytes: 10 });
    await write(rotator, "aaaa\nbbbb\n", "cccc\n", "dddd\neeee\n");
    assert.deepEqual(await logFileIndexes(prefix), [1, 2]);
    assert.equal(await readFile(`${prefix}.1`, "utf8"), "cccc\ndddd\n");
    assert.equal(await readFile(`${prefix}.2`, "utf8"), "eeee\n");
  });
});

test("a line longer than a file is cut where the file is full", async () => {
  await inDirectory(async (prefix) => {
    const rotator = new LogRotator({ prefix, maxFiles: 9, maxFileBytes: 4 });
    await write(rotator, "0123456789");
    const texts = await Promise.all([0, 1, 2].map((i) => readFile(`${prefix}.${i}`, "utf8")));
    assert.deepEqual(texts, ["0123", "4567", "89"]);
  });
});

test("a later process goes on in the newest file", async () => {
  await inDirectory(async (prefix) => {
    await writeFile(`${prefix}.3`, "old\n");
    await writeFile(`${prefix}.x`, "not a log file");
    const rotator = new LogRotator({ prefix, maxFiles: 9, maxFileBytes: 100 });
    await write(rotator, "new\n");
    assert.equal(await readFile(`${prefix}.3`, "utf8"), "old\nnew\n");
    assert.deepEqual(await logFileIndexes(prefix), [3]);
  });
});

test("a failed write is told and does not stop the ones behind it", async () => {
  await inDirectory(async (prefix) => {
    const rotator = new LogRotator({ prefix, maxFiles: 1, maxFileBytes: 100 });
    const notAFile = { ...Buffer.from("x"), length: 1 } as unknown as Buffer;
    const failing = rotator.write(notAFile);
    const following = rotator.write(Buffer.from("fine\n"));
    await assert.rejects(failing);
    await following;
    await rotator.close();
    assert.equal(await readFile(`${prefix}.0`, "utf8"), "fine\n");
  });
});
