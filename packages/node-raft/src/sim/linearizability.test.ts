import assert from "node:assert/strict";
import test from "node:test";
import { checkRegister, type RegisterOperation } from "./linearizability.ts";

function write(value: number, invokedAt: number, completedAt: number): RegisterOperation {
  return { kind: "write", value, invokedAt, completedAt };
}

function read(value: number, invokedAt: number, completedAt: number): RegisterOperation {
  return { kind: "read", value, invokedAt, completedAt };
}

test("accepts a history that has an order", () => {
  const overlapping = [write(1, 0, 10), write(2, 1, 9), read(2, 2, 3), read(1, 4, 5)];
  assert.equal(checkRegister(overlapping), null);
  assert.equal(checkRegister([read(0, 0, 1), write(1, 2, 3), read(1, 4, 5)]), null);
  assert.equal(checkRegister([]), null);
});

test("an unknown write may have happened, or not", () => {
  assert.equal(checkRegister([write(1, 0, Infinity), read(0, 5, 6), read(0, 7, 8)]), null);
  assert.equal(checkRegister([write(1, 0, Infinity), read(0, 5, 6), read(1, 7, 8)]), null);
});

test("refuses a read that misses an acknowledged write", () => {
  assert.ok(checkRegister([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]));
  assert.ok(checkRegister([write(1, 0, 1), read(0, 4, 5)]));
});

test("refuses reads that go back", () => {
  assert.ok(checkRegister([write(1, 0, 1), write(2, 2, 20), read(2, 3, 4), read(1, 5, 6)]));
  assert.ok(checkRegister([write(1, 0, Infinity), read(1, 3, 4), read(0, 5, 6)]));
});

test("refuses a value from nowhere and one from the future", () => {
  assert.ok(checkRegister([read(7, 0, 1)]));
  assert.ok(checkRegister([read(1, 0, 1), write(1, 2, 3)]));
});
