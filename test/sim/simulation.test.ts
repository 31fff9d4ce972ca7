/** Seeds of whole clusters, each with at least so much going on, and some of them twice. */
import assert from "node:assert/strict";
import test from "node:test";
import { FAULTS_MIN } from "./faults.ts";
import { faultsOf, runSeeds } from "./pool.ts";

const SEEDS = 500;
/** What each seed must go through to count. */
const EVENTS_MIN = 2_000;
/** Seeds without faults keep the updates to themselves; they are fewer than one in four. */
const CALM_MAX = SEEDS / 4;
/** So many of them are run twice (I10). */
const TWICE = 5;

test(`${SEEDS} seeds keep I1 to I11, converge, and have enough going on`, async () => {
  const problems: string[] = [];
  let calm = 0;
  let events = 0;
  let faults = 0;
  let fetched = 0;
  const options = { first: 1, count: SEEDS, twice: (seed: number) => seed <= TWICE };
  await runSeeds(options, (report) => {
    const { seed, failure } = report;
    const own = faultsOf(report.counts);
    if (failure !== null) problems.push(`--seed ${seed} --verbose: ${failure.message}`);
    else if (report.events < EVENTS_MIN) problems.push(`seed ${seed}: ${report.events} events`);
    else if (own === 0) calm += 1;
    else if (own < FAULTS_MIN) problems.push(`seed ${seed}: ${own} faults`);
    events += report.events;
    faults += own;
    fetched += report.counts["fetched ahead"] ?? 0;
  });
  assert.deepEqual(problems, [], "node test/sim/cli.ts");
  assert.ok(fetched > 0, "no image was fetched ahead");
  assert.ok(calm <= CALM_MAX, `${calm} seeds without a fault`);
  console.log(`${SEEDS} seeds, ${events} events, ${faults} faults, ${calm} without faults`);
});
