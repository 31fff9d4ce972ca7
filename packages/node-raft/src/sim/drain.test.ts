import assert from "node:assert/strict";
import test from "node:test";
import { drainedSteps } from "./drain.ts";

test("before a step everything has run that the steps before it set off in promises", async () => {
  let settled = 0;
  const seen: number[] = [];
  const chain = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await null;
    settled += 1;
  };
  // More than one pass through the event loop.
  await drainedSteps(() => {
    seen.push(settled);
    void chain();
    return seen.length < 300;
  });
  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, i) => i),
  );
});

test("a step that throws is the last", async () => {
  let steps = 0;
  const step = (): boolean => {
    steps += 1;
    if (steps === 70) throw new Error("found");
    return true;
  };
  await assert.rejects(drainedSteps(step), /found/);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(steps, 70);
});
