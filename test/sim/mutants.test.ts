/** The simulator is only trusted because these bugs do not survive it. */
import assert from "node:assert/strict";
import test from "node:test";
import { loadMutant } from "./load-mutant.ts";
import { type Mutant, mutants } from "./mutants.ts";

/** The seed and the checker that found it; an exception of the mutated code does not count. */
async function kill(mutant: Mutant): Promise<string | null> {
  const runSeed = await loadMutant(mutant);
  for (let seed = 1; seed <= mutant.seeds; seed += 1) {
    const { failure } = await runSeed(seed);
    if (failure !== null && failure.kind !== "crash") return `seed ${seed}: ${failure.checker}`;
  }
  return null;
}

for (const mutant of mutants) {
  test(`${mutant.name} is killed within ${mutant.seeds} seeds`, async () => {
    const killed = await kill(mutant);
    console.log(`${mutant.name}: ${killed}`);
    assert.ok(killed !== null, `it survives, and yet: ${mutant.breaks}`);
  });
}
