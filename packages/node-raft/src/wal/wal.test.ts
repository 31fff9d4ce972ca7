import assert from "node:assert/strict";
import test from "node:test";
import type { Entry, HardState } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { decodeHeader, SEGMENT_HEADER_BYTES, scanBatches } from "./segment.ts";
import { SimVfs } from "./sim-vfs.ts";
import { testEntry as entry, testMeta as meta, seeded } from "./testing.ts";
import { readWhole } from "./vfs.ts";
import { type LogWrite, Wal, WriteEncoder } from "./wal.ts";

const DIR = "/d/wal";
const IDS = { clusterId: "c1", memberId: "m1" };
const SMALL = { segmentBytes: 2048, aheadBytes: 1024 };

interface Model {
  hardState: HardState;
  entries: Entry[];
  base: number;
  /** Up to where entries may be gone. */
  compacted: number;
  marks: number[];
}

const EMPTY: Model = {
  hardState: { term: 0, vote: "", commit: 0 },
  entries: [],
  base: 0,
  compacted: 0,
  marks: [],
};

function applyToModel(model: Model, write: LogWrite): Model {
  let { base, entries } = model;
  const { compacted } = model;
  const mark = write.mark;
  if (mark?.reset) [base, entries] = [mark.meta.index, []];
  const first = write.entries[0];
  if (first !== undefined) entries = entries.filter((e) => e.index < first.index);
  entries = [...entries, ...write.entries];
  const marks = mark === null ? model.marks : [...model.marks, mark.meta.index].slice(-2);
  return { hardState: write.hardState ?? model.hardState, entries, base, compacted, marks };
}

/** A run of writes as a member produces them: appends, conflicts, snapshots, installs. */
function* workload(random: () => number, count: number): Generator<LogWrite | { compact: number }> {
  let last = 0;
  let commit = 0;
  let term = 1;
  let snapshot = 0;
  for (let i = 0; i < count; i += 1) {
    const dice = random();
    if (dice < 0.08 && commit > snapshot) {
      snapshot = commit;
      yield { hardState: null, entries: [], mark: { meta: meta(snapshot, term), reset: false } };
      yield { compact: Math.max(0, snapshot - 3) };
      continue;
    }
    if (dice < 0.1) {
      snapshot = last + 50;
      last = snapshot;
      commit = snapshot;
      const hardState = { term, vote: "m2", commit };
      yield { hardState, entries: [], mark: { meta: meta(snapshot, term), reset: true } };
      continue;
    }
    const from =
      dice < 0.3 && last > commit ? commit + 1 + Math.floor(random() * (last - commit)) : last + 1;
    if (from <= last) term += 1;
    const n = 1 + Math.floor(random() * 4);
    const size = Math.floor(random() * 300);
    const entries = Array.from({ length: n }, (_, k) => entry(from + k, term, size + k));
    last = from + n - 1;
    commit = Math.max(commit, Math.min(last, commit + Math.floor(random() * 3)));
    yield { hardState: { term, vote: "m1", commit }, entries, mark: null };
  }
}

/** Runs until the disk crashes; returns the states that recovery may find. */
function run(vfs: SimVfs, seed: number, count: number): { allowed: Model[]; finished: boolean } {
  let model = EMPTY;
  let allowed = [model];
  try {
    const { wal } = Wal.open(vfs, DIR, IDS, SMALL);
    const encoder = new WriteEncoder(0);
    for (const step of workload(seeded(seed), count)) {
      if ("compact" in step) {
        model = { ...model, compacted: step.compact };
        allowed = [model];
        wal.compact(step.compact);
      } else {
        const next = applyToModel(model, step);
        allowed = [model, next];
        wal.append([encoder.encode(step)]);
        model = next;
        allowed = [model];
      }
      wal.maintain();
    }
    return { allowed, finished: true };
  } catch (error) {
    if (error instanceof RaftError && error.code === "io") return { allowed, finished: false };
    throw error;
  }
}

function matches(model: Model, got: Model): boolean {
  const floor = Math.max(got.base, model.base);
  if (got.base < model.base) return false;
  if (got.base > Math.max(model.base, model.compacted)) return false;
  const want = model.entries.filter((e) => e.index > floor);
  const fields = [got.hardState, got.entries, got.marks];
  return JSON.stringify(fields) === JSON.stringify([model.hardState, want, model.marks]);
}

