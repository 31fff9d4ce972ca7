import assert from "node:assert/strict";
import test from "node:test";
import { AssertionFailure, assert as assertThat } from "./assert.ts";
import { DroverError, errorText } from "./errors.ts";
import { Heap } from "./heap.ts";
import { hashLabel, mintUuid, SeededRandom } from "./random.ts";

test("a heap gives its items in order", () => {
  const random = new SeededRandom(7);
  const heap = new Heap<number>((a, b) => a < b);
  const items = Array.from({ length: 200 }, () => random.int(50));
  for (const item of items) heap.push(item);
  assert.equal(heap.size, 200);
  assert.equal(heap.peek(), Math.min(...items));
  const out: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) out.push(item);
  assert.deepEqual(
    out,
    items.sort((a, b) => a - b),
  );
  assert.equal(heap.pop(), undefined);
});

test("the same seed gives the same stream, and forks do not disturb each other", () => {
  const draws = (random: SeededRandom): number[] => [random.next(), random.next(), random.int(9)];
  assert.deepEqual(draws(new SeededRandom(3)), draws(new SeededRandom(3)));
  assert.notDeepEqual(draws(new SeededRandom(3)), draws(new SeededRandom(4)));
  const parent = new SeededRandom(5);
  const before = parent.fork("a").next();
  parent.next();
  assert.equal(parent.fork("a").next(), before);
  assert.notEqual(parent.fork("b").next(), before);
});

test("numbers stay in their range", () => {
  const random = new SeededRandom(11);
  for (let i = 0; i < 1000; i++) {
    const value = random.next();
    assert.ok(value >= 0 && value < 1, `draw ${i}: ${value}`);
    assert.ok(random.int(3) < 3, `draw ${i}`);
  }
});

test("ids are version 4 and differ", () => {
  const random = new SeededRandom(hashLabel("ids"));
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const first = mintUuid(random);
  assert.match(first, pattern);
  assert.notEqual(mintUuid(random), first);
});

test("an assertion throws its message only when it fails", () => {
  let built = 0;
  const message = (): string => {
    built++;
    return "broken";
  };
  assertThat(true, message);
  assert.equal(built, 0);
  assert.throws(() => assertThat(false, message), AssertionFailure);
  assert.throws(() => assertThat(false, message), /broken/);
});

test("an operating error keeps its code, cause and whether to retry", () => {
  const cause = new Error("refused");
  const error = new DroverError("PULL", "cannot pull", { retryable: true, cause });
  assert.deepEqual([error.code, error.retryable, error.cause], ["PULL", true, cause]);
  assert.equal(new DroverError("X", "x").retryable, false);
  assert.equal(errorText(error), "cannot pull");
  assert.equal(errorText(7), "7");
});
