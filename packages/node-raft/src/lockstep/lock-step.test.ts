/** Our core and etcd's raft agree, and would not if ours had one of the planted bugs. */
import assert from "node:assert/strict";
import test from "node:test";
import { buildOracle } from "./etcd-peer.ts";
import { oracleMutants, runMutant } from "./oracle-mutants.ts";
import { runLockStep } from "./run.ts";

const SCHEDULES = 200;
/** Those that take longer are for the long runs (oracle-cli.ts --mutants). */
const QUICK = 60;

const built = buildOracle();
const skip = "missing" in built ? built.missing : false;
const program = "program" in built ? built.program : "";

test(`${SCHEDULES} random schedules end alike on our core and on etcd's raft`, {
  skip,
}, async () => {
  const { finding, schedules, steps, events } = await runLockStep({
    program,
    seed: 1,
    schedules: SCHEDULES,
  });
  assert.equal(finding, null, JSON.stringify(finding));
  assert.equal(schedules, SCHEDULES);
  assert.ok(steps >= 40_000, `${steps} steps`);
  for (const [event, atLeast] of Object.entries(MINIMUM)) {
    const n = events.get(event) ?? 0;
    assert.ok(n >= atLeast, `${n} ${event}, expected ${atLeast}`);
  }
});

// One skipped test says enough.
const quick = oracleMutants.filter(({ schedules }) => !skip && schedules <= QUICK);
for (const mutant of quick) {
  test(`${mutant.name} is found within ${mutant.schedules} schedules`, async () => {
    const { finding } = await runMutant(mutant, program);
    assert.ok(finding !== null, `the two agree, and yet: ${mutant.breaks}`);
  });
}

/** Without these the schedules would say little. */
const MINIMUM = {
  "leaders elected": 200,
  "leaders stepped down": 100,
  "entries committed": 2000,
  "log ends replaced": 10,
  crashes: 100,
  compactions: 100,
  "snapshots installed": 10,
  "joint changes": 20,
  transfers: 20,
};
