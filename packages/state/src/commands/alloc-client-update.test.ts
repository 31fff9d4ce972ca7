import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE } from "@drover/base";
import type { Allocation, AllocClientReport, Job } from "@drover/model";
import { mockAlloc, mockDeployment, mockId, mockJob, mockNode } from "@drover/model/testing";
import { emptyPlan, jobRegister, report } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";
import { COMMAND_VERSION, CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };
const NODE = mockNode();

function start(): { harness: StateHarness; job: Job; allocs: readonly Allocation[] } {
  const harness = new StateHarness();
  harness.accept({ tag: CommandTag.nodeRegister, node: NODE, evals: [] });
  harness.accept(jobRegister(mockJob()));
  const job = harness.snapshot.job(REF) as Job;
  const deployment = mockDeployment({ id: "d1" }, { job });
  const allocs = [0, 1, 2].map((index) =>
    mockAlloc({ id: mockId(`a${index}`), deploymentId: "d1" }, { job, index }),
  );
  const plan = emptyPlan(job, { deployment, placements: allocs });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  return { harness, job, allocs };
}

function send(
  harness: StateHarness,
  alloc: Allocation | undefined,
  fields: Partial<AllocClientReport & { nodeId: string }>,
): Allocation {
  const body = { ...report(alloc as Allocation), ...fields };
  harness.accept({ tag: CommandTag.allocClientUpdate, reports: [body], evals: [] });
  return harness.snapshot.alloc(body.id) as Allocation;
}

const group = (harness: StateHarness) => harness.snapshot.deployment("d1")?.taskGroups.web;

test("[A2] a report that is not newer is ignored", () => {
  const { harness, allocs } = start();
  send(harness, allocs[0], { clientSeq: 5, clientStatus: "running" });
  assert.equal(
    send(harness, allocs[0], { clientSeq: 5, clientStatus: "failed" }).clientStatus,
    "running",
  );
  assert.equal(
    send(harness, allocs[0], { clientSeq: 4, clientStatus: "failed" }).clientStatus,
    "running",
  );
  assert.equal(
    send(harness, allocs[0], { clientSeq: 6, clientStatus: "failed" }).clientStatus,
    "failed",
  );
});

test("[A2] a node reports its own allocations only", () => {
  const { harness, allocs } = start();
  const after = send(harness, allocs[0], { nodeId: mockId("other"), clientStatus: "failed" });
  assert.equal(after.clientStatus, "pending");
});

test("I9 a report leaves what the scheduler owns", () => {
  const { harness, allocs } = start();
  const before = harness.snapshot.alloc(allocs[0]?.id ?? "") as Allocation;
  const after = send(harness, before, { clientStatus: "running", healthy: true });
  const client = new Set([
    "clientStatus",
    "clientDescription",
    "taskStates",
    "deploymentStatus",
    "clientSeq",
    "modifyIndex",
    "modifyTime",
  ]);
  for (const field of Object.keys(before)) {
    if (client.has(field)) continue;
    assert.deepEqual(Reflect.get(after, field), Reflect.get(before, field), field);
  }
  assert.equal(after.modifyIndex, harness.index);
});

test("health counts live allocations, and falls when one ends", () => {
  const { harness, allocs } = start();
  for (const alloc of allocs) send(harness, alloc, { healthy: true });
  assert.equal(group(harness)?.healthyAllocs, 3);
  send(harness, allocs[0], { clientSeq: 2, clientStatus: "failed", healthy: true });
  assert.deepEqual(
    [group(harness)?.placedAllocs, group(harness)?.healthyAllocs, group(harness)?.unhealthyAllocs],
    [3, 2, 0],
  );
});

test("[A8] a verdict may be revoked, and silence revokes nothing", () => {
  const { harness, allocs } = start();
  send(harness, allocs[0], { healthy: true });
  assert.equal(
    send(harness, allocs[0], { clientSeq: 2, healthy: null }).deploymentStatus?.healthy,
    true,
  );
  send(harness, allocs[0], { clientSeq: 3, healthy: false });
  assert.deepEqual([group(harness)?.healthyAllocs, group(harness)?.unhealthyAllocs], [0, 1]);
});

