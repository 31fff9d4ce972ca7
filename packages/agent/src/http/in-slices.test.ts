import assert from "node:assert/strict";
import test from "node:test";
import { inSlices } from "./in-slices.ts";

test("others have their turn while it works, and it comes to its end", async () => {
  let turns = 0;
  let isWorking = true;
  const count = () => {
    turns += 1;
    if (isWorking) setImmediate(count);
  };
  setImmediate(count);
  function* work(): Generator<void, string, void> {
    for (let i = 0; i < 20; i++) {
      const until = performance.now() + 2;
      while (performance.now() < until);
      yield;
    }
    return "done";
  }
  assert.equal(await inSlices(work()), "done");
  isWorking = false;
  assert.ok(turns >= 5, `${turns} turns in 40 ms of work`);
});
