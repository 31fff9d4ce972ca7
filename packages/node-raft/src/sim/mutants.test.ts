/** The simulator is only trusted because these bugs do not survive it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { killMutant } from "./kill.ts";
import { mutantsDoc, recordedKills } from "./mutant-table.ts";
import { mutants } from "./mutants.ts";
import { runSeed } from "./simulation.ts";

/** Those that take longer are for the long runs (cli.ts --kill-list). */
const QUICK_SEEDS = 500;

const MUTANTS_MIN = 30;
const FROM_OTHERS_BUGS_MIN = 10;
/** Of this code's own: whoever forgets a rule forgets the assertion as well. */
const NOT_BY: ReadonlySet<string> = new Set(["assertion", "exception", "fatal", "nobody"]);

test("there are enough mutants, and MUTANTS.md says when and by what each was found", () => {
  assert.ok(mutants.length >= MUTANTS_MIN, `${mutants.length}`);
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const rows = mutants.flatMap(({ breaks }) => /§2\.5 row (\d+)/.exec(breaks)?.[1] ?? []);
  assert.ok(new Set(rows).size >= FROM_OTHERS_BUGS_MIN, `rows ${rows.join(", ")}`);
  const again = "node packages/node-raft/src/sim/cli.ts --kill-list --write [--mutant NAME]";
  const { is, should } = mutantsDoc(new Map());
  assert.equal(is, should, again);
  const kills = recordedKills();
  for (const { name, seeds } of mutants) {
    const { seed, checker } = kills.get(name) ?? { seed: Number.NaN, checker: "nobody" };
    assert.ok(seed >= 1 && seed <= seeds, `${name}: ${again}`);
    assert.ok(!NOT_BY.has(checker), `${name} was found by ${checker}`);
  }
});

test("what the mutants replace stands in the sources, once", () => {
  for (const { edits, name } of mutants) {
    for (const { file, find } of edits) {
      const source = readFileSync(join(import.meta.dirname, "..", file), "utf8");
      assert.equal(source.split(find).length - 1, 1, `${name}: ${JSON.stringify(find)} in ${file}`);
    }
  }
});

const quick = mutants.filter((mutant) => mutant.seeds <= QUICK_SEEDS);

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
