import assert from "node:assert/strict";
import test from "node:test";
import { mockAlloc, mockJob } from "@drover/model/testing";
import { NameIndex } from "./name-index.ts";

const job = mockJob();

function at(...indexes: number[]) {
  return indexes.map((index) => mockAlloc({}, { job, index }));
}

function index(count: number, ...used: number[]): NameIndex {
  const names = new NameIndex({ jobId: "example", group: "web", count });
  for (const alloc of at(...used)) names.add(alloc);
  return names;
}

function numbers(names: Iterable<string>): number[] {
  return [...names].map((name) => Number(/\[(\d+)\]$/.exec(name)?.[1]));
}

test("[N1] the smallest free names come first", () => {
  assert.deepEqual(numbers(index(5, 0, 2).next(3)), [1, 3, 4]);
});

test("[N1] when all names are taken they are given out again from zero", () => {
  assert.deepEqual(numbers(index(2, 0).next(3)), [1, 0, 1]);
});

test("[N2] canaries take the names they will replace, then free ones, then names past the count", () => {
  const names = index(3, 0, 1);
  const lists = { existing: at(0), destructive: at(1, 0) };
  assert.deepEqual(numbers(names.nextCanaries(4, lists)), [1, 2, 3, 4]);
});

test("[N4] a name used twice is known, until one of the two has gone", () => {
  const names = index(3, 0, 1, 1);
  assert.equal(names.isDuplicate("example.web[1]"), true);
  assert.equal(names.isDuplicate("example.web[0]"), false);
  for (const alloc of at(1)) names.free(alloc);
  assert.equal(names.isDuplicate("example.web[1]"), false);
  assert.deepEqual(numbers(names.next(1)), [2]);
  for (const alloc of at(1)) names.free(alloc);
  assert.deepEqual(numbers(names.next(1)), [1]);
});

test("[N5] one that shares its name is replaced under a free one, if there is any", () => {
  const names = index(4, 0, 0, 1);
  const replaced = at(1, 0, 0).map((alloc) => names.forReplacement(alloc));
  assert.deepEqual(numbers(replaced), [1, 2, 0], "the other one has the name for itself");
});
