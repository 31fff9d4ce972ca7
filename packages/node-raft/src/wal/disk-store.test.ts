import assert from "node:assert/strict";
import test from "node:test";
import { RaftError } from "../node/api.ts";
import { DiskStore } from "./disk-store.ts";
import { SimVfs } from "./sim-vfs.ts";
import { snapshotName } from "./snapshot-store.ts";
import { seeded, testEntry, testMeta } from "./testing.ts";
import { type LogWrite, WriteEncoder } from "./wal.ts";

const DIR = "/d";
const WAL = { segmentBytes: 2048, aheadBytes: 512 };
const START = { clusterId: "c1", hardState: { term: 1, vote: "" as const, commit: 1 } };

function open(vfs: SimVfs): ReturnType<typeof DiskStore.open> {
  return DiskStore.open(vfs, DIR, () => "m1", WAL);
}

interface Progress {
  initialized: boolean;
  /** Highest entry that was acknowledged. */
  last: number;
  /** Newest snapshot whose mark was acknowledged. */
  snapshot: number;
}

function chunkOf(index: number): Uint8Array {
  return new Uint8Array(700).fill(index % 251);
}

function takeSnapshot(store: DiskStore, encoder: WriteEncoder, index: number): void {
  const meta = testMeta(index, 1);
  const handle = store.snapshots.begin(meta);
  for (let i = 0; i < 3; i += 1) store.snapshots.write(handle, chunkOf(index));
  store.snapshots.commit(handle);
  store.append([encoder.encode({ hardState: null, entries: [], mark: { meta, reset: false } })]);
}

/** A member's life: appends, a snapshot every 20 entries, compaction behind it. */
function live(vfs: SimVfs, entries: number, progress: Progress): void {
  const { store } = open(vfs);
  store.initialize({ ...START, entries: [testEntry(1, 1)] });
  progress.initialized = true;
  progress.last = 1;
  const encoder = new WriteEncoder(1);
  for (let index = 2; index <= entries; index += 1) {
    const hardState = { term: 1, vote: "m1", commit: index - 1 };
    const write: LogWrite = { hardState, entries: [testEntry(index, 1, 90)], mark: null };
    store.append([encoder.encode(write)]);
    progress.last = index;
    store.maintain();
    if (index % 20 !== 0) continue;
    takeSnapshot(store, encoder, index - 1);
    progress.snapshot = index - 1;
    store.compact(index - 6);
  }
}

function check(vfs: SimVfs, progress: Progress, label: string): void {
  const { store, state } = open(vfs);
  if (state.clusterId === "") {
    assert.ok(!progress.initialized, `${label}: the cluster is forgotten`);
    return;
  }
  const last = state.entries.at(-1)?.index ?? state.snapshot?.index ?? 0;
  assert.ok(last >= progress.last, `${label}: ends at ${last}, acknowledged ${progress.last}`);
  assert.ok((state.snapshot?.index ?? 0) >= progress.snapshot, `${label}: snapshot lost`);
  const first = state.entries[0]?.index ?? last + 1;
  assert.ok(first <= (state.snapshot?.index ?? 0) + 1, `${label}: a gap before ${first}`);
  if (state.snapshot === null) return;
  const reader = store.snapshots.openReader(state.snapshot);
  for (let i = 0; i < 3; i += 1) {
    assert.deepEqual(store.snapshots.read(reader), chunkOf(state.snapshot.index), label);
  }
  assert.equal(store.snapshots.read(reader), null);
}

test("identity, log and snapshots fit together after a crash before any disk operation", () => {
  for (let crashAt = 1; ; crashAt += 1) {
    const vfs = new SimVfs();
    vfs.crashAt = crashAt;
    const progress: Progress = { initialized: false, last: 0, snapshot: 0 };
    let crashed = false;
    try {
      live(vfs, 90, progress);
    } catch {
      // Whatever the store makes of the crash; what matters is what the next start finds.
      crashed = true;
    }
    if (!crashed) {
      assert.ok(crashAt > 300, `${crashAt} crash points`);
      return;
    }
    for (let variant = 0; variant < 2; variant += 1) {
      const disk = vfs.afterCrash(seeded(crashAt * 17 + variant));
      check(disk, progress, `crash at step ${crashAt}, variant ${variant}`);
    }
  }
});

function lived(): { vfs: SimVfs; newest: string } {
  const vfs = new SimVfs();
  live(vfs, 90, { initialized: false, last: 0, snapshot: 0 });
  return { vfs: vfs.afterCrash(() => 0), newest: `${DIR}/snap/${snapshotName(testMeta(79, 1))}` };
}

