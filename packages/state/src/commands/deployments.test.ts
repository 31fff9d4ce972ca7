import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE } from "@drover/base";
import { type Allocation, AllocPhase, type Deployment, type Job } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockDeploymentState,
  mockEval,
  mockJob,
  mockReport,
} from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
const SPAN = (10 * MINUTE) / 1e6;

interface Setup {
  readonly canaries?: number;
}

/** Version 1 in deployment d1 with allocations a and b, canaries or not; version 0 is stable. */
function start({ canaries = 0 }: Setup = {}): StateHarness {
  const harness = new StateHarness();
  harness.accept(jobRegister(mockJob({ meta: { v: "0" } })));
  harness.accept({
    tag: CommandTag.jobStability,
    namespace: "default",
    jobId: "example",
    version: 0,
    stable: true,
  });
  harness.accept(jobRegister(mockJob({ meta: { v: "1" } })));
  const job = harness.snapshot.job(REF) as Job;
  const status = { healthy: null, timestamp: 0, canary: canaries > 0, modifyIndex: 0 };
  const placements = ["a", "b"].map((id, index) =>
    mockAlloc({ id, deploymentId: "d1", deploymentStatus: status }, { job, index }),
  );
  const web = mockDeploymentState({ desiredCanaries: canaries, desiredTotal: 2 });
  const deployment = {
    ...mockDeployment({ id: "d1" }, { job }),
    taskGroups: { web },
    statusDescription:
      canaries > 0
        ? "Deployment is running but requires manual promotion"
        : "Deployment is running",
  };
  const plan = emptyPlan(job, { deployment, placements });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  return harness;
}

const d1 = (harness: StateHarness) => harness.snapshot.deployment("d1") as Deployment;

function statusBody(status: string, over: { revertTo?: number; withEval?: boolean } = {}) {
  return {
    tag: CommandTag.deploymentStatus,
    deploymentId: "d1",
    status,
    statusDescription: `Deployment is ${status}`,
    evaluation: over.withEval ? mockEval({ id: "e" }) : null,
    revertTo: over.revertTo ?? null,
  } as const;
}

function healthy(harness: StateHarness, ...ids: string[]): void {
  const reports = ids.map((id) =>
    mockReport(harness.snapshot.alloc(id) ?? mockAlloc(), {
      clientStatus: "running",
      healthy: true,
    }),
  );
  harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
}

test("§12.1 the clock stands while it is paused", () => {
  const harness = start();
  const before = d1(harness).taskGroups.web?.requireProgressBy ?? 0;
  harness.now += 1000;
  harness.accept(statusBody("paused"));
  harness.now += 5000;
  harness.accept(statusBody("paused"));
  harness.now += 5000;
  harness.accept(statusBody("running"));
  assert.equal(d1(harness).taskGroups.web?.requireProgressBy, before + 10_000);
  assert.equal(d1(harness).clockStoppedAt, 0);
});

/** Version 1 has succeeded, left all its machines, and is back in deployment d2. */
function comingBack(): {
  readonly harness: StateHarness;
  readonly deadline: () => number | undefined;
  readonly place: (...ids: string[]) => void;
  readonly stop: (...ids: string[]) => void;
} {
  const harness = start();
  const job = harness.snapshot.job(REF) as Job;
  harness.accept(statusBody("successful"));
  let plans = 1;
  const apply = (overrides: Parameters<typeof emptyPlan>[1]) => {
    plans += 1;
    const plan = emptyPlan(job, { id: `p${plans}`, ...overrides });
    harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  };
  const back = { ...mockDeployment({ id: "d1" }, { job }), id: "d2" };
  apply({
    deployment: { ...back, taskGroups: { web: mockDeploymentState({ desiredTotal: 2 }) } },
  });
  const placementsOf = (ids: readonly string[]) =>
    ids.map((id) => {
      const index = Number(id.slice(1));
      return mockAlloc({ id, deploymentId: "d2", deploymentStatus: null }, { job, index });
    });
  const stopsOf = (ids: readonly string[]) =>
    ids.map((allocId) => ({
      allocId,
      nodeId: harness.snapshot.alloc(allocId)?.nodeId ?? "",
      desiredStatus: "stop",
      desiredDescription: "alloc is being migrated",
    }));
  return {
    harness,
    deadline: () => harness.snapshot.deployment("d2")?.taskGroups.web?.requireProgressBy,
    place: (...ids) => apply({ placements: placementsOf(ids) }),
    stop: (...ids) => apply({ stops: stopsOf(ids) }),
  };
}

