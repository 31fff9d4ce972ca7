/** The simulator is only trusted because these bugs do not survive it. */
import assert from "node:assert/strict";
import test from "node:test";
import { killMutant } from "./kill.ts";
import { mutants } from "./mutants.ts";
import { runSeed } from "./simulation.ts";

/** Those that take longer are for the long runs (cli.ts --kill-list). */
const QUICK_SEEDS = 500;

const quick = mutants.filter((mutant) => mutant.seeds <= QUICK_SEEDS);

test("there are at least twenty mutants that die quickly", () => {
  assert.ok(quick.length >= 20, `${quick.length}`);
});

for (const mutant of quick) {
  test(`${mutant.name} is killed within ${mutant.seeds} seeds`, async () => {
    const kill = await killMutant(mutant, mutant.seeds);
    assert.ok(kill !== null, `it survives, and yet: ${mutant.breaks}`);
  });
}

test("the code without a mutant survives the same seeds", async () => {
  const coreSeeds = Math.max(...quick.map(({ mode, seeds }) => (mode === undefined ? seeds : 0)));
  for (let seed = 1; seed <= coreSeeds; seed += 1) {
    const core = await runSeed(seed, { mode: "core" });
    assert.equal(core.failure, null, `core seed ${seed}`);
  }
  const nodeSeeds = quick.filter(({ mode }) => mode === "node").map(({ seeds }) => seeds);
  for (let seed = 1; seed <= Math.max(...nodeSeeds); seed += 1) {
    const node = await runSeed(seed, { mode: "node" });
    assert.equal(node.failure, null, `node seed ${seed}`);
  }
  const upgradeSeeds = quick.filter(({ mode }) => mode === "upgrade").map(({ seeds }) => seeds);
  for (let seed = 1; seed <= Math.max(...upgradeSeeds); seed += 1) {
    const upgrade = await runSeed(seed, { mode: "upgrade" });
    assert.equal(upgrade.failure, null, `upgrade seed ${seed}`);
  }
  const statesSeeds = quick.filter(({ mode }) => mode === "states").map(({ seeds }) => seeds);
  for (let seed = 1; seed <= Math.max(...statesSeeds); seed += 1) {
    const states = await runSeed(seed, { mode: "states" });
    assert.equal(states.failure, null, `states seed ${seed}`);
  }
  const upkeepSeeds = quick.filter(({ mode }) => mode === "upkeep").map(({ seeds }) => seeds);
  for (let seed = 1; seed <= Math.max(...upkeepSeeds); seed += 1) {
    const upkeep = await runSeed(seed, { mode: "upkeep" });
    assert.equal(upkeep.failure, null, `upkeep seed ${seed}`);
  }
});
