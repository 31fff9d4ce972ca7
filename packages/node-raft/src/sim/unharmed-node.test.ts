/** What unharmed.test.ts shows, for the longest of the modes: in a process of its own. */
import assert from "node:assert/strict";
import test from "node:test";
import { quickSeeds } from "./kill.ts";
import { reproduction, runSeed, thinness } from "./simulation.ts";

test("the code without a mutant survives the same seeds: node", async () => {
  for (let seed = 1; seed <= quickSeeds("node"); seed += 1) {
    const result = await runSeed(seed, { mode: "node" });
    assert.equal(result.failure ?? thinness(result), null, reproduction("node", seed));
  }
});
