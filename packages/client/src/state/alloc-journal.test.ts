import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { want } from "../testing/jobs.ts";
import { AllocJournal } from "./alloc-journal.ts";
import { type AllocRecord, newAllocRecord } from "./alloc-record.ts";

async function inDirectory(act: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "drover-journal-"));
  try {
    await act(join(directory, "client", "allocs.log"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function aRecord(id: string, seq: number): AllocRecord {
  const { alloc, job } = want("node-1");
  return { ...newAllocRecord({ alloc: { ...alloc, id }, job, now: 1 }), seq };
}

/** What a journal opened anew finds: `id:seq`, sorted. */
async function found(path: string): Promise<string[]> {
  const journal = new AllocJournal(path);
  const { records } = await journal.load();
  await journal.close();
  return records.map((record) => `${record.alloc.id}:${record.seq}`).sort();
}

async function withJournal(
  path: string,
  act: (journal: AllocJournal) => Promise<void>,
): Promise<void> {
  const journal = new AllocJournal(path);
  await journal.load();
  await act(journal);
  await journal.close();
}

/** The first byte behind the last frame. */
async function endOf(path: string): Promise<number> {
  const bytes = await readFile(path);
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

test("the newest version of each record is found again, and nothing that was removed", () =>
  inDirectory(async (path) => {
    assert.deepEqual(await found(path), []);
    await withJournal(path, async (journal) => {
      await Promise.all([journal.write(aRecord("a", 1)), journal.write(aRecord("b", 1))]);
      await journal.write(aRecord("a", 2));
      await journal.write(aRecord("c", 1));
      await journal.remove("b");
    });
    assert.deepEqual(await found(path), ["a:2", "c:1"]);
    await withJournal(path, (journal) => journal.write(aRecord("a", 3)));
    assert.deepEqual(await found(path), ["a:3", "c:1"]);
  }));

test("a write that is acknowledged is on disk without closing", () =>
  inDirectory(async (path) => {
    const journal = new AllocJournal(path);
    await journal.load();
    await journal.write(aRecord("a", 1));
    assert.deepEqual(await found(path), ["a:1"]);
    await journal.close();
  }));

test("a torn end was acknowledged to nobody and is dropped without a word", () =>
  inDirectory(async (path) => {
    await withJournal(path, async (journal) => {
      await journal.write(aRecord("a", 1));
      await journal.write(aRecord("a", 2));
    });
    const bytes = await readFile(path);
    const end = await endOf(path);
    for (const cut of [1, 100, 1000]) {
      await writeFile(path, bytes.subarray(0, end - cut));
      const journal = new AllocJournal(path);
      const { records, damaged } = await journal.load();
      await journal.close();
      assert.deepEqual(damaged, [], `cut by ${cut}`);
      assert.deepEqual(
        records.map((record) => record.seq),
        [1],
        `cut by ${cut}`,
      );
    }
  }));

test("a damaged record in the middle is told, kept aside, and takes no other along", () =>
  inDirectory(async (path) => {
    await withJournal(path, async (journal) => {
      await journal.write(aRecord("a", 1));
      await journal.write(aRecord("b", 1));
    });
    const bytes = await readFile(path);
    bytes[100] = (bytes[100] ?? 0) ^ 0xff;
    await writeFile(path, bytes);
    const journal = new AllocJournal(path);
    const { records, damaged } = await journal.load();
    await journal.close();
    assert.deepEqual(damaged, [`${path}.damaged`]);
    assert.deepEqual(await readFile(`${path}.damaged`), bytes);
    assert.deepEqual(
      records.map((record) => record.alloc.id),
      ["b"],
    );
  }));

test("what a failed write left behind the end is not taken for news", () =>
  inDirectory(async (path) => {
    await withJournal(path, (journal) => journal.write(aRecord("a", 1)));
    const old = (await readFile(path)).subarray(0, await endOf(path));
    await withJournal(path, (journal) => journal.write(aRecord("a", 2)));
    const end = await endOf(path);
    await writeFile(path, (await readFile(path)).subarray(0, end));
    await appendFile(path, old);
    assert.deepEqual(await found(path), ["a:2"], "the higher serial holds");
  }));

test("a file that has grown is written anew while it is used", () =>
  inDirectory(async (path) => {
    const large = { ...aRecord("a", 0), cutOff: "x".repeat(400_000) };
    let largest = 0;
    await withJournal(path, async (journal) => {
      await journal.write(aRecord("b", 7));
      for (let seq = 1; seq <= 40; seq++) {
        await journal.write({ ...large, seq });
        largest = Math.max(largest, (await stat(path)).size);
      }
    });
    assert.ok(largest < 12_000_000, `16 MB were written, the file never had more than ${largest}`);
    assert.deepEqual(await found(path), ["a:40", "b:7"]);
  }));
