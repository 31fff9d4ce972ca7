/** Rule X5 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import type { SnapshotMeta } from "../core/types.ts";
import type { SnapshotStream } from "./api.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";

const CHUNK = 16;
const KEPT_MS = 5 * 60_000;
const WHOLE = Uint8Array.from({ length: 100 }, (_, i) => i);

function metaAt(index: number, term = 1): SnapshotMeta {
  const lists = { voters: [], votersOutgoing: [], learners: [], learnersNext: [] };
  return { index, term, conf: { ...lists, autoLeave: false, addresses: {} } };
}

class Files {
  time = 0;
  /** What each file was given, and how it ended. */
  readonly files: { bytes: number[]; end: string }[] = [];
  readonly intake = new SnapshotIntake({
    storage: {
      createSnapshot: () => {
        const file = { bytes: [] as number[], end: "" };
        this.files.push(file);
        const end = (how: string) => () => {
          file.end = how;
          return Promise.resolve();
        };
        const write = (chunk: Uint8Array) => {
          file.bytes.push(...chunk);
          return Promise.resolve();
        };
        return Promise.resolve({ write, commit: end("committed"), abort: end("aborted") });
      },
    },
    timers: { now: () => this.time },
    limits: { messageBytesMax: CHUNK },
  });
  readonly offsets: number[] = [];

  stream(id: string, breakAt = Number.POSITIVE_INFINITY): SnapshotStream {
    const { offsets } = this;
    return {
      id,
      async *from(offset) {
        offsets.push(offset);
        yield WHOLE.subarray(offset, breakAt);
        if (breakAt < WHOLE.length) throw new Error("broken off");
      },
    };
  }

  async broken(meta: SnapshotMeta, id: string): Promise<void> {
    await assert.rejects(this.intake.store(meta, this.stream(id, 50)), /broken off/);
  }
}

test("[X5] what was written of a snapshot stays, and the rest is asked for", async () => {
  const disk = new Files();
  await disk.broken(metaAt(5), "a");
  await disk.intake.forget(4);
  await disk.intake.store(metaAt(5), disk.stream("a"));
  assert.deepEqual(disk.offsets, [0, 48]);
  assert.deepEqual(disk.files, [{ bytes: [...WHOLE], end: "committed" }]);
});

test("[X5] another snapshot, or the same of another sender, begins anew", async () => {
  for (const [meta, id] of [
    [metaAt(6), "a"],
    [metaAt(5, 2), "a"],
    [metaAt(5), "b"],
  ] as const) {
    const disk = new Files();
    await disk.broken(metaAt(5), "a");
    await disk.intake.store(meta, disk.stream(id));
    assert.deepEqual(disk.offsets, [0, 0]);
    const ends = disk.files.map(({ bytes, end }) => [bytes.length, end]);
    assert.deepEqual(ends, [
      [48, "aborted"],
      [100, "committed"],
    ]);
  }
});

test("[X5] a stream without an id leaves nothing behind", async () => {
  const disk = new Files();
  await disk.broken(metaAt(5), "");
  assert.equal(disk.files[0]?.end, "aborted");
  await disk.intake.store(metaAt(5), disk.stream(""));
  assert.deepEqual(disk.offsets, [0, 0]);
});

test("[X5] what nobody will finish is let go of", async () => {
  for (const [commit, time] of [
    [5, 0],
    [0, KEPT_MS],
  ] as const) {
    const disk = new Files();
    await disk.broken(metaAt(5), "a");
    disk.time = KEPT_MS - 1;
    await disk.intake.forget(4);
    assert.equal(disk.files[0]?.end, "");
    disk.time = time;
    await disk.intake.forget(commit);
    assert.equal(disk.files[0]?.end, "aborted");
  }
});