function recovered(vfs: SimVfs): Model {
  const { recovered: log } = Wal.open(vfs, DIR, IDS, SMALL);
  if (log === null) return EMPTY;
  const marks = log.marks.map((mark) => mark.index);
  return {
    hardState: log.hardState,
    entries: [...log.entries],
    base: log.baseIndex,
    compacted: 0,
    marks,
  };
}

test("what was acknowledged is there after a crash before any disk operation", () => {
  let crashes = 0;
  for (let seed = 1; seed <= 2; seed += 1) {
    for (let crashAt = 1; ; crashAt += 1) {
      const vfs = new SimVfs();
      vfs.crashAt = crashAt;
      const { allowed, finished } = run(vfs, seed, 60);
      if (finished) break;
      crashes += 1;
      for (let variant = 0; variant < 3; variant += 1) {
        const disk = vfs.afterCrash(seeded(seed * 7919 + crashAt * 31 + variant));
        const got = recovered(disk);
        const ok = allowed.some((model) => matches(model, got));
        assert.ok(ok, `seed ${seed}, crash at step ${crashAt}, variant ${variant}`);
        // Recovery itself writes; what it leaves must read the same once more.
        assert.ok(matches(recovered(disk), got), `second recovery, seed ${seed} step ${crashAt}`);
      }
    }
  }
  assert.ok(crashes > 300, `only ${crashes} crash points`);
});

function filled(count: number): { vfs: SimVfs; path: string } {
  const vfs = new SimVfs();
  const { wal } = Wal.open(vfs, DIR, IDS);
  const encoder = new WriteEncoder(0);
  for (let i = 1; i <= count; i += 1) {
    wal.append([encoder.encode({ hardState: null, entries: [entry(i, 1)], mark: null })]);
  }
  return { vfs, path: `${DIR}/${vfs.list(DIR)[0]}` };
}

test("a torn last write is cut and the log goes on behind it", () => {
  const { vfs, path } = filled(10);
  const size = vfs.open(path).size();
  vfs.corrupt(path, size - 5);
  const { wal, recovered: log } = Wal.open(vfs, DIR, IDS);
  assert.equal(log?.lastIndex, 9);
  assert.ok((log?.tornBytes ?? 0) > 0);
  wal.append([
    new WriteEncoder(9).encode({ hardState: null, entries: [entry(10, 2)], mark: null }),
  ]);
  assert.equal(Wal.open(vfs, DIR, IDS).recovered?.entries.at(-1)?.term, 2);
});

test("a torn write that was cut is not found again, however little is written in its place", () => {
  const { vfs, path } = filled(10);
  const { wal } = Wal.open(vfs, DIR, IDS);
  const long = { hardState: null, entries: [entry(11, 1, 5_000)], mark: null };
  wal.append([new WriteEncoder(10).encode(long)]);
  vfs.corrupt(path, vfs.open(path).size() - 2_000);
  const { wal: again, recovered: log } = Wal.open(vfs, DIR, IDS);
  assert.ok((log?.tornBytes ?? 0) > 4_000);
  const short = { hardState: null, entries: [entry(11, 2)], mark: null };
  again.append([new WriteEncoder(10).encode(short)]);
  const { recovered: last } = Wal.open(vfs, DIR, IDS);
  assert.deepEqual([last?.lastIndex, last?.tornBytes], [11, 0]);
});

/** Where the last batch of a file begins, and where it ends. */
function lastBatch(vfs: SimVfs, path: string): { from: number; to: number } {
  const bytes = readWhole(vfs, path);
  const header = decodeHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  assert.ok(header !== null);
  let from = 0;
  const scan = scanBatches(bytes, header, (_frames, at) => {
    from = at;
  });
  assert.ok(scan.kind === "end");
  return { from, to: scan.tail.position };
}

test("a file that others follow ends with its last batch, and is refused without it", () => {
  for (const damage of ["changed", "gone"] as const) {
    const vfs = new SimVfs();
    run(vfs, 3, 200);
    const [first, second] = vfs.list(DIR).map((name) => `${DIR}/${name}`);
    assert.ok(first !== undefined && second !== undefined);
    const { from, to } = lastBatch(vfs, first);
    const file = vfs.open(first);
    assert.equal(file.size(), to);
    if (damage === "gone") file.write(from, new Uint8Array(to - from));
    else vfs.corrupt(first, to - 9);
    const message = damage === "gone" ? /the file before it is cut/ : /a sealed file has a broken/;
    assert.throws(() => Wal.open(vfs, DIR, IDS, SMALL), { code: "corrupt", message });
  }
});