for (const healthy of [true, false]) {
  test(`[A14] the operator's word that it is ${healthy ? "healthy" : "unhealthy"} stands, also where the node had said so`, () => {
    const { harness, allocs } = start();
    const [first] = allocs;
    send(harness, first, { healthy: true });
    harness.accept({
      tag: CommandTag.deploymentAllocHealth,
      deploymentId: "d1",
      healthy: healthy ? [first?.id ?? ""] : [],
      unhealthy: healthy ? [] : [first?.id ?? ""],
      evaluation: null,
      failure: null,
    });
    const reports = [{ healthy: null, revoked: true }, { healthy: false }, { healthy: true }];
    for (const [i, report] of reports.entries()) {
      const after = send(harness, first, { clientSeq: 2 + i, ...report });
      assert.equal(after.deploymentStatus?.healthy, healthy);
    }
  });
}

test("[A11] a verdict on an earlier deployment says nothing in the one that took over", () => {
  const { harness, job, allocs } = start();
  const first = allocs[0] as Allocation;
  send(harness, first, { healthy: true, deploymentId: "d1" });
  const deploymentStatus = { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 };
  const kept = { ...first, deploymentId: "d2", deploymentStatus };
  const deployment = mockDeployment({ id: "d2" }, { job });
  const plan = emptyPlan(job, { id: "takeover", deployment, placements: [kept] });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  // Sent before its client has heard of the takeover.
  for (const [i, healthy] of [true, false].entries()) {
    const after = send(harness, first, { clientSeq: 2 + i, healthy, deploymentId: "d1" });
    assert.equal(after.clientSeq, 2 + i);
    assert.equal(after.deploymentStatus?.healthy, null);
  }
  const after = send(harness, first, { clientSeq: 4, healthy: true, deploymentId: "d2" });
  assert.equal(after.deploymentStatus?.healthy, true);
});

test("the verdict stands once its deployment has ended, and so do its counts", () => {
  const { harness, allocs } = start();
  send(harness, allocs[0], { healthy: true });
  harness.accept({
    tag: CommandTag.deploymentStatus,
    deploymentId: "d1",
    status: "failed",
    statusDescription: "Deployment marked as failed",
    evaluation: null,
    revertTo: null,
  });
  const after = send(harness, allocs[0], {
    clientSeq: 2,
    clientStatus: "failed",
    healthy: false,
  });
  assert.deepEqual([after.clientStatus, after.deploymentStatus?.healthy], ["failed", true]);
  assert.equal(group(harness)?.healthyAllocs, 1);
});

test("§12.1 the deadline runs from the deployment's start, with nothing placed", () => {
  const { harness } = start();
  assert.equal(group(harness)?.requireProgressBy, harness.now + (10 * MINUTE) / 1e6);
});

test("§12.1 each name extends the deadline once: a flap gains nothing", () => {
  const { harness, allocs } = start();
  const deadline = () => group(harness)?.requireProgressBy ?? 0;
  const span = (10 * MINUTE) / 1e6;
  harness.now += 1000;
  send(harness, allocs[0], { healthy: true });
  assert.equal(deadline(), harness.now + span);
  const extended = deadline();
  harness.now += 1000;
  send(harness, allocs[0], { clientSeq: 2, healthy: false });
  send(harness, allocs[0], { clientSeq: 3, healthy: true });
  assert.equal(deadline(), extended);
  send(harness, allocs[1], { healthy: true });
  assert.equal(deadline(), harness.now + span);
});

test("[D9] a verdict later than the deadline extends it from there, and an older command from now", () => {
  const span = (10 * MINUTE) / 1e6;
  for (const [v, late] of [
    [COMMAND_VERSION, 0],
    [3, 5_000],
  ] as const) {
    const { harness, allocs } = start();
    const before = group(harness)?.requireProgressBy ?? 0;
    harness.now = before + 5_000;
    const reports = [{ ...report(allocs[0] as Allocation), healthy: true }];
    harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [], v });
    assert.equal(group(harness)?.requireProgressBy, before + late + span);
  }
});

