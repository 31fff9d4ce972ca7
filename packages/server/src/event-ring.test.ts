import assert from "node:assert/strict";
import test from "node:test";
import type { StateEvent } from "@drover/state";
import type { Applied } from "./context.ts";
import { EventRing } from "./event-ring.ts";

function entry(index: number, count = 1): Applied {
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
  return { index, events, command: {} as never, result: { ok: true, index, value: {} } };
}

function read(ring: EventRing, from: number) {
  const indexes: number[] = [];
  const subscription = ring.subscribe(from, (told) => indexes.push(told.index));
  return { indexes, subscription };
}

test("a reader gets what is still here from its index on, then everything new", () => {
  const ring = new EventRing();
  for (const index of [3, 5, 8]) ring.append(entry(index));
  const { indexes, subscription } = read(ring, 5);
  ring.append(entry(9));
  ring.append(entry(10, 0));
  subscription.cancel();
  ring.append(entry(11));
  assert.deepEqual(indexes, [5, 8, 9]);
  assert.equal(subscription.gap, false);
});

test("the ring is bounded by entries and by events, and says what it has forgotten", () => {
  const many = new EventRing();
  for (let index = 1; index <= 1_500; index++) many.append(entry(index));
  assert.equal(read(many, 0).indexes.length, 1_000);
  assert.equal(read(many, 500).subscription.gap, true);
  assert.equal(read(many, 501).subscription.gap, false);
  const large = new EventRing();
  for (let index = 1; index <= 10; index++) large.append(entry(index, 6_000));
  assert.deepEqual(read(large, 0).indexes, [8, 9, 10]);
});

test("after a snapshot an older index is told of the gap", () => {
  const ring = new EventRing();
  ring.append(entry(3));
  ring.reset(50);
  const { indexes, subscription } = read(ring, 3);
  assert.deepEqual(indexes, []);
  assert.equal(subscription.gap, true);
  assert.equal(read(ring, 51).subscription.gap, false);
});
