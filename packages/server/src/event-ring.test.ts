import assert from "node:assert/strict";
import test from "node:test";
import type { StateEvent } from "@drover/state";
import type { Applied } from "./context.ts";
import { type EventReader, EventRing } from "./event-ring.ts";

function entry(index: number, count = 1, bytes = 100): Applied {
  const event: StateEvent = {
    topic: "Job",
    type: "JobRegistered",
    key: "a",
    namespace: "default",
    filterKeys: [],
    payload: {} as never,
    index,
  };
  const events = Array.from({ length: count }, () => event);
  const result = { ok: true as const, index, value: {} };
  return { index, events, bytes, command: {} as never, result };
}

function ringOf(from: number, to: number, ring = new EventRing()): EventRing {
  for (let index = from; index <= to; index++) ring.append(entry(index));
  return ring;
}

/** Numbers are entries, the rest is told in words. */
function readAll(reader: EventReader): (number | string)[] {
  const seen: (number | string)[] = [];
  for (;;) {
    const read = reader.next();
    if (read.kind === "none") return seen;
    if (read.kind === "entry") seen.push(read.entry.index);
    if (read.kind === "gap") seen.push(`gap ${read.from}-${read.to}`);
    if (read.kind === "overtaken") return [...seen, `overtaken at ${read.resumeIndex}`];
  }
}

test("a reader gets what is still here from its index on, then everything new", () => {
  const ring = new EventRing();
  for (const index of [3, 5, 8]) ring.append(entry(index));
  const reader = ring.reader(5);
  assert.deepEqual(readAll(reader), [5, 8]);
  ring.append(entry(9));
  ring.append(entry(10, 0));
  assert.deepEqual(readAll(reader), [9]);
  assert.deepEqual(readAll(ring.reader(4)), [5, 8, 9], "an index between two entries");
  assert.deepEqual(readAll(ring.reader(12)), []);
});

test("an index that has not come yet is waited for", () => {
  const ring = ringOf(1, 3);
  const reader = ring.reader(6);
  ringOf(4, 7, ring);
  assert.deepEqual(readAll(reader), [6, 7]);
});

test("the ring is bounded by entries, by events and by bytes, and keeps at least one", () => {
  const limits = { entries: 10, events: 100, bytes: 1_000 };
  const many = ringOf(1, 15, new EventRing({ ...limits, bytes: 10_000 }));
  assert.deepEqual(readAll(many.reader(5)).slice(0, 2), ["gap 5-5", 6]);
  assert.deepEqual(readAll(many.reader(6))[0], 6);
  const wide = new EventRing(limits);
  for (let index = 1; index <= 5; index++) wide.append(entry(index, 40, 1));
  assert.deepEqual(readAll(wide.reader(1)), ["gap 1-3", 4, 5]);
  const heavy = new EventRing(limits);
  for (let index = 1; index <= 5; index++) heavy.append(entry(index, 1, 400));
  assert.deepEqual(readAll(heavy.reader(1)), ["gap 1-3", 4, 5]);
  heavy.append(entry(6, 1, 5_000));
  assert.deepEqual(readAll(heavy.reader(6)), [6]);
});

test("a reader that names no index starts late enough not to be overtaken at once", () => {
  const ring = ringOf(1, 100, new EventRing({ entries: 40, events: 400, bytes: 1 << 20 }));
  const reader = ring.reader(0);
  ringOf(101, 120, ring);
  assert.deepEqual(readAll(reader), range(91, 120));
});

test("a reader that is slower than the ring is cut off and can resume with a marked gap", () => {
  const ring = ringOf(1, 5, new EventRing({ entries: 10, events: 400, bytes: 1 << 20 }));
  const reader = ring.reader(2);
  assert.equal(reader.next().kind, "entry");
  ringOf(6, 20, ring);
  assert.deepEqual(readAll(reader), ["overtaken at 3"]);
  assert.deepEqual(readAll(ring.reader(3)), ["gap 3-10", ...range(11, 20)]);
});

test("a snapshot marks the gap for those who ask later and for those who are reading", () => {
  const ring = ringOf(1, 3);
  const upToDate = ring.reader(1);
  const behind = ring.reader(1);
  assert.deepEqual(readAll(upToDate), [1, 2, 3]);
  assert.equal(behind.next().kind, "entry");
  let woken = 0;
  ring.onMore(() => {
    woken += 1;
  });
  ring.reset(50);
  assert.equal(woken, 1);
  ring.append(entry(51));
  assert.deepEqual(readAll(upToDate), ["gap 4-50", 51]);
  assert.deepEqual(readAll(behind), ["gap 2-50", 51]);
  assert.deepEqual(readAll(ring.reader(3)), ["gap 3-50", 51]);
  assert.deepEqual(readAll(ring.reader(51)), [51]);
  assert.deepEqual(readAll(ring.reader(0)), [51]);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
