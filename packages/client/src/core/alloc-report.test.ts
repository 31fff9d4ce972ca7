import assert from "node:assert/strict";
import test from "node:test";
import { mockAlloc, mockJob } from "@drover/model/testing";
import { newAllocRecord } from "../state/alloc-record.ts";
import { compareReports } from "./alloc-report.ts";

const job = mockJob();
const record = newAllocRecord({ alloc: mockAlloc({}, { job }), job, now: 0 });

test("[S2] what an image resolved to travels with the next fact, what an allocation became is one", () => {
  const verdict = { ...record.verdict, healthy: true, at: 1 };
  assert.equal(compareReports(record, record), "none");
  assert.equal(compareReports(record, { ...record, imageDigests: { a: "sha256:1" } }), "lines");
  assert.equal(compareReports(record, { ...record, verdict }), "facts");
});
