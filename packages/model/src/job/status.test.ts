import assert from "node:assert/strict";
import test from "node:test";
import { mockAlloc, mockDeployment, mockEval, mockJob } from "../testing/factories.ts";
import { computeJobStatus, summarizeJob } from "./status.ts";

const job = mockJob();
const none = { allocs: [], deployments: [], evals: [] };

test("a system job is running until it is stopped", () => {
  assert.equal(computeJobStatus({ ...none, job: mockJob({ type: "system" }) }), "running");
  assert.equal(computeJobStatus({ ...none, job: mockJob({ type: "system", stop: true }) }), "dead");
});

test("a live allocation or an active deployment makes a job running", () => {
  const allocs = [mockAlloc({ clientStatus: "running" })];
  assert.equal(computeJobStatus({ ...none, job, allocs }), "running");
  assert.equal(computeJobStatus({ ...none, job, deployments: [mockDeployment()] }), "running");
});

test("an open evaluation makes a job pending, a closed one dead", () => {
  assert.equal(computeJobStatus({ ...none, job, evals: [mockEval()] }), "pending");
  const evals = [mockEval({ status: "complete" })];
  assert.equal(computeJobStatus({ ...none, job, evals }), "dead");
  assert.equal(computeJobStatus({ ...none, job }), "pending");
});

test("the summary counts by client status, and not allocations of an earlier registration", () => {
  const allocs = [
    mockAlloc({ clientStatus: "running" }),
    mockAlloc({ clientStatus: "complete", desiredStatus: "stop" }),
    mockAlloc({ clientStatus: "pending" }),
    mockAlloc({ clientStatus: "running", jobCreateIndex: 3 }),
  ];
  const evals = [
    mockEval({ status: "complete", modifyIndex: 11, queuedAllocations: { web: 5 } }),
    mockEval({ status: "complete", modifyIndex: 14, queuedAllocations: { web: 1 } }),
  ];
  const { summary } = summarizeJob({ job, allocs, evals, modifyIndex: 14 });
  assert.deepEqual(summary, {
    web: { queued: 1, complete: 1, failed: 0, running: 1, starting: 1, lost: 0, unknown: 0 },
  });
});

test("terminal counts survive garbage collection", () => {
  const collected = { web: { complete: 4, failed: 2, lost: 1 } };
  const { summary } = summarizeJob({ job, allocs: [], evals: [], collected, modifyIndex: 1 });
  assert.equal(summary.web?.complete, 4);
  assert.equal(summary.web?.failed, 2);
});
