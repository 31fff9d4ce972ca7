import assert from "node:assert/strict";
import test from "node:test";
import { runSeed, type SimMode, thinness } from "./simulation.ts";

/** Others than those on which the mutants' own absence is shown: a thousand with them. */
const FIRST_SEED = 1001;
const CORE_SEEDS = 350;
const NODE_SEEDS = 20;
const UPKEEP_SEEDS = 30;

test("the core keeps its promises in simulated clusters", async () => {
  await runAll("core", CORE_SEEDS, { events: 1_000_000, faults: 3500, acknowledged: 7000 });
});

test("the driver over the real log keeps its promises in simulated clusters", async () => {
  const least = { events: 50_000, faults: 150, acknowledged: 300 };
  const counts = await runAll("node", NODE_SEEDS, least);
  // Clients with sessions that ask again and are forgotten; reads that ask nobody.
  for (const [kind, atLeast] of [
    ["session retry", 500],
    ["session answer lost", 50],
    ["session expired", 50],
    ["read by lease", 500],
    ["read stale", 1_000],
    ["read too stale", 100],
    ["fault freeze", 50],
  ] as const) {
    const count = counts.get(kind) ?? 0;
    assert.ok(count >= atLeast, `${kind}: ${count} of at least ${atLeast}`);
  }
});

test("the membership controller keeps as many voters when machines die for good", async () => {
  const least = { events: 200_000, faults: 150, acknowledged: 1_000 };
  const counts = await runAll("upkeep", UPKEEP_SEEDS, least);
  const deaths = counts.get("fault death") ?? 0;
  assert.ok(deaths >= UPKEEP_SEEDS, `${deaths} machines died`);
});

test("a seed run twice leaves the same trace", async () => {
  for (const mode of ["core", "node", "upkeep"] as const) {
    const first = await runSeed(7, { mode });
    const second = await runSeed(7, { mode });
    const other = await runSeed(8, { mode });
    assert.equal(second.hash, first.hash, mode);
    assert.notEqual(other.hash, first.hash, mode);
  }
});

/** Each seed has its minimum of events and faults; and the sum has one. */
async function runAll(
  mode: SimMode,
  seeds: number,
  least: { events: number; faults: number; acknowledged: number },
): Promise<ReadonlyMap<string, number>> {
  const total = { events: 0, faults: 0, acknowledged: 0 };
  const counts = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed += 1) {
    const result = await runSeed(seed, { mode });
    const again = `node packages/node-raft/src/sim/cli.ts --seed ${seed} --seeds 1 --mode ${mode}`;
    assert.equal(result.failure, null, `${result.failure?.message}; ${again}`);
    assert.equal(thinness(result), null, again);
    total.events += result.events;
    total.faults += result.faults.length;
    total.acknowledged += result.acknowledged;
    for (const [kind, count] of result.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
  for (const key of ["events", "faults", "acknowledged"] as const) {
    assert.ok(total[key] >= least[key], `${key}: ${total[key]} of at least ${least[key]}`);
  }
  return counts;
}
