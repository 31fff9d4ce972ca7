import assert from "node:assert/strict";
import test from "node:test";
import type { Job } from "@drover/model";
import { mockAlloc, mockJob } from "@drover/model/testing";
import { CommandTag } from "../commands/command.ts";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";

const REF = { namespace: "default", id: "example" };

function register(harness: StateHarness, label: number): void {
  harness.accept(jobRegister(mockJob({ meta: { v: String(label) } })));
}

function history(harness: StateHarness): number[] {
  return harness.snapshot.jobVersions(REF).map((job) => job.version);
}

function stable(harness: StateHarness, version: number): void {
  harness.accept({
    tag: CommandTag.jobStability,
    namespace: "default",
    jobId: "example",
    version,
    stable: true,
  });
}

function tag(harness: StateHarness, version: number | null, name: string): void {
  harness.accept({
    tag: CommandTag.jobVersionTag,
    namespace: "default",
    jobId: "example",
    version,
    name,
    description: "",
  });
}

test("§2.5.1 history keeps the newest six versions", () => {
  const harness = new StateHarness();
  for (let i = 0; i < 9; i++) register(harness, i);
  assert.deepEqual(history(harness), [8, 7, 6, 5, 4, 3]);
});

test("§2.5.1 the newest stable version outlives the next oldest", () => {
  const harness = new StateHarness();
  register(harness, 0);
  stable(harness, 0);
  for (let i = 1; i < 9; i++) register(harness, i);
  assert.deepEqual(history(harness), [8, 7, 6, 5, 4, 0]);
});

test("§2.5.1 tagged versions do not count and stay until they are untagged", () => {
  const harness = new StateHarness();
  register(harness, 0);
  tag(harness, 0, "first");
  for (let i = 1; i < 9; i++) register(harness, i);
  assert.deepEqual(history(harness), [8, 7, 6, 5, 4, 3, 0]);
  tag(harness, null, "first");
  assert.deepEqual(history(harness), [8, 7, 6, 5, 4, 3]);
});

test("a version that an allocation runs stays readable after history dropped it", () => {
  const harness = new StateHarness();
  register(harness, 0);
  const job = harness.snapshot.job(REF) as Job;
  const alloc = mockAlloc({}, { job });
  const plan = emptyPlan(job, { placements: [alloc] });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  for (let i = 1; i < 9; i++) register(harness, i);
  assert.ok(!history(harness).includes(0));
  const stored = harness.snapshot.alloc(alloc.id);
  assert.equal(stored && harness.snapshot.allocJob(stored)?.meta.v, "0");
  const stop = { allocId: alloc.id, nodeId: "", desiredStatus: "stop", desiredDescription: "" };
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(harness.snapshot.job(REF) as Job, {
      id: "stop",
      stops: [{ ...stop, clientStatus: "lost" }],
    }),
    evals: [],
  });
  harness.accept({
    tag: CommandTag.garbageCollect,
    evals: [],
    allocs: [alloc.id],
    deployments: [],
    jobs: [],
    nodes: [],
  });
  assert.equal(harness.snapshot.alloc(alloc.id), undefined);
  assert.equal(harness.snapshot.jobVersion(REF, 0), undefined);
});

test("§2.5.5 tag names are unique within a job", () => {
  const harness = new StateHarness();
  register(harness, 0);
  register(harness, 1);
  tag(harness, 0, "good");
  const body = { tag: CommandTag.jobVersionTag, namespace: "default", description: "" } as const;
  assert.equal(
    harness.refuse({ ...body, jobId: "example", version: 1, name: "good" }),
    'tag "good" already exists on a different version of job "example"',
  );
  assert.equal(
    harness.refuse({ ...body, jobId: "example", version: 9, name: "x" }),
    'job "example" in namespace "default" at version 9 not found',
  );
  assert.equal(
    harness.refuse({ ...body, jobId: "example", version: null, name: "nope" }),
    'tag "nope" not found on job "example"',
  );
});
