import assert from "node:assert/strict";
import test from "node:test";
import type { Job } from "@drover/model";
import { mockJob, mockResources, mockTask, mockTaskGroup } from "@drover/model/testing";
import { jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
const v = (label: string) => mockJob({ meta: { v: label } });

const ENFORCED = [
  { name: "nothing there, 0 enforced", exists: false, given: 0, text: null },
  {
    name: "nothing there, an index enforced",
    exists: false,
    given: 7,
    text: "Enforcing job modify index 7: job does not exist",
  },
  {
    name: "there already, 0 enforced",
    exists: true,
    given: 0,
    text: "Enforcing job modify index 0: job already exists",
  },
  {
    name: "there at another index",
    exists: true,
    given: 7,
    text: "Enforcing job modify index 7: job exists with conflicting job modify index: 101",
  },
  { name: "there at this index", exists: true, given: 101, text: null },
];

for (const { name, exists, given, text } of ENFORCED) {
  test(`§2.4 check-index: ${name}`, () => {
    const harness = new StateHarness();
    if (exists) harness.accept(jobRegister(v("0")));
    const command = jobRegister(v("1"), { enforceIndex: given });
    if (text === null) harness.accept(command);
    else assert.equal(harness.refuse(command), text);
    assert.equal(harness.snapshot.job(REF)?.meta.v, text === null ? "1" : exists ? "0" : undefined);
  });
}

const PERIODIC = {
  periodic: {
    enabled: true,
    spec: "* * * * *",
    specs: [],
    specType: "cron",
    prohibitOverlap: false,
    timeZone: "UTC",
  },
};
const PARAMETERIZED = {
  parameterizedJob: { payload: "optional", metaRequired: [], metaOptional: [] },
} satisfies Partial<Job>;

const INCOMPATIBLE: readonly { was: Partial<Job>; is: Partial<Job>; text: string }[] = [
  { was: {}, is: { type: "batch" }, text: 'cannot change job type from "service" to "batch"' },
  { was: {}, is: PERIODIC, text: "cannot update non-periodic job to being periodic" },
  { was: PERIODIC, is: {}, text: "cannot update periodic job to being non-periodic" },
  {
    was: {},
    is: PARAMETERIZED,
    text: "cannot update non-parameterized job to being parameterized",
  },
  {
    was: PARAMETERIZED,
    is: {},
    text: "cannot update parameterized job to being non-parameterized",
  },
];

for (const { was, is, text } of INCOMPATIBLE) {
  test(`[J4] of two at once the second is refused: ${text}`, () => {
    const harness = new StateHarness();
    harness.accept(jobRegister(mockJob(was)));
    assert.equal(harness.refuse(jobRegister(mockJob(is))), text);
    assert.equal(harness.snapshot.job(REF)?.version, 0);
  });
}

test("§2.4 the enforced index is the specification's, not one moved by a status", () => {
  const harness = new StateHarness();
  const { index } = harness.accept(jobRegister(v("0")));
  harness.accept({
    tag: CommandTag.jobStability,
    namespace: "default",
    jobId: "example",
    version: 0,
    stable: true,
  });
  assert.notEqual(harness.snapshot.job(REF)?.modifyIndex, index);
  harness.accept(jobRegister(v("1"), { enforceIndex: index }));
});

test("§2.5 an unchanged job gets an evaluation but no version", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(v("0")));
  const before = harness.snapshot.job(REF);
  const { value, index } = harness.accept(jobRegister(v("0")));
  assert.equal(value.unchanged, true);
  assert.equal(value.jobModifyIndex, before?.modifyIndex);
  assert.equal(value.evalCreateIndex, index);
  assert.deepEqual(harness.snapshot.job(REF), before);
});

test("§2.5 a changed job is numbered after the stored one and keeps its create index", () => {
  const harness = new StateHarness();
  const first = harness.accept(jobRegister(v("0")));
  harness.now += 5;
  const { index, value } = harness.accept(jobRegister(v("1")));
  const job = harness.snapshot.job(REF);
  assert.deepEqual(
    [job?.version, job?.createIndex, job?.modifyIndex, job?.submitTime, value.jobVersion],
    [1, first.index, index, harness.now, 1],
  );
  assert.deepEqual(
    harness.snapshot.jobVersions(REF).map((job) => job.version),
    [1, 0],
  );
});

test("§2.5 a submitted version may jump forward but never back", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(v("0")));
  harness.accept(jobRegister({ ...v("1"), version: 9 }));
  assert.equal(harness.snapshot.job(REF)?.version, 9);
  harness.accept(jobRegister({ ...v("2"), version: 3 }));
  assert.equal(harness.snapshot.job(REF)?.version, 10);
});

test("§2.5 a submission is never stable, whatever it says", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister({ ...v("0"), stable: true }));
  assert.equal(harness.snapshot.job(REF)?.stable, false);
});

test("§2.5.4 scaling makes a version even when nothing else changes", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(v("0")));
  harness.accept(jobRegister(v("0"), { alwaysNewVersion: true }));
  assert.equal(harness.snapshot.job(REF)?.version, 1);
});

test("§2.5.3 a revert that expects another version is refused", () => {
  const harness = new StateHarness();
  harness.accept(jobRegister(v("0")));
  assert.equal(
    harness.refuse(jobRegister(v("1"), { enforcePriorVersion: 4 })),
    "Current job has version 0; enforcing version 4",
  );
});

test("§2.5 counts and resources of known groups and tasks can be kept", () => {
  const harness = new StateHarness();
  const group = (count: number, cpu: number) =>
    mockTaskGroup({ count, tasks: [mockTask({ resources: mockResources({ cpu }) })] });
  harness.accept(jobRegister(mockJob({ taskGroups: [group(5, 500)] })));
  const added = mockTaskGroup({ name: "new", count: 2 });
  harness.accept(
    jobRegister(mockJob({ taskGroups: [group(1, 100), added] }), {
      preserveCounts: true,
      preserveResources: true,
    }),
  );
  const job = harness.snapshot.job(REF);
  assert.deepEqual(
    job?.taskGroups.map(({ count, tasks }) => [count, tasks[0]?.resources.cpu]),
    [
      [5, 500],
      [2, 100],
    ],
  );
});

test("a source is stored with its version", () => {
  const harness = new StateHarness();
  const submission = { source: "job {}", format: "hcl2", variableFlags: {}, variables: "" };
  harness.accept(jobRegister(v("0"), { submission }));
  assert.equal(harness.snapshot.submission(REF, 0)?.source, "job {}");
  assert.equal(harness.snapshot.submission(REF, 1), undefined);
});

test("a version that was only scaled is as stable as the one before, a changed one is not", () => {
  const harness = new StateHarness();
  const ref = { namespace: "default", id: "example" };
  harness.accept(jobRegister(mockJob()));
  harness.accept({
    tag: CommandTag.jobStability,
    namespace: "default",
    jobId: "example",
    version: 0,
    stable: true,
  });
  harness.accept(jobRegister(mockJob({ priority: 51 }), { alwaysNewVersion: true }));
  assert.equal(harness.snapshot.job(ref)?.stable, true);
  harness.accept(jobRegister(mockJob({ priority: 52 })));
  assert.equal(harness.snapshot.job(ref)?.stable, false);
});
