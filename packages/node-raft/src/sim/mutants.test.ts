/** The simulator is only trusted because these bugs do not survive it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { killMutant, quickMutants } from "./kill.ts";
import { mutantsDoc, recordedKills } from "./mutant-table.ts";
import { mutants } from "./mutants.ts";

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

for (const mutant of quickMutants) {
  test(`${mutant.name} is killed within ${mutant.seeds} seeds`, async () => {
    const kill = await killMutant(mutant, mutant.seeds);
    assert.ok(kill !== null, `it survives, and yet: ${mutant.breaks}`);
  });
}
