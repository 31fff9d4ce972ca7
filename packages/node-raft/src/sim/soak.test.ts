/** A record is only worth what was really played for it, each seed once. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { loadMutant } from "./load-mutant.ts";
import { mutants } from "./mutants.ts";
import { runSeed } from "./simulation.ts";
import { type BlockRecord, blocksOf, playBlock, SoakRecord, soakSummary } from "./soak.ts";

function played(first: number, change: Partial<BlockRecord> = {}): BlockRecord {
  const sums = { events: 1000, faults: 7, acknowledged: 30, simulatedMs: 4000 };
  const block = { mode: "core" as const, first, seeds: 20, commit: "aaa" };
  return { ...block, ...sums, counts: { "fault crash": 2 }, failures: [], ...change };
}

function inFolder(use: (file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "soak-"));
  try {
    use(join(folder, "record.jsonl"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("blocks take each seed of the range once, four of five in mode core", () => {
  const blocks = blocksOf(5001, 1010);
  const seeds = blocks.flatMap(({ first, seeds }) =>
    Array.from({ length: seeds }, (_, i) => first + i),
  );
  assert.deepEqual(
    seeds,
    Array.from({ length: 1010 }, (_, i) => 5001 + i),
  );
  const of = (mode: string) =>
    blocks.filter((block) => block.mode === mode).reduce((sum, block) => sum + block.seeds, 0);
  assert.equal(of("core"), 810);
  assert.equal(of("node"), 80);
  for (const mode of ["upkeep", "states", "upgrade"]) assert.equal(of(mode), 40, mode);
});

test("a block says what its seeds did", async () => {
  const { counts, failures, ...sums } = await playBlock(
    { mode: "core", first: 3, seeds: 2 },
    "aaa",
  );
  const [one, other] = [await runSeed(3), await runSeed(4)];
  assert.deepEqual(failures, []);
  assert.equal(sums.events, one.events + other.events);
  assert.equal(sums.faults, one.faults.length + other.faults.length);
  assert.equal(sums.acknowledged, one.acknowledged + other.acknowledged);
  const crashes = (one.counts.get("fault crash") ?? 0) + (other.counts.get("fault crash") ?? 0);
  assert.equal(counts["fault crash"] ?? 0, crashes);
});

test("a block names the seeds that failed", async () => {
  const mutant = mutants.find(({ name }) => name === "quorum-off-by-one");
  assert.ok(mutant !== undefined);
  const block = { mode: "core" as const, first: 1, seeds: 3 };
  const { failures } = await playBlock(block, "aaa", await loadMutant(mutant));
  assert.deepEqual(
    failures.map(({ seed }) => seed),
    [1, 2, 3],
  );
  assert.match(failures[0]?.message ?? "", /durable on/);
});

test("a run that was stopped goes on with what is missing", () => {
  inFolder((file) => {
    new SoakRecord(file, "aaa").add(played(1));
    // In the middle of a line.
    appendFileSync(file, JSON.stringify(played(21)).slice(0, 50));
    const again = new SoakRecord(file, "aaa");
    const missing = again.missing(blocksOf(1, 60)).map(({ first }) => first);
    assert.deepEqual(missing, [21, 41]);
    again.add(played(21));
    assert.equal(new SoakRecord(file, "aaa").records.length, 2);
    assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 2);
  });
});

test("what another commit has played does not count", () => {
  inFolder((file) => {
    new SoakRecord(file, "aaa").add(played(1));
    const other = new SoakRecord(file, "bbb");
    assert.equal(other.records.length, 0);
    assert.equal(other.missing(blocksOf(1, 20)).length, 1);
  });
});

test("the summary adds up, by mode and by kind", () => {
  const failures = [{ seed: 43, message: "x" }];
  const node = played(41, { mode: "node", counts: { "fault crash": 5, boot: 9 }, failures });
  const lines = soakSummary([played(1), played(21), node]).split("\n");
  const cells = lines.map((line) => line.trim().split(/\s{2,}/));
  assert.deepEqual(cells, [
    ["seeds", "events", "faults", "acknowledged", "failed"],
    ["core", "40", "2000", "14", "60", "0"],
    ["node", "20", "1000", "7", "30", "1"],
    ["all", "60", "3000", "21", "90", "1"],
    [""],
    ["core", "node"],
    ["boot", "0", "9"],
    ["fault crash", "4", "5"],
  ]);
});