test("a version that was out already waits for capacity without a deadline", () => {
  const { deadline, harness, place } = comingBack();
  assert.equal(deadline(), 0, "nowhere to go yet");
  place("c0");
  assert.equal(deadline(), harness.now + SPAN);
});

test("a version that is back and drained again before it is healthy waits without a deadline", () => {
  const { deadline, harness, place, stop } = comingBack();
  place("c0", "c1");
  harness.now += 1000;
  stop("c0");
  assert.equal(deadline(), harness.now - 1000 + SPAN, "one that is placed has its time");
  stop("c1");
  assert.equal(deadline(), 0);
  harness.now += 10 * SPAN;
  place("d0");
  assert.equal(deadline(), harness.now + SPAN);
});

test("a version that is back with capacity for a part of it waits for the rest", () => {
  const { deadline, harness, place } = comingBack();
  place("c0");
  harness.now += 1000;
  healthy(harness, "c0");
  assert.equal(deadline(), 0, "all that is placed is healthy");
  harness.now += 10 * SPAN;
  place("c1");
  assert.equal(deadline(), harness.now + SPAN);
});

test("a version that is back and flaps has the time of its first attempt", () => {
  const { deadline, harness, place } = comingBack();
  place("c0");
  const first = harness.now + SPAN;
  for (const [id, next] of [
    ["c0", "d0"],
    ["d0", "e0"],
  ] as const) {
    harness.now += 1000;
    const alloc = harness.snapshot.alloc(id) ?? mockAlloc();
    const reports = [mockReport(alloc, { clientStatus: "failed", healthy: false })];
    harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
    assert.equal(deadline(), first);
    replace(harness, id, next);
    assert.equal(deadline(), first);
  }
});

test("one of a version that is back that fails once it was healthy has a deadline again", () => {
  const { deadline, harness, place } = comingBack();
  place("c0");
  healthy(harness, "c0");
  harness.now += 1000;
  const alloc = harness.snapshot.alloc("c0") ?? mockAlloc();
  const reports = [mockReport(alloc, { clientSeq: 2, clientStatus: "failed" })];
  harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
  assert.equal(deadline(), harness.now + SPAN);
});

/** One plan stops a failed allocation and places the next. */
function replace(harness: StateHarness, id: string, next: string): void {
  const job = harness.snapshot.job(REF) as Job;
  const { nodeId } = harness.snapshot.alloc(id) ?? mockAlloc();
  const stop = { allocId: id, nodeId, desiredStatus: "stop", desiredDescription: "" };
  const placement = mockAlloc({ id: next, deploymentId: "d2", deploymentStatus: null }, { job });
  const plan = emptyPlan(job, { id: `for ${id}`, stops: [stop], placements: [placement] });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
}

test("§4.1 an ended deployment refuses every change", () => {
  const harness = start();
  harness.accept(statusBody("failed"));
  const text = 'Deployment "d1" has terminal status "failed":';
  assert.equal(harness.refuse(statusBody("running")), text);
  const promote = { tag: CommandTag.deploymentPromote, groups: null, evaluation: null } as const;
  assert.equal(harness.refuse({ ...promote, deploymentId: "d1" }), text);
  assert.equal(
    harness.refuse({
      tag: CommandTag.deploymentAllocHealth,
      deploymentId: "d1",
      healthy: ["a"],
      unhealthy: [],
      evaluation: null,
      failure: null,
    }),
    text,
  );
  assert.equal(harness.refuse({ ...promote, deploymentId: "nope" }), "deployment not found");
});

