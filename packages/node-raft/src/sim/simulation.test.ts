import assert from "node:assert/strict";
import test from "node:test";
import { reproduction, runSeed, type SimMode, thinness } from "./simulation.ts";

/** Others than those on which the mutants' own absence is shown: a thousand with them. */
const FIRST_SEED = 1001;
const CORE_SEEDS = 350;
const NODE_SEEDS = 20;
const UPKEEP_SEEDS = 30;
const STATES_SEEDS = 15;
const UPGRADE_SEEDS = 25;

test("the core keeps its promises in simulated clusters", async () => {
  await runAll("core", CORE_SEEDS, { events: 1_000_000, faults: 3500, acknowledged: 7000 });
});

test("the driver over the real log keeps its promises in simulated clusters", async () => {
  const least = { events: 50_000, faults: 150, acknowledged: 300 };
  const counts = await runAll("node", NODE_SEEDS, least);
  // Clients with sessions that ask again and are forgotten; reads that ask nobody.
  for (const [kind, atLeast] of [
    ["session retry", 500],
    ["session answer lost", 25],
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

test("a member whose state differs is found out, and nobody else is", async () => {
  const least = { events: 180_000, faults: 60, acknowledged: 4_000 };
  const counts = await runAll("states", STATES_SEEDS, least);
  const wrong = (counts.get("fault bitFlip") ?? 0) + (counts.get("fault skippedApply") ?? 0);
  const found = counts.get("quarantine") ?? 0;
  // Some wrong states are gone with a restart, or were written over, before they could be seen.
  assert.ok(found >= STATES_SEEDS * 0.8, `${found} of ${wrong} found in ${STATES_SEEDS} seeds`);
});

test("programs of different age never meet an entry that they do not know", async () => {
  const least = { events: 150_000, faults: 100, acknowledged: 2_500 };
  const counts = await runAll("upgrade", UPGRADE_SEEDS, least);
  const upgrades = counts.get("fault upgrade") ?? 0;
  assert.ok(upgrades >= 3 * UPGRADE_SEEDS, `${upgrades} upgrades`);
});

test("a seed run twice leaves the same trace", async () => {
  for (const mode of ["core", "node", "upkeep", "states", "upgrade"] as const) {
    const first = await runSeed(7, { mode });
    const second = await runSeed(7, { mode });
    const other = await runSeed(8, { mode });
    assert.equal(second.hash, first.hash, mode);
    assert.notEqual(other.hash, first.hash, mode);
  }
});

test("seeds that asked for more than anybody can promise, or played too little, are mended", async () => {
  // Its only voter died for good while the first others were joining; it dealt four faults.
  for (const [mode, seed] of [["upkeep", 2041945] as const, ["node", 2038413] as const]) {
    const result = await runSeed(seed, { mode });
    assert.equal(result.failure ?? thinness(result), null, reproduction(mode, seed));
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
    const again = reproduction(mode, seed);
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
