/** Feasibility, fit, score and what is told about them (spec §6.3, §6.4, §6.5). */
import assert from "node:assert/strict";
import test from "node:test";
import { EvalTrigger, type Job, type Node } from "@drover/model";
import { mockResources, mockTask } from "@drover/model/testing";
import { Harness } from "./testing/harness.ts";
import { rollingJob } from "./testing/jobs.ts";

/** A reference as job files write it. */
const $ = (path: string) => `\${${path}}`;

function perNode(harness: Harness, job: Job): number[] {
  const counts = new Map<string, number>();
  for (const alloc of harness.live(job)) {
    counts.set(alloc.nodeId, (counts.get(alloc.nodeId) ?? 0) + 1);
  }
  return [...counts.values()].sort();
}

function nodes(harness: Harness): Node[] {
  return [...harness.state.nodes()];
}

test("a group spreads over the nodes although each is packed", () => {
  const harness = new Harness({ nodes: 3 });
  const job = rollingJob();
  harness.register(job);
  assert.deepEqual(perNode(harness, job), [2, 2, 2]);
});

test("the score is the mean of the parts that apply", () => {
  const harness = new Harness({ nodes: 1 });
  const { plan } = harness.register(rollingJob({ count: 2 }));
  const [first, second] = plan.placements.map((alloc) => alloc.metrics?.scoreMetaData[0]);
  assert.deepEqual(Object.keys(first?.scores ?? {}).toSorted(), [
    "binpack",
    "job-anti-affinity",
    "node-affinity",
    "node-reschedule-penalty",
  ]);
  const freeCpu = 1 - 100 / 4000;
  const freeMemory = 1 - 64 / 8192;
  const fit = (20 - 10 ** freeCpu - 10 ** freeMemory) / 18;
  assert.ok(Math.abs((first?.normScore ?? 0) - fit) < 1e-12);
  assert.equal(second?.scores["job-anti-affinity"], -1);
  const mean = ((second?.scores.binpack ?? 0) - 1) / 2;
  assert.ok(Math.abs((second?.normScore ?? 0) - mean) < 1e-12);
});

test("a node that filters refuse is counted under the reason, then under its class", () => {
  const harness = new Harness({ nodes: 2 });
  const constraints = [{ lTarget: $("attr.kernel.name"), operand: "=", rTarget: "plan9" }];
  const result = harness.register(rollingJob({ count: 2, job: { constraints } }));
  const metric = result.failedGroups.web;
  assert.deepEqual(metric?.constraintFiltered, {
    [`${$("attr.kernel.name")} = plan9`]: 1,
    "computed class ineligible": 1,
  });
  assert.equal(metric?.nodesFiltered, 2);
  assert.equal(metric?.nodesEvaluated, 2);
  assert.equal(metric?.coalescedFailures, 1);
  assert.deepEqual(metric?.nodesAvailable, { dc1: 2 });
  assert.deepEqual(result.queued, { web: 2 });
});

const PLAN9 = [{ lTarget: $("attr.kernel.name"), operand: "=", rTarget: "plan9" }];
for (const [where, job] of [
  ["job", rollingJob({ job: { constraints: PLAN9 } })],
  ["group", rollingJob({ group: { constraints: PLAN9 } })],
  ["task", rollingJob({ group: { tasks: [mockTask({ constraints: PLAN9 })] } })],
] as const) {
  test(`a constraint of the ${where} keeps it off nodes that do not meet it`, () => {
    const harness = new Harness({ nodes: 1 });
    const { failedGroups, plan } = harness.register(job);
    assert.deepEqual(plan.placements, []);
    const filtered = { [`${$("attr.kernel.name")} = plan9`]: 1 };
    assert.deepEqual(failedGroups.web?.constraintFiltered, filtered);
  });
}

test("a missing or unhealthy driver filters a node", () => {
  const harness = new Harness({ nodes: 1 });
  const tasks = [mockTask({ driver: "java" })];
  const result = harness.register(rollingJob({ group: { tasks } }));
  assert.deepEqual(result.failedGroups.web?.constraintFiltered, { "missing drivers": 1 });
  const [node] = nodes(harness);
  assert.ok(node?.drivers.docker);
  const drivers = { ...node.drivers, docker: { ...node.drivers.docker, healthy: false } };
  harness.changeNode(node.id, { drivers });
  const docker = harness.register(rollingJob({ id: "docker", driver: "docker" }));
  assert.deepEqual(docker.failedGroups.web?.constraintFiltered, { "missing drivers": 1 });
});