test("§4.4 failure, the reverted version and its evaluation share one index", () => {
  const harness = start();
  const { value, index } = harness.accept(statusBody("failed", { revertTo: 0, withEval: true }));
  const job = harness.snapshot.job(REF);
  assert.deepEqual([job?.version, job?.meta.v, job?.stable], [2, "0", true]);
  assert.equal(job?.submitTime, harness.snapshot.jobVersion(REF, 0)?.submitTime);
  assert.deepEqual(
    [job?.jobModifyIndex, harness.snapshot.evaluation("e")?.createIndex, d1(harness).modifyIndex],
    [index, index, index],
  );
  assert.deepEqual([value.revertedJobVersion, value.evalCreateIndex], [0, index]);
});

test("§4.4 nothing is reverted when the job has moved on", () => {
  const harness = start();
  harness.accept(jobRegister(mockJob({ meta: { v: "2" } })));
  const { value } = harness.accept(statusBody("failed", { revertTo: 0 }));
  assert.equal(value.revertedJobVersion, undefined);
  assert.equal(harness.snapshot.job(REF)?.meta.v, "2");
});

test("§12.1 a human's submit grants one revert, the deployment that follows none", () => {
  const harness = start();
  assert.equal(d1(harness).autoTransitionsLeft, 1);
  harness.accept(statusBody("failed", { revertTo: 0 }));
  const job = harness.snapshot.job(REF) as Job;
  const deployment = mockDeployment({ id: "d2" }, { job });
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(job, { id: "p2", deployment }),
    evals: [],
  });
  assert.equal(harness.snapshot.deployment("d2")?.autoTransitionsLeft, 0);
});

test("§4.5 promotion needs every canary healthy, and says how many are", () => {
  const harness = start({ canaries: 2 });
  healthy(harness, "a");
  const body = { tag: CommandTag.deploymentPromote, deploymentId: "d1", evaluation: null } as const;
  assert.equal(
    harness.refuse({ ...body, groups: null }),
    '1 error occurred:\n\t* Task group "web" has 1/2 healthy allocations\n\n',
  );
  harness.accept({ ...body, groups: ["nope"] });
  assert.equal(d1(harness).taskGroups.web?.promoted, false);
});

test("§4.5 a canary and the one that runs beside it to replace it count once", () => {
  const harness = start({ canaries: 2 });
  const a = harness.snapshot.alloc("a") as Allocation;
  const next = { ...a, id: "next", previousAllocation: "a", phase: AllocPhase.surge };
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(harness.snapshot.job(REF) as Job, { id: "move", placements: [next] }),
    evals: [],
  });
  healthy(harness, "a", "next");
  const body = { tag: CommandTag.deploymentPromote, deploymentId: "d1", evaluation: null } as const;
  assert.equal(
    harness.refuse({ ...body, groups: null }),
    '1 error occurred:\n\t* Task group "web" has 1/2 healthy allocations\n\n',
  );
  healthy(harness, "b");
  harness.accept({ ...body, groups: null });
});

test("§4.5 a canary that ran beside another counts once that one is told to stop", () => {
  const harness = start({ canaries: 2 });
  const a = harness.snapshot.alloc("a") as Allocation;
  const next = { ...a, id: "next", previousAllocation: "a", phase: AllocPhase.surge };
  const job = harness.snapshot.job(REF) as Job;
  const plan = emptyPlan(job, { id: "move", placements: [next] });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  healthy(harness, "next", "b");
  const body = { tag: CommandTag.deploymentPromote, deploymentId: "d1", evaluation: null } as const;
  harness.refuse({ ...body, groups: null });
  const stops = [
    { allocId: "a", nodeId: a.nodeId, desiredStatus: "stop", desiredDescription: "migrated" },
  ];
  const leave = emptyPlan(job, { id: "leave", stops });
  harness.accept({ tag: CommandTag.planApply, plan: leave, evals: [] });
  harness.refuse({ ...body, groups: null, v: 3 });
  harness.accept({ ...body, groups: null });
});