test("a damaged batch with valid ones behind it is refused with file, offset and remedy", () => {
  const { vfs, path } = filled(10);
  vfs.corrupt(path, SEGMENT_HEADER_BYTES + 60 + 100);
  const expected =
    /\.wal: corrupt at offset \d+ \(a valid batch follows at offset \d+\).*join again/;
  assert.throws(() => Wal.open(vfs, DIR, IDS), { code: "corrupt", message: expected });
});

test("a damaged length is still corruption when valid batches follow", () => {
  const { vfs, path } = filled(10);
  vfs.corrupt(path, SEGMENT_HEADER_BYTES, 0x10);
  assert.throws(() => Wal.open(vfs, DIR, IDS), { code: "corrupt" });
});

test("a log that says more is committed than it holds is refused", () => {
  const { vfs } = filled(3);
  const { wal } = Wal.open(vfs, DIR, IDS);
  const hardState = { term: 1, vote: "" as const, commit: 4 };
  wal.append([new WriteEncoder(3).encode({ hardState, entries: [], mark: null })]);
  const message = /\.wal: corrupt at offset \d+ \(commit 4 is beyond the log's 3\)/;
  assert.throws(() => Wal.open(vfs, DIR, IDS), { code: "corrupt", message });
});

test("a damaged header and another member's log are refused", () => {
  const { vfs, path } = filled(3);
  assert.throws(
    () => Wal.open(vfs, DIR, { ...IDS, memberId: "m2" }),
    /written by member m1 .* join again/,
  );
  vfs.corrupt(path, 20);
  assert.throws(() => Wal.open(vfs, DIR, IDS), /header does not check/);
});

test("a file goes when nothing in it is kept, and not before", () => {
  const vfs = new SimVfs();
  const { wal } = Wal.open(vfs, DIR, IDS, SMALL);
  const encoder = new WriteEncoder(0);
  let last = 0;
  for (; vfs.list(DIR).length < 2; wal.maintain()) {
    last += 1;
    wal.append([encoder.encode({ hardState: null, entries: [entry(last, 1)], mark: null })]);
  }
  wal.append([
    encoder.encode({ hardState: null, entries: [], mark: { meta: meta(last, 1), reset: false } }),
  ]);
  wal.compact(last - 1);
  assert.equal(recovered(vfs).base, 0);
  wal.compact(last);
  assert.equal(recovered(vfs).base, last);
});

test("a missing file between two others is refused", () => {
  const vfs = new SimVfs();
  run(vfs, 3, 200);
  const names = vfs.list(DIR);
  assert.ok(names.length >= 3, `${names.length} files`);
  vfs.unlink(`${DIR}/${names[1]}`);
  assert.throws(() => Wal.open(vfs, DIR, IDS, SMALL), /is missing/);
});

test("the first failed sync poisons the log, even when later ones would succeed", () => {
  const vfs = new SimVfs();
  const { wal } = Wal.open(vfs, DIR, IDS);
  const encoder = new WriteEncoder(0);
  const write = (i: number): LogWrite => ({ hardState: null, entries: [entry(i, 1)], mark: null });
  wal.append([encoder.encode(write(1))]);
  vfs.fault = (operation) => (operation === "sync" ? new Error("EIO") : null);
  assert.throws(() => wal.append([encoder.encode(write(2))]), { code: "io", message: /EIO/ });
  vfs.fault = null;
  assert.throws(() => wal.append([encoder.encode(write(3))]), { code: "io", message: /EIO/ });
  assert.throws(() => wal.maintain(), { code: "io" });
});

test("many writes of one append cost one sync", () => {
  const vfs = new SimVfs();
  const { wal } = Wal.open(vfs, DIR, IDS);
  const encoder = new WriteEncoder(0);
  let syncs = 0;
  vfs.fault = (operation) => {
    if (operation === "sync") syncs += 1;
    return null;
  };
  const writes = Array.from({ length: 50 }, (_, i) =>
    encoder.encode({ hardState: null, entries: [entry(i + 1, 1)], mark: null }),
  );
  wal.append(writes);
  assert.equal(syncs, 1);
  assert.equal(Wal.open(vfs, DIR, IDS).recovered?.lastIndex, 50);
});
