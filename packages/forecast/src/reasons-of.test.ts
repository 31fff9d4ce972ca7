import assert from "node:assert/strict";
import test from "node:test";
import { type Job, Rule, subjectOf } from "@drover/model";
import { mockAlloc, mockEval } from "@drover/model/testing";
import { Harness, rollingJob } from "@drover/scheduler/testing";
import { explain, explainInSlices } from "./explain.ts";
import type { DryRuns } from "./reasons-of.ts";

test("a job that is only a template of runs says so, and nothing is to be placed for it", () => {
  const templates: readonly Partial<Job>[] = [
    { type: "batch", periodic: {} as never },
    { type: "batch", parameterizedJob: {} as never },
  ];
  for (const over of templates) {
    const harness = new Harness();
    const job = harness.store(rollingJob({ update: null, job: over }));
    const { state, now } = harness;
    const { reasons } = explain({ state, subject: subjectOf.job(job), now });
    assert.deepEqual(
      reasons.map(({ rule, waitsFor }) => [rule, waitsFor[0]?.kind]),
      [[Rule.jobNotLaunched, "operator"]],
    );
  }
});

test("a job's dry run is made once for one snapshot, however often is asked", () => {
  const harness = new Harness();
  const job = harness.store(rollingJob());
  const { now, state } = harness;
  const dryRuns: DryRuns = new Map();
  const input = { state, subject: subjectOf.job(job), now, dryRuns };
  const first = explain(input);
  assert.equal(dryRuns.size, 1);
  const slices = explainInSlices(input);
  assert.deepEqual(slices.next(), { done: true, value: first }, "nothing is left to be made");
  assert.equal(explainInSlices({ ...input, dryRuns: new Map() }).next().done, false);
});

test("§7 what is asked about a large job may be left every few allocations", () => {
  const harness = new Harness();
  const job = harness.store(rollingJob({ count: 2_000 }));
  const { now, state } = harness;
  const slices = explainInSlices({ state, subject: subjectOf.job(job), now });
  let turns = 0;
  while (!slices.next().done) turns++;
  assert.ok(turns > 1_000, `${turns} turns`);
});

test("§7 so may what is asked about the many allocations of a job that stops", () => {
  const { state, now } = new Harness();
  const job = { ...rollingJob({ count: 2_000 }), stop: true };
  state.putJob(job);
  for (let index = 0; index < 2_000; index++) state.putAlloc(mockAlloc({}, { job, index }));
  const slices = explainInSlices({ state, subject: subjectOf.job(job), now });
  let turns = 0;
  while (!slices.next().done) turns++;
  assert.ok(turns >= 8, `${turns} turns`);
});

test("a group that waits for its evaluations is named by the reason's subject, not by its text", () => {
  const harness = new Harness({ nodes: 0 });
  const job = harness.store(rollingJob());
  harness.state.putEval(mockEval({ id: "e", jobId: job.id }));
  const { state, now } = harness;
  const { reasons } = explain({ state, subject: subjectOf.job(job), now });
  const told = reasons.filter(({ rule }) => rule === Rule.groupAwaitsEvaluation);
  assert.deepEqual(
    told.map(({ subject, text }) => [subject.kind, text]),
    [["group", "waits for an evaluation of its job to place it"]],
  );
});