test("§4.5 promotion clears the canary flags and starts the deadline anew", () => {
  const harness = start({ canaries: 2 });
  healthy(harness, "a", "b");
  harness.now += 60_000;
  harness.accept({
    tag: CommandTag.deploymentPromote,
    deploymentId: "d1",
    groups: null,
    evaluation: mockEval({ id: "e" }),
  });
  const { taskGroups, statusDescription } = d1(harness);
  assert.equal(taskGroups.web?.promoted, true);
  assert.equal(taskGroups.web?.requireProgressBy, harness.now + SPAN);
  assert.deepEqual(taskGroups.web?.placedCanaries, ["a", "b"]);
  assert.equal(taskGroups.web?.healthyAllocs, 2);
  assert.equal(statusDescription, "Deployment is running");
  assert.equal(harness.snapshot.alloc("a")?.deploymentStatus?.canary, false);
  assert.equal(harness.snapshot.evaluation("e")?.status, "pending");
});

test("§4.5 a promoted deployment that is paused stays paused", () => {
  const harness = start({ canaries: 2 });
  healthy(harness, "a", "b");
  harness.accept(statusBody("paused"));
  harness.accept({
    tag: CommandTag.deploymentPromote,
    deploymentId: "d1",
    groups: null,
    evaluation: null,
  });
  assert.deepEqual(
    [d1(harness).status, d1(harness).statusDescription],
    ["paused", "Deployment is paused"],
  );
});

test("§4.6 an operator's verdict counts, and an unhealthy one fails the deployment", () => {
  const harness = start();
  const body = { tag: CommandTag.deploymentAllocHealth, deploymentId: "d1" } as const;
  harness.accept({ ...body, healthy: ["a"], unhealthy: [], evaluation: null, failure: null });
  assert.equal(d1(harness).taskGroups.web?.healthyAllocs, 1);
  const statusDescription = "Failed due to unhealthy allocations - rolling back to job version 0";
  const { value } = harness.accept({
    ...body,
    healthy: [],
    unhealthy: ["b"],
    evaluation: mockEval({ id: "e" }),
    failure: { statusDescription, revertTo: 0 },
  });
  assert.equal(value.revertedJobVersion, 0);
  assert.deepEqual(
    [d1(harness).status, d1(harness).statusDescription],
    ["failed", statusDescription],
  );
  assert.equal(d1(harness).taskGroups.web?.unhealthyAllocs, 1);
  assert.equal(harness.snapshot.job(REF)?.version, 2);
});

test("[A13] the client hears of an operator's verdict", () => {
  const harness = start();
  const body = { tag: CommandTag.deploymentAllocHealth, deploymentId: "d1" } as const;
  harness.accept({ ...body, healthy: ["a"], unhealthy: [], evaluation: null, failure: null });
  const { index, snapshot } = harness;
  assert.deepEqual(
    ["a", "b"].map((id) => snapshot.alloc(id)?.allocModifyIndex === index),
    [true, false],
  );
});

test("§4.6 a verdict on a stranger changes nothing", () => {
  const harness = start();
  assert.equal(
    harness.refuse({
      tag: CommandTag.deploymentAllocHealth,
      deploymentId: "d1",
      healthy: ["a", "x"],
      unhealthy: [],
      evaluation: null,
      failure: null,
    }),
    'alloc "x" is not part of deployment "d1"',
  );
  assert.equal(harness.snapshot.alloc("a")?.deploymentStatus?.healthy, null);
});
