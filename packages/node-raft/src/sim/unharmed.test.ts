/** What finds the mutants does not find anything where there is none. */
import assert from "node:assert/strict";
import test from "node:test";
import { quickSeeds } from "./kill.ts";
import { reproduction, runSeed, thinness } from "./simulation.ts";

for (const mode of ["core", "upkeep", "states", "upgrade"] as const) {
  test(`the code without a mutant survives the same seeds: ${mode}`, async () => {
    for (let seed = 1; seed <= quickSeeds(mode); seed += 1) {
      const result = await runSeed(seed, { mode });
      assert.equal(result.failure ?? thinness(result), null, reproduction(mode, seed));
    }
  });
}
