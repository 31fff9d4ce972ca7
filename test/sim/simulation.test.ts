/** Seeds of whole clusters, each with at least so much going on, and each repeatable. */
import assert from "node:assert/strict";
import test from "node:test";
import { runSeed } from "./simulation.ts";

const SEEDS = 60;
/** What each seed must go through to count. */
const EVENTS_MIN = 3_000;
const FAULTS_MIN = 4;
/** Seeds without faults keep the updates to themselves; they are fewer than one in four. */
const CALM_MAX = SEEDS / 4;
const TWICE = 5;

function faultsOf(counts: ReadonlyMap<string, number>): number {
  // Messages lost and doubled come on top.
  const kinds = [...counts].filter(([kind]) => /^fault [a-zA-Z]+$/.test(kind));
  const own = kinds.filter(([kind]) => !/duplicate|straggler/.test(kind));
  return own.reduce((sum, [, count]) => sum + count, 0);
}

test(`${SEEDS} seeds keep every invariant, converge, and have enough going on`, async () => {
  let calm = 0;
  let events = 0;
  let faults = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const result = await runSeed(seed);
    const { failure } = result;
    assert.equal(failure, null, `node test/sim/cli.ts --seed ${seed} --verbose: ${failure}`);
    assert.ok(result.events >= EVENTS_MIN, `seed ${seed}: ${result.events} events`);
    const own = faultsOf(result.counts);
    if (own === 0) calm += 1;
    else assert.ok(own >= FAULTS_MIN, `seed ${seed}: ${own} faults`);
    events += result.events;
    faults += own;
  }
  assert.ok(calm <= CALM_MAX, `${calm} seeds without a fault`);
  console.log(`${SEEDS} seeds, ${events} events, ${faults} faults, ${calm} without faults`);
});

test("I10 the same seed gives the same trace", async () => {
  for (let seed = 1; seed <= TWICE; seed += 1) {
    const [one, other] = [await runSeed(seed), await runSeed(seed)];
    assert.equal(one.hash, other.hash, `seed ${seed}`);
  }
});
