/** What a failing seed prints is less than the whole run, and plays again. */
import assert from "node:assert/strict";
import test from "node:test";
import { loadMutant } from "./load-mutant.ts";
import { mutants } from "./mutants.ts";
import { leftOutOf, leftOutText, shrink, smallerScenario } from "./shrink.ts";
import { type RunResult, runSeed } from "./simulation.ts";

const SEEDS_MAX = 100;

for (const name of ["ack-before-fsync", "read-before-own-term"]) {
  test(`a run that fails for ${name} becomes a smaller one that its text plays again`, async () => {
    const mutant = mutants.find((each) => each.name === name);
    assert.ok(mutant !== undefined);
    const options = { mode: "core", code: await loadMutant(mutant) } as const;
    const whole = await firstFailure(options);
    const smaller = await shrink(whole, options);
    assert.ok(smaller !== null, "nothing could be left out");
    const { faults } = smaller.result;
    assert.ok(faults.length < whole.faults.length, `${faults.length} of ${whole.faults.length}`);
    const leftOut = leftOutOf(leftOutText(smaller.leftOut));
    const again = await runSeed(whole.seed, {
      ...options,
      smaller: (scenario) => smallerScenario(scenario, leftOut),
    });
    assert.equal(again.hash, smaller.result.hash);
    assert.equal(again.failure?.message, smaller.result.failure?.message);
  });
}

async function firstFailure(options: Parameters<typeof runSeed>[1]): Promise<RunResult> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const result = await runSeed(seed, options);
    if (result.failure !== null && result.failure.kind !== "crash") return result;
  }
  throw new Error(`no failure in ${SEEDS_MAX} seeds`);
}
