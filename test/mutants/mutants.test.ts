/**
 * The tests, the simulation and the small scopes are only trusted because these bugs do not survive
 * them, and because they say nothing against the code as it is.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { mutants } from "./index.ts";
import { failing, kill } from "./kill.ts";
import { mutantsDoc } from "./table.ts";

const ROOT = join(import.meta.dirname, "../..");
const MUTANTS_MIN = 30;
const PARALLEL = { concurrency: availableParallelism() };

test("there are enough mutants, each by its own name, and docs/mutants.md lists them", () => {
  assert.ok(mutants.length >= MUTANTS_MIN, `${mutants.length}`);
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const { is, should } = mutantsDoc();
  assert.equal(is, should, "node test/mutants/table.ts --write");
});

test("what the mutants replace stands in the sources, once", () => {
  for (const { edits, name } of mutants) {
    for (const { file, find } of edits) {
      const count = readFileSync(join(ROOT, file), "utf8").split(find).length - 1;
      assert.equal(count, 1, `${name}: ${file} holds ${JSON.stringify(find)} ${count} times`);
    }
  }
});

/** The highest seed by which a mutant was found. */
let lastSeed = 0;

test("mutants", PARALLEL, async (t) => {
  const kills = mutants.flatMap((mutant) =>
    mutant.killers.map((killer) => {
      const by = killer.by === "test" ? killer.name : "the simulation";
      return t.test(`${mutant.name} is killed by ${by}`, async () => {
        const found = await kill(mutant, killer);
        assert.ok(found !== null, `it survives, and yet: ${mutant.breaks}`);
        lastSeed = Math.max(lastSeed, found.seed);
      });
    }),
  );
  await Promise.all(kills);
});

test("the code without a mutant passes what kills them", PARALLEL, async (t) => {
  const byFile = new Map<string, string[]>();
  for (const killer of mutants.flatMap((mutant) => mutant.killers)) {
    if (killer.by !== "test") continue;
    byFile.set(killer.file, [...(byFile.get(killer.file) ?? []), killer.name]);
  }
  const files = [...byFile].map(([file, names]) =>
    t.test(file, async () => {
      assert.deepEqual(await failing(file, names), []);
    }),
  );
  const seeds = t.test("the seeds of the simulation", async () => {
    const found = await kill({ edits: [] }, { by: "simulation", seeds: lastSeed });
    assert.equal(found, null);
  });
  await Promise.all([...files, seeds]);
});
