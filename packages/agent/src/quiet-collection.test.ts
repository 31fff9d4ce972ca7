import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { collectWhenQuiet } from "./quiet-collection.ts";

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await delay(10);
  }
}

/** Enough for the engine to collect many times; nothing of it is kept. */
async function burst(): Promise<number> {
  let length = 0;
  for (let i = 0; i < 60; i++) {
    length += Array.from({ length: 200_000 }, (_, j) => ({ i, j })).length;
    if (i % 10 === 0) await delay(1);
  }
  return length;
}

test("collects once in the quiet after the start, and once after each burst", async (t) => {
  let collected = 0;
  const collect = () => {
    collected += 1;
  };
  t.after(collectWhenQuiet(collect, { quietMs: 200 }));
  await until("one after the start", () => collected === 1);
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  for (let i = 0; i < 3; i++) gc();
  // In turns: what the engine tells of its collections wakes nobody.
  for (let i = 0; i < 50; i++) await delay(10);
  assert.equal(collected, 1, "none after so few");
  await burst();
  await until("one after the burst", () => collected === 2);
});

test("leaves a large heap to the engine", async (t) => {
  let collected = 0;
  const collect = () => {
    collected += 1;
  };
  t.after(collectWhenQuiet(collect, { quietMs: 50, heapBytes: () => 200 << 20 }));
  await delay(300);
  assert.equal(collected, 0);
});

test("what has become garbage is gone afterwards", async (t) => {
  let kept: unknown = Array.from({ length: 500_000 }, (_, i) => ({ i }));
  assert.ok(kept);
  t.after(collectWhenQuiet(undefined, { quietMs: 100 }));
  const before = process.memoryUsage().heapUsed;
  kept = null;
  await until("10 MB less", () => process.memoryUsage().heapUsed < before - (10 << 20));
});