test("§12.1 of a system job, whose allocations share a name, each node extends it once", () => {
  const harness = new StateHarness();
  const nodes = ["n1", "n2", "n3", "n4"].map((name) => mockNode({ id: mockId(name), name }));
  for (const node of nodes) harness.accept({ tag: CommandTag.nodeRegister, node, evals: [] });
  harness.accept(jobRegister(mockJob({ type: "system" })));
  const job = harness.snapshot.job(REF) as Job;
  const deployment = mockDeployment({ id: "d1" }, { job });
  const allocs = nodes.map(({ id: nodeId, name }) =>
    mockAlloc({ id: mockId(`on ${name}`), nodeId, deploymentId: "d1" }, { job }),
  );
  const plan = emptyPlan(job, { deployment, placements: allocs });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  const span = (10 * MINUTE) / 1e6;
  for (const alloc of allocs.slice(0, 3)) {
    harness.now += 1000;
    send(harness, alloc, { healthy: true });
    assert.equal(group(harness)?.requireProgressBy, harness.now + span);
  }
  const extended = harness.now + span;
  harness.now += 1000;
  send(harness, allocs[0], { clientSeq: 2, healthy: false });
  send(harness, allocs[0], { clientSeq: 3, healthy: true });
  assert.equal(group(harness)?.requireProgressBy, extended, "a flap");
  send(harness, allocs[3], { healthy: true });
  assert.equal(group(harness)?.requireProgressBy, extended, "a fourth of three that are wanted");
});

test("§12.1 names beyond the group's size extend nothing", () => {
  const { harness, job } = start();
  const before = group(harness)?.requireProgressBy;
  const more = [3, 4].map((index) =>
    mockAlloc({ id: mockId(`a${index}`), deploymentId: "d1" }, { job, index }),
  );
  const plan = emptyPlan(job, { id: "more", placements: more });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  harness.now += 1000;
  for (const alloc of more) send(harness, alloc, { healthy: true });
  assert.equal(group(harness)?.healthyAllocs, 2);
  assert.equal(group(harness)?.requireProgressBy, before);
});

test("§12.7 the first digest of an image stays with the version", () => {
  const { harness, allocs } = start();
  send(harness, allocs[0], { imageDigests: { "app:1": "sha256:a" } });
  send(harness, allocs[1], { imageDigests: { "app:1": "sha256:b", "log:1": "sha256:c" } });
  const digests = { "app:1": "sha256:a", "log:1": "sha256:c" };
  assert.deepEqual(harness.snapshot.job(REF)?.imageDigests, digests);
  assert.deepEqual(harness.snapshot.jobVersion(REF, 0)?.imageDigests, digests);
});

test("I8 services of an allocation go with it, and late ones are not taken in", () => {
  const { harness, allocs } = start();
  const service = {
    id: "s1",
    serviceName: "web",
    namespace: "default",
    nodeId: NODE.id,
    datacenter: "dc1",
    jobId: "example",
    allocId: allocs[0]?.id ?? "",
    tags: [],
    address: "127.0.0.1",
    port: 80,
    createIndex: 0,
    modifyIndex: 0,
  };
  const upsert = { tag: CommandTag.serviceUpsert, services: [service] } as const;
  harness.accept(upsert);
  assert.equal(harness.snapshot.servicesByName("default", "web").length, 1);
  send(harness, allocs[0], { clientStatus: "complete" });
  assert.equal(harness.snapshot.servicesByName("default", "web").length, 0);
  harness.accept(upsert);
  assert.equal([...harness.snapshot.services()].length, 0);
});

test("the node remembers when its allocations last reported", () => {
  const { harness, allocs } = start();
  const before = harness.snapshot.node(NODE.id);
  send(harness, allocs[0], {});
  const after = harness.snapshot.node(NODE.id);
  assert.equal(after?.lastAllocUpdateIndex, harness.index);
  assert.equal(after?.modifyIndex, before?.modifyIndex);
});

test("finished allocations add up in the summary, running ones move", () => {
  const { harness, allocs } = start();
  const web = () => harness.snapshot.jobSummary(REF)?.summary.web;
  send(harness, allocs[0], { clientStatus: "running" });
  send(harness, allocs[0], { clientSeq: 2, clientStatus: "complete" });
  assert.deepEqual([web()?.starting, web()?.running, web()?.complete], [2, 0, 1]);
});
