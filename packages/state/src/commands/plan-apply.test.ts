import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, Deployment, Job, Plan } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockEval,
  mockId,
  mockJob,
  mockReport,
} from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
const OLD = mockId("old");
const NEW = mockId("new");

function start(): { harness: StateHarness; job: Job } {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob()));
  return { harness, job: harness.snapshot.job(REF) as Job };
}

let plans = 0;
function plan(harness: StateHarness, job: Job, parts: Partial<Plan>): void {
  plans += 1;
  const body = emptyPlan(job, { id: `plan ${plans}`, ...parts });
  harness.accept({ tag: CommandTag.planApply, plan: body, evals: [] });
}

function stopOf(alloc: { id: string }, more: Partial<Plan["stops"][number]> = {}) {
  const texts = { desiredStatus: "stop", desiredDescription: "alloc is being updated" };
  return { allocId: alloc.id, nodeId: "", ...texts, ...more };
}

/** One running, healthy, prepared allocation with every client-owned field set. */
function running(harness: StateHarness, job: Job): Allocation {
  const deployment = mockDeployment({ id: "d1" }, { job });
  const alloc = mockAlloc({ id: OLD, deploymentId: "d1" }, { job });
  plan(harness, job, { deployment, placements: [alloc] });
  harness.accept({
    tag: CommandTag.allocClientUpdate,
    reports: [
      mockReport(alloc, {
        clientSeq: 7,
        clientDescription: "up",
        healthy: true,
        prepared: true,
        taskStates: {
          server: {
            state: "running",
            failed: false,
            restarts: 1,
            lastRestart: 0,
            startedAt: 1,
            finishedAt: 0,
            events: [],
          },
        },
        networkStatus: { interfaceName: "eth0", address: "10.0.0.2", addressIpv6: "" },
      }),
    ],
    evals: [],
  });
  return harness.snapshot.alloc(OLD) as Allocation;
}

test("I9 an in-place update leaves what the client owns", () => {
  const { harness, job } = start();
  const before = running(harness, job);
  harness.accept(jobRegister(mockJob({ meta: { v: "1" } })));
  const next = harness.snapshot.job(REF) as Job;
  const placement = mockAlloc({ id: OLD, evalId: "e2", deploymentId: "d1" }, { job: next });
  plan(harness, next, { placements: [placement] });
  const after = harness.snapshot.alloc(OLD) as Allocation;
  assert.deepEqual([after.jobVersion, after.evalId], [1, "e2"]);
  for (const field of [
    "clientStatus",
    "clientDescription",
    "taskStates",
    "networkStatus",
    "clientSeq",
    "prepared",
    "unretryableError",
    "deploymentStatus",
    "createIndex",
    "createTime",
    "desiredTransition",
  ] as const) {
    assert.deepEqual(after[field], before[field], field);
  }
});

test("[A12] a plan for a version that another one has followed meanwhile changes nothing", () => {
  const { harness, job } = start();
  running(harness, job);
  harness.accept(jobRegister(mockJob({ meta: { v: "1" } })));
  plan(harness, job, {
    stops: [stopOf({ id: OLD })],
    placements: [mockAlloc({ id: NEW }, { job })],
    deployment: mockDeployment({ id: "d2" }, { job }),
  });
  assert.equal(harness.snapshot.alloc(OLD)?.desiredStatus, "run");
  assert.equal(harness.snapshot.alloc(NEW), undefined);
  assert.equal(harness.snapshot.deployment("d2"), undefined);
});

test("an in-place update into another deployment is undecided again", () => {
  const { harness, job } = start();
  running(harness, job);
  plan(harness, job, { placements: [mockAlloc({ id: OLD, deploymentId: "" }, { job })] });
  const alloc = harness.snapshot.alloc(OLD);
  assert.equal(alloc?.deploymentId, "");
  assert.equal(alloc?.deploymentStatus, null);
  const counts = harness.snapshot.deployment("d1")?.taskGroups.web;
  assert.deepEqual([counts?.placedAllocs, counts?.healthyAllocs], [0, 0]);
});

test("[A10] a verdict carried into another deployment is undecided, and keeps when it was given", () => {
  const { harness, job } = start();
  const before = running(harness, job);
  const carried = { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 };
  for (const deploymentId of ["", "d2"]) {
    const again = mockAlloc({ id: OLD, deploymentId, deploymentStatus: carried }, { job });
    plan(harness, job, { placements: [again] });
    const status = harness.snapshot.alloc(OLD)?.deploymentStatus;
    assert.equal(status?.healthy, null);
    assert.ok((status?.timestamp ?? 0) > 0);
    assert.equal(status?.timestamp, before.deploymentStatus?.timestamp);
  }
});