test("two snapshots are kept, and a damaged newest one that the log does not bridge is refused", () => {
  const { vfs, newest } = lived();
  assert.equal(vfs.list(`${DIR}/snap`).length, 2);
  vfs.corrupt(newest, 800);
  // The log reaches back to index 75 only, so the older one at 59 cannot be bridged.
  assert.throws(() => open(vfs), { code: "corrupt", message: /corrupt at offset \d+/ });

  const whole = lived().vfs;
  const { state } = open(whole);
  assert.equal(state.snapshot?.index, 79);
  assert.deepEqual(state.notes, []);
});

test("a damaged newest snapshot is bridged by the one before and a long enough log", () => {
  const vfs = new SimVfs();
  const { store } = open(vfs);
  store.initialize({ ...START, entries: [testEntry(1, 1)] });
  const encoder = new WriteEncoder(1);
  for (let index = 2; index <= 30; index += 1) {
    const write = { hardState: null, entries: [testEntry(index, 1)], mark: null };
    store.append([encoder.encode(write)]);
  }
  takeSnapshot(store, encoder, 10);
  takeSnapshot(store, encoder, 20);
  const disk = vfs.afterCrash(() => 0);
  disk.corrupt(`${DIR}/snap/${snapshotName(testMeta(20, 1))}`, 900);
  const { state } = open(disk);
  assert.equal(state.snapshot?.index, 10);
  assert.match(state.notes.join(), /snapshot at index 20 is unusable/);
});

test("what an earlier life left unfinished is removed", () => {
  const { vfs } = lived();
  const names = vfs.list(`${DIR}/snap`);
  const left = [`${DIR}/wal/00000000000000000099-0000000000000099.wal.tmp`];
  for (const name of ["99-1.snap", "79-1.snap.3.tmp"]) left.push(`${DIR}/snap/${name}`);
  for (const path of left) vfs.create(path).close();
  open(vfs);
  assert.deepEqual(vfs.list(`${DIR}/snap`), names);
  assert.ok(vfs.list(`${DIR}/wal`).every((name) => name.endsWith(".wal")));
});

test("a member whose log is gone, or whose id file is broken, does not start", () => {
  const gone = lived().vfs;
  for (const name of gone.list(`${DIR}/wal`)) gone.unlink(`${DIR}/wal/${name}`);
  assert.throws(() => open(gone), { code: "corrupt", message: /the log of this member is gone/ });
  const broken = lived().vfs;
  broken.corrupt(`${DIR}/id.json`, 0);
  assert.throws(
    () => open(broken),
    (error) => error instanceof RaftError && error.code === "corrupt",
  );
  const newer = lived().vfs;
  const id = { clusterId: "c1", memberId: "m1", format: 2 };
  newer.create(`${DIR}/id.json`).write(0, new TextEncoder().encode(JSON.stringify(id)));
  assert.throws(() => open(newer), { message: /id\.json: format 2, .* start the version that/ });
  // The lock of a refused start is free again.
  broken.corrupt(`${DIR}/id.json`, 0);
  assert.equal(open(broken).state.clusterId, "c1");
});

test("a bootstrap that did not come to its end starts over", () => {
  const vfs = new SimVfs();
  const { store } = open(vfs);
  vfs.fault = (operation, path) => {
    return operation === "rename" && path.endsWith("id.json") ? new Error("EIO") : null;
  };
  assert.throws(() => store.initialize({ ...START, entries: [testEntry(1, 1)] }), /EIO/);
  const disk = vfs.afterCrash(() => 0.99);
  const again = open(disk);
  assert.equal(again.state.clusterId, "");
  again.store.initialize({ ...START, clusterId: "c2", entries: [testEntry(1, 1)] });
  assert.equal(open(disk.afterCrash(() => 0)).state.clusterId, "c2");
});

test("[H7] a quarantine is there after a crash at any moment, or was never promised", () => {
  const why = { after: 64, index: 128, digest: "mine", agreedDigest: "theirs" };
  for (let crashAt = 1; ; crashAt += 1) {
    const vfs = new SimVfs();
    const { store } = open(vfs);
    store.initialize({ ...START, entries: [testEntry(1, 1)] });
    vfs.crashAt = vfs.steps + crashAt;
    let promised = true;
    try {
      store.quarantine(why);
    } catch {
      promised = false;
    }
    for (let variant = 0; variant < 8; variant += 1) {
      const { state } = open(vfs.afterCrash(seeded(crashAt * 17 + variant)));
      if (state.quarantine !== null) assert.deepEqual(state.quarantine, why);
      else assert.ok(!promised, `forgotten after a crash at step ${crashAt}`);
    }
    if (!promised) continue;
    assert.ok(crashAt > 4, `${crashAt} crash points`);
    return;
  }
});