test("what does not fit is counted by dimension, and the rest waits for capacity", () => {
  const harness = new Harness({ nodes: 1 });
  const tasks = [mockTask({ resources: mockResources({ memoryMb: 3000 }) })];
  const result = harness.register(rollingJob({ count: 4, group: { tasks } }));
  assert.equal(result.plan.placements.length, 2);
  assert.deepEqual(result.failedGroups.web?.dimensionExhausted, { memory: 1 });
  assert.equal(result.failedGroups.web?.coalescedFailures, 1);
  assert.deepEqual(result.failedGroups.web?.resourcesExhausted.server, {
    CPU: 0,
    Cores: 0,
    Devices: null,
    DiskMB: 0,
    IOPS: 0,
    MemoryMB: 6000,
    MemoryMaxMB: 0,
    NUMA: null,
    Networks: null,
    SecretsMB: 0,
  });
  assert.deepEqual(result.queued, { web: 2 });
  assert.equal(result.blocked?.status, "blocked");
  assert.equal(result.blocked?.triggeredBy, "queued-allocs");
  assert.equal(result.blocked?.statusDescription, "created to place remaining allocations");
  assert.deepEqual(result.blocked?.classEligibility, { "v1:1": true });
});

test("an evaluation that was blocked already waits on under its own id", () => {
  const harness = new Harness({ nodes: 0 });
  const job = rollingJob();
  const first = harness.register(job);
  assert.ok(first.blocked);
  const second = harness.evaluate(job, first.blocked);
  assert.equal(second.blocked?.id, first.blocked.id);
});

test("what waits for capacity names the job's index when the evaluation before it does", () => {
  const harness = new Harness({ nodes: 0 });
  const job = rollingJob();
  harness.register(job);
  const waiting = (triggeredBy: EvalTrigger, jobModifyIndex: number) =>
    harness.evaluate(job, { triggeredBy, jobModifyIndex }).blocked?.jobModifyIndex;
  assert.equal(waiting(EvalTrigger.deploymentWatcher, 0), 0);
  assert.equal(waiting(EvalTrigger.jobRegister, 7), 7);
});

test("no node at all says so by having evaluated none", () => {
  const harness = new Harness({ nodes: 1 });
  const result = harness.register(rollingJob({ job: { datacenters: ["elsewhere"] } }));
  const metric = result.failedGroups.web;
  assert.equal(metric?.nodesEvaluated, 0);
  assert.deepEqual(metric?.nodesAvailable, {});
  assert.equal(metric?.nodesInPool, 0);
});

test("datacenters may be globs, pools are exact", () => {
  const harness = new Harness({ nodes: 2 });
  const [one] = nodes(harness);
  assert.ok(one);
  harness.changeNode(one.id, { datacenter: "eu-1" });
  const job = rollingJob({ job: { datacenters: ["eu-*"] } });
  harness.register(job);
  assert.deepEqual(perNode(harness, job), [6]);
  const pooled = harness.register(rollingJob({ id: "gpu", job: { nodePool: "gpu" } }));
  assert.equal(pooled.failedGroups.web?.nodesInPool, 0);
});

test("ineligible, draining and down nodes are passed over", () => {
  const harness = new Harness({ nodes: 3 });
  const [a, b] = nodes(harness);
  assert.ok(a && b);
  harness.changeNode(a.id, { schedulingEligibility: "ineligible" });
  harness.changeNode(b.id, { status: "down" });
  const job = rollingJob();
  harness.register(job);
  assert.deepEqual(perNode(harness, job), [6]);
});

test("distinct_hosts allows one per node", () => {
  const harness = new Harness({ nodes: 3 });
  const constraints = [{ lTarget: "", operand: "distinct_hosts", rTarget: "" }];
  const job = rollingJob({ count: 4, job: { constraints } });
  const result = harness.register(job);
  assert.deepEqual(perNode(harness, job), [1, 1, 1]);
  assert.deepEqual(result.failedGroups.web?.constraintFiltered, { distinct_hosts: 3 });
});

test("distinct_hosts lets an allocation be replaced on its own node", () => {
  const harness = new Harness({ nodes: 3 });
  const constraints = [{ lTarget: "", operand: "distinct_hosts", rTarget: "" }];
  const build = (image: string) =>
    rollingJob({ count: 3, driver: "docker", image, job: { constraints } });
  const job = build("app:1");
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(build("app:2"));
  harness.rollToEnd(job);
  assert.deepEqual(perNode(harness, job), [1, 1, 1]);
});

