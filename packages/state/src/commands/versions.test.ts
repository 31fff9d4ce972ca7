/** Commands of old logs mean what they meant: replayed, they make the rows that they made. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Deployment, type Job, JobType } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockId,
  mockJob,
  mockNode,
  mockReport,
  mockTaskGroup,
} from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { type CommandBody, StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
const NODES = ["n0", "n1"].map((name) => mockNode({ id: mockId(name), name }));

function accept(harness: StateHarness, body: CommandBody, v: number): void {
  harness.accept({ ...body, ...{ v } });
}

/** Two nodes run a system job, and become healthy one after the other. */
function systemDeployment(v: number): {
  readonly harness: StateHarness;
  readonly late: readonly number[];
} {
  const harness = new StateHarness();
  for (const node of NODES) accept(harness, { tag: CommandTag.nodeRegister, node, evals: [] }, v);
  accept(harness, jobRegister(mockJob({ type: JobType.system })), v);
  const job = harness.snapshot.job(REF) as Job;
  const deployment = mockDeployment({ id: "d" }, { job });
  const group = { ...deployment.taskGroups.web, desiredTotal: 2 };
  const placements = NODES.map((node, i) =>
    mockAlloc({ id: mockId(`a${i}`), nodeId: node.id, deploymentId: "d" }, { job, index: 0 }),
  );
  const taskGroups = { web: group } as Deployment["taskGroups"];
  const plan = emptyPlan(job, { deployment: { ...deployment, taskGroups }, placements });
  accept(harness, { tag: CommandTag.planApply, plan, evals: [] }, v);
  const began = harness.now;
  const late = placements.map(({ id }) => {
    harness.now += 60_000;
    const stored = harness.snapshot.alloc(id);
    assert.ok(stored);
    const body = { ...mockReport(stored), clientSeq: 1, healthy: true };
    accept(harness, { tag: CommandTag.allocClientUpdate, reports: [body], evals: [] }, v);
    const web = harness.snapshot.deployment("d")?.taskGroups.web;
    return (web?.requireProgressBy ?? 0) - began;
  });
  return { harness, late };
}

test("[D7] the nodes of a system job extend its deadline since version 2", () => {
  assert.deepEqual(systemDeployment(1).late, [660_000, 660_000]);
  assert.deepEqual(systemDeployment(2).late, [660_000, 720_000]);
});

test("[D6] a system job's deployment succeeds without a node that has gone", () => {
  const { harness } = systemDeployment(2);
  const job = harness.snapshot.job(REF) as Job;
  const [first, second] = harness.snapshot.allocsByJob(REF);
  assert.ok(first && second);
  const deploymentUpdates = [{ deploymentId: "d", status: "successful", statusDescription: "" }];
  const succeed = () => {
    const plan = emptyPlan(job, { id: `end ${harness.index}`, deploymentUpdates });
    harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
    return harness.snapshot.deployment("d")?.status;
  };
  const revoked = { ...mockReport(first), clientSeq: 2, healthy: null, revoked: true };
  harness.accept({ tag: CommandTag.allocClientUpdate, reports: [revoked], evals: [] });
  assert.equal(succeed(), "running");
  const fields = { desiredStatus: "stop", desiredDescription: "", clientStatus: "lost" } as const;
  const stops = [{ allocId: first.id, nodeId: first.nodeId, ...fields }];
  const plan = emptyPlan(job, { id: "lost", stops });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  assert.equal(succeed(), "successful");
});

/** A job of before percentages is scaled, and registered anew with its count kept. */
function keptCount(v: number) {
  const harness = new StateHarness();
  const update = { ...mockTaskGroup().update } as Record<string, unknown>;
  for (const key of ["maxParallelPercent", "maxSurge", "maxSurgePercent"]) delete update[key];
  const job = mockJob({ taskGroups: [{ ...mockTaskGroup({ count: 7 }), update } as never] });
  accept(harness, jobRegister(job), v);
  const again = { ...job, meta: { changed: "yes" } };
  accept(harness, { ...jobRegister(again), preserveCounts: true } as CommandBody, v);
  return harness.snapshot.job(REF)?.taskGroups[0];
}

test("[D7] a count that is kept changes nothing else of a group of version 1", () => {
  const group = keptCount(1);
  assert.equal(group?.count, 7);
  assert.equal(Object.hasOwn(group?.update ?? {}, "maxSurge"), false);
});

/** When a verdict was given, after its allocation was taken over in place. */
function takenOverAt(v: number): number | undefined {
  const harness = new StateHarness();
  const [node] = NODES;
  assert.ok(node);
  accept(harness, { tag: CommandTag.nodeRegister, node, evals: [] }, v);
  accept(harness, jobRegister(mockJob()), v);
  const job = harness.snapshot.job(REF) as Job;
  const placed = mockAlloc({ id: mockId("a"), nodeId: node.id }, { job });
  const place = emptyPlan(job, { placements: [placed] });
  accept(harness, { tag: CommandTag.planApply, plan: place, evals: [] }, v);
  const stored = harness.snapshot.alloc(placed.id);
  assert.ok(stored);
  const healthy = { ...mockReport(stored), clientSeq: 1, healthy: true, healthAt: 1234 };
  accept(harness, { tag: CommandTag.allocClientUpdate, reports: [healthy], evals: [] }, v);
  const deploymentStatus = { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 };
  const moved = { ...stored, deploymentId: "d", deploymentStatus };
  const plan = emptyPlan(job, {
    id: mockId("takeover"),
    deployment: mockDeployment({ id: "d" }, { job }),
    placements: [moved],
  });
  accept(harness, { tag: CommandTag.planApply, plan, evals: [] }, v);
  return harness.snapshot.alloc(placed.id)?.deploymentStatus?.timestamp;
}

test("[D7] what is taken over in place keeps the time of its verdict since version 2", () => {
  assert.equal(takenOverAt(1), 0);
  assert.equal(takenOverAt(2), 1234);
});

test("[D7] [J4] a job may become one of another type before version 3", () => {
  for (const v of [2, 3]) {
    const harness = new StateHarness();
    accept(harness, jobRegister(mockJob()), v);
    const body = { ...jobRegister(mockJob({ type: JobType.batch })), ...{ v } };
    assert.equal(harness.apply(body).result.ok, v === 2);
  }
});

test("[D7] [D8] each promotion gives every group its time before version 3", () => {
  for (const v of [2, 3]) {
    const { harness } = systemDeployment(v);
    const deadline = () => harness.snapshot.deployment("d")?.taskGroups.web?.requireProgressBy ?? 0;
    const before = deadline();
    harness.now += 60_000;
    const body = { deploymentId: "d", groups: null, evaluation: null };
    accept(harness, { tag: CommandTag.deploymentPromote, ...body }, v);
    assert.equal(deadline() - before, v === 2 ? 60_000 : 0);
  }
});

test("[D7] [A14] a client may change an operator's verdict before version 3", () => {
  for (const v of [2, 3]) {
    const { harness } = systemDeployment(v);
    const [alloc] = harness.snapshot.allocsByJob(REF);
    assert.ok(alloc);
    const verdict = { healthy: [], unhealthy: [alloc.id], evaluation: null, failure: null };
    accept(harness, { tag: CommandTag.deploymentAllocHealth, deploymentId: "d", ...verdict }, v);
    const body = { ...mockReport(alloc), clientSeq: 2, healthy: true };
    accept(harness, { tag: CommandTag.allocClientUpdate, reports: [body], evals: [] }, v);
    assert.equal(harness.snapshot.alloc(alloc.id)?.deploymentStatus?.healthy, v === 2);
  }
});
