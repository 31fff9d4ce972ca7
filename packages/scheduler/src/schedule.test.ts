import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import { mockEval } from "@drover/model/testing";
import { schedule, scheduleInSlices } from "./schedule.ts";
import { Harness } from "./testing/harness.ts";
import { rollingJob } from "./testing/jobs.ts";

test("§7 a decision in slices is the same, and lets others in after each placement", () => {
  const harness = new Harness();
  const job = harness.store(rollingJob({ count: 20 }));
  const evaluation = mockEval({ jobId: job.id, status: "pending" });
  const input = () => ({
    evaluation,
    state: harness.state,
    now: harness.now,
    random: new SeededRandom(1),
  });
  const slices = scheduleInSlices(input());
  let yields = 0;
  let last = slices.next();
  for (; !last.done; last = slices.next()) yields++;
  assert.ok(yields > 20, `${yields} yields`);
  assert.deepEqual(last.value, schedule(input()));
});
