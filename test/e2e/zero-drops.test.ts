/**
 * Changes under load lose no request. `node scripts/bench.ts drops` plays fifty of them; see
 * docs/zero-drops.md.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailures, playUnderLoad, stopsOf } from "../support/drops.ts";
import { lacking } from "../support/real-parts.ts";
import type { Change } from "../support/rollouts.ts";

const skip = lacking("docker", "consul");
const CHANGES: readonly Change[] = ["update", "drain", "update", "revert midway", "update"];

test("updates, a drain and a revert under load lose no request", { skip }, async () => {
  const drops = await playUnderLoad({ changes: CHANGES });
  const { report, played } = drops;
  assert.deepEqual(
    played.map(({ change }) => change),
    CHANGES,
  );
  assert.ok(report.perSecond >= 500, `${report.perSecond} requests per second`);
  const stops = stopsOf(report);
  // Three updates of six each; the drain and the revert stop some more.
  assert.ok(stops > 18, `${stops} stops`);
  const { stoppedInFlight, stoppedHeld } = report;
  // One that the revert takes back at once may have had none yet.
  assert.ok(stoppedInFlight >= stops - 2, `${stoppedInFlight} of ${stops} with requests in flight`);
  assert.ok(stoppedHeld >= stops - 2, `${stoppedHeld} of ${stops} with resting connections`);
  assert.equal(report.failures.length, 0, describeFailures(drops));
});

test("the rig sees what is lost: without acknowledgement and grace requests are", {
  skip,
}, async () => {
  const { report } = await playUnderLoad({ changes: ["update"], fixedSleep: "0s" });
  assert.ok(report.failures.length > 0, "an update without a grace lost nothing");
});
