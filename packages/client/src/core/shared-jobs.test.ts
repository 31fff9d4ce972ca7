import assert from "node:assert/strict";
import test from "node:test";
import { mockJob } from "@drover/model/testing";
import { SharedJobs } from "./shared-jobs.ts";

test("allocations of one version share their job, whatever copy they come with", () => {
  const jobs = new SharedJobs();
  const first = mockJob({ id: "a", version: 3, modifyIndex: 7 });
  assert.equal(jobs.share(first), first);
  assert.equal(jobs.share({ ...first }), first);
});

test("another version, registration, name or state of a version is another job", () => {
  const jobs = new SharedJobs();
  const first = mockJob({ id: "a", version: 3, modifyIndex: 7, createIndex: 2 });
  jobs.share(first);
  const others = [
    { version: 4 },
    { modifyIndex: 8 },
    { createIndex: 3 },
    { id: "b" },
    { meta: { anything: "else" } },
  ];
  for (const other of others) {
    const job = { ...first, ...other };
    assert.equal(jobs.share(job), job);
  }
});

test("only the versions used last are kept", () => {
  const jobs = new SharedJobs();
  const all = Array.from({ length: 65 }, (_, version) => mockJob({ id: "a", version }));
  for (const job of all) {
    jobs.share(job);
    jobs.share({ ...(all[0] as (typeof all)[0]) });
  }
  const [first, second] = all.map((job) => ({ ...job }));
  assert.ok(first && second);
  assert.equal(jobs.share(first), all[0]);
  assert.equal(jobs.share(second), second);
});