test("a stop changes the server's side only", () => {
  const { harness, job } = start();
  const before = running(harness, job);
  plan(harness, job, { stops: [stopOf(before)] });
  const after = harness.snapshot.alloc(OLD);
  assert.deepEqual([after?.desiredStatus, after?.clientStatus], ["stop", "running"]);
  assert.equal(after?.allocModifyIndex, harness.index);
});

test("[A4] the server calls an allocation lost only while its client has not ended it", () => {
  const { harness, job } = start();
  const alloc = running(harness, job);
  const reports = [mockReport(alloc, { clientSeq: 8, clientStatus: "failed" })];
  harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
  plan(harness, job, { stops: [stopOf(alloc, { clientStatus: "lost" })] });
  assert.equal(harness.snapshot.alloc(OLD)?.clientStatus, "failed");
});

test("an unknown allocation keeps a record of when it became so", () => {
  const { harness, job } = start();
  const alloc = running(harness, job);
  plan(harness, job, {
    attributeUpdates: [
      { allocId: alloc.id, clientStatus: "unknown", allocStateAt: 42, followupEvalId: "f" },
    ],
  });
  const after = harness.snapshot.alloc(OLD);
  assert.deepEqual(after?.allocStates, [{ field: 0, value: "unknown", time: 42 }]);
  assert.deepEqual([after?.clientStatus, after?.followupEvalId], ["unknown", "f"]);
});

test("a replacement and the one it replaces name each other", () => {
  const { harness, job } = start();
  const old = running(harness, job);
  const placement = mockAlloc({ id: NEW, previousAllocation: OLD }, { job });
  plan(harness, job, { stops: [stopOf(old)], placements: [placement] });
  assert.equal(harness.snapshot.alloc(OLD)?.nextAllocation, NEW);
  assert.equal(harness.snapshot.alloc(NEW)?.previousAllocation, OLD);
});

test("what is back is replaced by nobody any more, and waits for nothing", () => {
  const { harness, job } = start();
  running(harness, job);
  plan(harness, job, {
    attributeUpdates: [
      { allocId: OLD, clientStatus: "unknown", allocStateAt: 42, followupEvalId: "f" },
    ],
    placements: [mockAlloc({ id: NEW, previousAllocation: OLD }, { job })],
  });
  assert.equal(harness.snapshot.alloc(OLD)?.nextAllocation, NEW);
  const anew = { followupEvalId: "", nextAllocation: "" } as const;
  plan(harness, job, {
    attributeUpdates: [{ allocId: OLD, clientStatus: "running", allocStateAt: 43, ...anew }],
  });
  const after = harness.snapshot.alloc(OLD);
  assert.deepEqual([after?.nextAllocation, after?.followupEvalId], ["", ""]);
});

test("[A9] nothing new is placed for a job that was stopped meanwhile", () => {
  const { harness, job } = start();
  harness.accept({
    tag: CommandTag.jobDeregister,
    namespace: "default",
    jobId: "example",
    purge: false,
    noShutdownDelay: false,
    evaluation: null,
  });
  plan(harness, job, {
    placements: [mockAlloc({ id: NEW }, { job })],
    deployment: mockDeployment({}, { job }),
  });
  assert.equal(harness.snapshot.alloc(NEW), undefined);
  assert.deepEqual(harness.snapshot.deploymentsByJob(REF), []);
});

test("[A5] an update does not bring back what another plan stopped", () => {
  const { harness, job } = start();
  const alloc = running(harness, job);
  plan(harness, job, { stops: [stopOf(alloc)] });
  plan(harness, job, { placements: [alloc] });
  assert.equal(harness.snapshot.alloc(OLD)?.desiredStatus, "stop");
});

test("[A7] the phase goes from prepare to go and never back", () => {
  const { harness, job } = start();
  const at = (phase: string) => mockAlloc({ id: NEW, phase }, { job });
  const phase = () => harness.snapshot.alloc(NEW)?.phase;
  plan(harness, job, { placements: [at("prepare")] });
  assert.equal(phase(), "prepare");
  plan(harness, job, { placements: [at("go")] });
  assert.equal(phase(), "go");
  plan(harness, job, { placements: [at("prepare")] });
  assert.equal(phase(), "go");
});