test("distinct_property allows so many per value", () => {
  const harness = new Harness({ nodes: 4 });
  nodes(harness).forEach((node, i) => {
    harness.changeNode(node.id, { meta: { rack: `r${i % 2}` } });
  });
  const constraints = [{ lTarget: $("meta.rack"), operand: "distinct_property", rTarget: "2" }];
  const job = rollingJob({ count: 5, job: { constraints } });
  harness.register(job);
  assert.equal(harness.live(job).length, 4);
});

test("an affinity draws allocations to matching nodes", () => {
  const harness = new Harness({ nodes: 3 });
  const [wanted] = nodes(harness);
  assert.ok(wanted);
  harness.changeNode(wanted.id, { meta: { disk: "ssd" } });
  const affinities = [{ lTarget: $("meta.disk"), operand: "=", rTarget: "ssd", weight: 100 }];
  const job = rollingJob({ count: 1, job: { affinities } });
  harness.register(job);
  assert.equal(harness.live(job)[0]?.nodeId, wanted.id);
});

test("a spread divides a group by its percentages", () => {
  const harness = new Harness({ nodes: 4 });
  nodes(harness).forEach((node, i) => {
    harness.changeNode(node.id, { datacenter: i < 2 ? "a" : "b" });
  });
  const spreadTarget = [
    { value: "a", percent: 75 },
    { value: "b", percent: 25 },
  ];
  const spreads = [{ attribute: $("node.datacenter"), weight: 100, spreadTarget }];
  const job = rollingJob({ count: 8, job: { spreads } });
  harness.register(job);
  const inA = harness
    .live(job)
    .filter((alloc) => harness.state.node(alloc.nodeId)?.datacenter === "a");
  assert.equal(inA.length, 6);
});

test("an even spread needs no percentages", () => {
  const harness = new Harness({ nodes: 5 });
  nodes(harness).forEach((node, i) => {
    harness.changeNode(node.id, { datacenter: i < 4 ? "a" : "b" });
  });
  const spreads = [{ attribute: $("node.datacenter"), weight: 50, spreadTarget: [] }];
  const job = rollingJob({ count: 6, job: { spreads } });
  harness.register(job);
  const inB = harness
    .live(job)
    .filter((alloc) => harness.state.node(alloc.nodeId)?.datacenter === "b");
  assert.equal(inB.length, 3);
});

test("reserved cores are given out once", () => {
  const harness = new Harness({ nodes: 1 });
  const tasks = [mockTask({ resources: mockResources({ cores: 2 }) })];
  const job = rollingJob({ count: 3, group: { tasks } });
  const result = harness.register(job);
  const cores = harness
    .live(job)
    .flatMap((alloc) => alloc.allocatedResources.tasks.server?.cpu.reservedCores ?? []);
  assert.deepEqual(cores.toSorted(), [0, 1, 2, 3]);
  assert.deepEqual(result.failedGroups.web?.dimensionExhausted, { cores: 1 });
});

test("tasks that never run together do not add up", () => {
  const harness = new Harness({ nodes: 1 });
  const heavy = mockResources({ memoryMb: 5000 });
  const tasks = [
    mockTask({ name: "init", lifecycle: { hook: "prestart", sidecar: false }, resources: heavy }),
    mockTask({ name: "main", resources: heavy }),
  ];
  assert.equal(
    harness.register(rollingJob({ count: 1, group: { tasks } })).plan.placements.length,
    1,
  );
});

test("a sticky disk draws its allocation back to its node", () => {
  const harness = new Harness({ nodes: 5 });
  const ephemeralDisk = { sticky: true, migrate: false, sizeMb: 300 };
  const job = rollingJob({ count: 1, group: { ephemeralDisk } });
  harness.register(job);
  harness.rollToEnd(job);
  const [before] = harness.live(job);
  const tasks = [mockTask({ config: { image: "2" } })];
  harness.register(rollingJob({ count: 1, group: { ephemeralDisk, tasks } }));
  harness.settle(job);
  assert.equal(harness.live(job)[0]?.nodeId, before?.nodeId);
  assert.notEqual(harness.live(job)[0]?.id, before?.id);
});

test("the same evaluation of the same state gives the same plan", () => {
  const build = () => new Harness({ nodes: 7, seed: 42 }).register(rollingJob({ count: 9 }));
  assert.deepEqual(build(), build());
});
