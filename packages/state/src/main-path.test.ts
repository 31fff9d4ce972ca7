import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, AllocClientReport, Job, Plan } from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockEval,
  mockId,
  mockJob,
  mockNode,
  mockReport,
} from "@drover/model/testing";
import { CommandTag } from "./commands/command.ts";
import { emptyPlan, jobRegister } from "./testing/commands.ts";
import { StateHarness } from "./testing/harness.ts";

const REF = { namespace: "default", id: "example" };

function start(): StateHarness {
  const harness = new StateHarness();
  harness.accept({ tag: CommandTag.clusterInit, clusterId: mockId("cluster"), epoch: 1 });
  harness.accept({ tag: CommandTag.nodeRegister, node: mockNode(), evals: [] });
  return harness;
}

/** Registers and places three allocations inside a deployment. */
function roll(harness: StateHarness, job: Job): { plan: Plan; stored: Job } {
  harness.accept(jobRegister(job, { evaluation: mockEval({ id: mockId(`eval ${job.meta.v}`) }) }));
  const stored = harness.snapshot.job(REF) as Job;
  const deployment = mockDeployment({}, { job: stored });
  const placements = [0, 1, 2].map((index) =>
    mockAlloc({ deploymentId: deployment.id }, { job: stored, index }),
  );
  const plan = emptyPlan(stored, { deployment, placements });
  harness.accept({
    tag: CommandTag.planApply,
    plan,
    evals: [mockEval({ id: mockId(`eval ${job.meta.v}`), status: "complete" })],
  });
  return { plan, stored };
}

function healthy(alloc: Allocation, over: Partial<AllocClientReport> = {}) {
  return mockReport(alloc, { clientStatus: "running", healthy: true, healthAt: MOCK_NOW, ...over });
}

test("a registration becomes a version and a pending evaluation in one entry", () => {
  const harness = start();
  const { index, value } = harness.accept(jobRegister(mockJob()));
  const job = harness.snapshot.job(REF);
  assert.equal(job?.version, 0);
  assert.equal(job.status, "pending");
  assert.deepEqual([job.createIndex, job.modifyIndex, job.jobModifyIndex], [index, index, index]);
  assert.equal(value.jobModifyIndex, index);
  assert.equal(harness.snapshot.evalsByJob(REF)[0]?.jobModifyIndex, index);
});

test("a plan's allocations are counted for the job, the deployment and the node", () => {
  const harness = start();
  const { plan } = roll(harness, mockJob());
  const snapshot = harness.snapshot;
  assert.equal(snapshot.allocsByJob(REF).length, 3);
  assert.equal(snapshot.allocsByNode(mockNode().id).length, 3);
  assert.equal(snapshot.jobSummary(REF)?.summary.web?.starting, 3);
  assert.equal(snapshot.deployment(plan.deployment?.id ?? "")?.taskGroups.web?.placedAllocs, 3);
  assert.equal(snapshot.job(REF)?.status, "running");
});

test("health from clients moves the deployment, and success makes the version stable", () => {
  const harness = start();
  const { plan } = roll(harness, mockJob());
  const id = plan.deployment?.id ?? "";
  harness.accept({
    tag: CommandTag.allocClientUpdate,
    reports: plan.placements.map((alloc) => healthy(alloc)),
    evals: [],
  });
  assert.equal(harness.snapshot.deployment(id)?.taskGroups.web?.healthyAllocs, 3);
  assert.equal(harness.snapshot.jobSummary(REF)?.summary.web?.running, 3);
  const update = { deploymentId: id, status: "successful", statusDescription: "done" };
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(mockJob(), { id: mockId("plan 2"), deploymentUpdates: [update] }),
    evals: [],
  });
  assert.equal(harness.snapshot.deployment(id)?.status, "successful");
  assert.equal(harness.snapshot.job(REF)?.stable, true);
  assert.equal(harness.snapshot.jobVersion(REF, 0)?.stable, true);
});

test("a failed deployment registers the stable version again in the same entry", () => {
  const harness = start();
  const first = roll(harness, mockJob({ meta: { v: "0" } }));
  harness.accept({
    tag: CommandTag.jobStability,
    ...jobKeyOf(first.stored),
    version: 0,
    stable: true,
  });
  harness.now += 1000;
  const second = roll(harness, mockJob({ meta: { v: "1" } }));
  const { value, index } = harness.accept({
    tag: CommandTag.deploymentStatus,
    deploymentId: second.plan.deployment?.id ?? "",
    status: "failed",
    statusDescription: "Failed due to unhealthy allocations - rolling back to job version 0",
    evaluation: mockEval({ id: mockId("eval revert"), triggeredBy: "deployment-watcher" }),
    revertTo: 0,
  });
  const job = harness.snapshot.job(REF);
  assert.equal(value.revertedJobVersion, 0);
  assert.deepEqual(
    [job?.version, job?.meta.v, job?.stable, job?.submitTime, job?.jobModifyIndex],
    [2, "0", true, MOCK_NOW, index],
  );
  assert.equal(harness.snapshot.evaluation(mockId("eval revert"))?.createIndex, index);
});

function jobKeyOf(job: Job) {
  return { namespace: job.namespace, jobId: job.id };
}