test("canaries are recorded in their order", () => {
  const { harness, job } = start();
  const canary = { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 };
  const deployment = mockDeployment({ id: "d1" }, { job });
  const placements = ["b", "a"].map((id) =>
    mockAlloc({ id, deploymentId: "d1", deploymentStatus: canary }, { job }),
  );
  plan(harness, job, { deployment, placements });
  const group = harness.snapshot.deployment("d1")?.taskGroups.web;
  assert.deepEqual(group?.placedCanaries, ["b", "a"]);
});

test("[D1] a deployment ends with the counts it had before the same plan stopped its allocations", () => {
  const { harness, job } = start();
  const alloc = running(harness, job);
  plan(harness, job, {
    stops: [stopOf(alloc)],
    deploymentUpdates: [{ deploymentId: "d1", status: "cancelled", statusDescription: "c" }],
  });
  const deployment = harness.snapshot.deployment("d1");
  assert.deepEqual(
    [deployment?.status, deployment?.taskGroups.web?.healthyAllocs],
    ["cancelled", 1],
  );
});

test("[D2] a second deployment of a job cancels the first", () => {
  const { harness, job } = start();
  running(harness, job);
  plan(harness, job, { deployment: mockDeployment({ id: "d2" }, { job }) });
  assert.equal(harness.snapshot.deployment("d1")?.status, "cancelled");
  assert.equal(
    harness.snapshot.deployment("d1")?.statusDescription,
    "Cancelled due to newer version of job",
  );
});

test("[D1] an ended deployment is not moved by a late plan", () => {
  const { harness, job } = start();
  running(harness, job);
  const end = (status: string) => [{ deploymentId: "d1", status, statusDescription: "" }];
  plan(harness, job, { deploymentUpdates: end("failed") });
  plan(harness, job, { deploymentUpdates: end("successful") });
  assert.equal(harness.snapshot.deployment("d1")?.status, "failed");
  assert.equal(harness.snapshot.job(REF)?.stable, false);
});

test("[D3] a plan that names a known deployment adds groups and leaves counts and promotion", () => {
  const { harness, job } = start();
  running(harness, job);
  harness.accept({
    tag: CommandTag.deploymentPromote,
    deploymentId: "d1",
    groups: null,
    evaluation: null,
  });
  const before = harness.snapshot.deployment("d1") as Deployment;
  const planned = mockDeployment({ id: "d1" }, { job });
  const web = planned.taskGroups.web as Deployment["taskGroups"][string];
  plan(harness, job, {
    deployment: {
      ...planned,
      taskGroups: { web: { ...web, desiredTotal: 9, placedAllocs: 77 }, db: web },
    },
  });
  const after = harness.snapshot.deployment("d1");
  assert.deepEqual(after?.taskGroups.web, { ...before.taskGroups.web, desiredTotal: 9 });
  assert.equal(after?.taskGroups.web?.promoted, true);
  assert.equal(after?.taskGroups.db?.placedAllocs, 0);
});

test("applying a plan twice changes nothing, under any token", () => {
  const { harness, job } = start();
  const alloc = mockAlloc({ id: NEW, deploymentId: "d1" }, { job });
  const body = {
    tag: CommandTag.planApply,
    plan: emptyPlan(job, {
      placements: [alloc],
      deployment: mockDeployment({ id: "d1" }, { job }),
    }),
    evals: [mockEval({ id: "blocked", status: "blocked" })],
  } as const;
  const first = harness.accept(body);
  const allocs = harness.snapshot.tableIndex("allocs", "deployments", "evals", "summaries");
  const again = harness.apply(body);
  assert.deepEqual(again.result, first);
  assert.deepEqual(again.events, []);
  assert.equal(harness.snapshot.tableIndex("allocs", "deployments", "evals", "summaries"), allocs);
});

test("a prepared allocation replaces nothing until it may go", () => {
  const { harness, job } = start();
  const old = running(harness, job);
  const next = mockAlloc({ id: NEW, previousAllocation: OLD, phase: "prepare" }, { job });
  plan(harness, job, { placements: [next] });
  assert.equal(harness.snapshot.alloc(OLD)?.nextAllocation, "");
  plan(harness, job, { placements: [{ ...next, phase: "go" }], stops: [stopOf(old)] });
  assert.equal(harness.snapshot.alloc(OLD)?.nextAllocation, NEW);
});

test("an allocation taken over by a job registered anew belongs to that registration", () => {
  const { harness, job } = start();
  const old = running(harness, job);
  plan(harness, job, { placements: [{ ...old, jobCreateIndex: 77 }] });
  assert.equal(harness.snapshot.alloc(OLD)?.jobCreateIndex, 77);
});
