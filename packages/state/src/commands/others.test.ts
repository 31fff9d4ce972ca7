import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, DEFAULT_SCHEDULER_CONFIG, type Job } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockEval,
  mockJob,
  mockNode,
  mockReport,
} from "@drover/model/testing";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const REF = { namespace: "default", id: "example" };

function start(): { harness: StateHarness; job: Job } {
  const harness = new StateHarness();
  harness.accept({ tag: CommandTag.clusterInit, clusterId: "c", epoch: 1 });
  const submission = { source: "x", format: "hcl2", variableFlags: {}, variables: "" };
  harness.accept(jobRegister(mockJob(), { submission }));
  const job = harness.snapshot.job(REF) as Job;
  const placements = [mockAlloc({ id: "a", deploymentId: "d1" }, { job })];
  const deployment = mockDeployment({ id: "d1" }, { job });
  const plan = emptyPlan(job, { deployment, placements });
  harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
  return { harness, job };
}

function deregister(harness: StateHarness, purge: boolean) {
  return harness.accept({
    tag: CommandTag.jobDeregister,
    namespace: "default",
    jobId: "example",
    purge,
    noShutdownDelay: !purge,
    evaluation: mockEval({ id: "stop", triggeredBy: "job-deregister" }),
  });
}

test("§2.5.2 stopping a job is a new version of it", () => {
  const { harness } = start();
  const { value, index } = deregister(harness, false);
  const job = harness.snapshot.job(REF);
  assert.deepEqual([job?.version, job?.stop, value.jobModifyIndex], [1, true, index]);
  assert.equal(harness.snapshot.alloc("a")?.desiredTransition.noShutdownDelay, true);
  assert.equal(harness.snapshot.evaluation("stop")?.jobModifyIndex, index);
});

test("[E5] §2.5.2 a purge leaves only evaluations, the open ones complete", () => {
  const { harness } = start();
  const alloc = harness.snapshot.alloc("a") as Allocation;
  const reports = [mockReport(alloc, { healthy: true })];
  harness.accept({ tag: CommandTag.allocClientUpdate, reports, evals: [] });
  deregister(harness, true);
  const { snapshot } = harness;
  assert.equal(snapshot.job(REF), undefined);
  assert.deepEqual(snapshot.jobVersions(REF), []);
  assert.deepEqual(snapshot.allocsByJob(REF), []);
  assert.deepEqual(snapshot.deploymentsByJob(REF), []);
  assert.equal(snapshot.jobSummary(REF), undefined);
  assert.equal(snapshot.submission(REF, 0), undefined);
  const tables = new Set<string>();
  for (const record of snapshot.dump()) if (record.kind === "row") tables.add(record.table);
  for (const table of ["jobVersions", "deadlineExtensions", "revertGrants", "services"]) {
    assert.ok(!tables.has(table), table);
  }
  const evals = snapshot.evalsByJob(REF).map((e) => [e.status, e.statusDescription]);
  assert.deepEqual(evals.sort(), [
    ["complete", "job example deleted"],
    ["pending", ""],
  ]);
});

test("§2.5.2 a job that does not exist is stopped without an evaluation", () => {
  const harness = new StateHarness();
  const { value } = deregister(harness, false);
  assert.deepEqual([value.unchanged, value.evalCreateIndex], [true, 0]);
  assert.equal(harness.snapshot.evaluation("stop"), undefined);
});

test("a purged id that is registered again starts at version 0 with counts of its own", () => {
  const { harness } = start();
  deregister(harness, true);
  const { index } = harness.accept(jobRegister(mockJob()));
  assert.deepEqual(
    [harness.snapshot.job(REF)?.version, harness.snapshot.job(REF)?.createIndex],
    [0, index],
  );
  assert.equal(harness.snapshot.jobSummary(REF)?.summary.web?.starting, 0);
});

test("[E3] §6.5 one blocked evaluation is kept per job, the newest", () => {
  const { harness } = start();
  const blocked = (id: string) => mockEval({ id, status: "blocked" });
  harness.accept({ tag: CommandTag.evalUpdate, evals: [blocked("b1")] });
  harness.accept({ tag: CommandTag.evalUpdate, evals: [blocked("b2")] });
  const of = (id: string) => harness.snapshot.evaluation(id);
  assert.deepEqual([of("b1")?.status, of("b2")?.status], ["canceled", "blocked"]);
  assert.equal(of("b1")?.statusDescription, "canceled after more recent eval was processed");
  harness.accept({
    tag: CommandTag.evalUpdate,
    evals: [mockEval({ id: "e", status: "complete" })],
  });
  assert.deepEqual(
    [of("b2")?.status, of("b2")?.statusDescription],
    ["canceled", 'evaluation "e" successful'],
  );
});

test("[E1] a finished evaluation stays finished", () => {
  const { harness } = start();
  const put = (status: string) =>
    harness.accept({ tag: CommandTag.evalUpdate, evals: [mockEval({ id: "e", status })] });
  put("complete");
  put("pending");
  assert.equal(harness.snapshot.evaluation("e")?.status, "complete");
});

test("what an evaluation could not place is queued in the summary", () => {
  const { harness } = start();
  const evaluation = mockEval({ id: "e", status: "complete", queuedAllocations: { web: 2, x: 1 } });
  harness.accept({ tag: CommandTag.evalUpdate, evals: [evaluation] });
  assert.equal(harness.snapshot.jobSummary(REF)?.summary.web?.queued, 2);
  assert.equal(harness.snapshot.jobSummary(REF)?.summary.x, undefined);
});

test("[A6] §1.9 transitions merge, and null leaves one as it is", () => {
  const { harness } = start();
  const mark = (transition: object) =>
    harness.accept({
      tag: CommandTag.allocDesiredTransition,
      transitions: { a: transition, gone: { migrate: true } },
      evals: [],
    });
  mark({ migrate: true });
  mark({ migrate: null, reschedule: true });
  assert.deepEqual(harness.snapshot.alloc("a")?.desiredTransition, {
    migrate: true,
    reschedule: true,
    forceReschedule: null,
    noShutdownDelay: null,
    migrateDisablePlacement: null,
  });
});

test("§9.5 what came to life again is not collected", () => {
  const { harness } = start();
  harness.accept({ tag: CommandTag.nodeRegister, node: mockNode(), evals: [] });
  harness.accept({
    tag: CommandTag.garbageCollect,
    evals: harness.snapshot.evalsByJob(REF).map((e) => e.id),
    allocs: ["a"],
    deployments: ["d1"],
    jobs: [REF],
    nodes: [mockNode().id],
  });
  const { snapshot } = harness;
  assert.equal(snapshot.evalsByJob(REF).length, 1);
  assert.ok(snapshot.alloc("a") && snapshot.deployment("d1"));
  assert.ok(snapshot.job(REF) && snapshot.node(mockNode().id));
});

test("§9.5 an allocation is collected once it and its deployment have ended", () => {
  const { harness, job } = start();
  const collect = () =>
    harness.accept({
      tag: CommandTag.garbageCollect,
      evals: [],
      allocs: ["a", "b"],
      deployments: [],
      jobs: [],
      nodes: [],
    });
  const stop = { nodeId: "", desiredStatus: "stop", desiredDescription: "" };
  const running = mockAlloc({ id: "b" }, { job });
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(job, { id: "p", placements: [running], stops: [{ ...stop, allocId: "a" }] }),
    evals: [],
  });
  collect();
  assert.ok(harness.snapshot.alloc("a"), "its deployment is active and counts it");
  assert.ok(harness.snapshot.alloc("b"), "it runs");
  const ended = { deploymentId: "d1", status: "failed", statusDescription: "" };
  harness.accept({
    tag: CommandTag.planApply,
    plan: emptyPlan(job, { id: "q", deploymentUpdates: [ended] }),
    evals: [],
  });
  collect();
  assert.equal(harness.snapshot.alloc("a"), undefined);
  assert.ok(harness.snapshot.alloc("b"));
});

test("a scaled group keeps its newest twenty events", () => {
  const { harness } = start();
  for (let i = 0; i < 25; i++) {
    harness.accept({
      tag: CommandTag.scalingEvent,
      namespace: "default",
      jobId: "example",
      group: "web",
      count: i,
      previousCount: 0,
      message: "",
      error: false,
      meta: null,
      evalId: "",
    });
  }
  const events = harness.snapshot.scalingEvents(REF)?.groups.web;
  assert.deepEqual([events?.length, events?.[0]?.count], [20, 24]);
});

test("scheduler settings can be compared before they are set", () => {
  const { harness } = start();
  const config = { ...DEFAULT_SCHEDULER_CONFIG, schedulerAlgorithm: "spread" };
  const set = (cas: number | null) =>
    harness.accept({ tag: CommandTag.schedulerConfig, config, cas }).value.updated;
  const { modifyIndex } = harness.snapshot.schedulerConfig();
  assert.equal(set(modifyIndex + 1), false);
  assert.equal(harness.snapshot.schedulerConfig().schedulerAlgorithm, "binpack");
  assert.equal(set(modifyIndex), true);
  assert.equal(harness.snapshot.schedulerConfig().schedulerAlgorithm, "spread");
});

test("a cluster is initialised once; its epoch only grows", () => {
  const { harness } = start();
  const init = (clusterId: string, epoch: number) =>
    ({ tag: CommandTag.clusterInit, clusterId, epoch }) as const;
  assert.equal(harness.accept(init("c", 1)).value.updated, false);
  assert.equal(harness.accept(init("c", 2)).value.updated, true);
  assert.equal(harness.snapshot.cluster()?.epoch, 2);
  assert.equal(harness.refuse(init("x", 3)), "this is cluster c, not x");
  const pools = [...harness.snapshot.nodePools()].map((pool) => pool.description);
  assert.deepEqual(pools, ["Node pool with all nodes in the cluster.", "Default node pool."]);
  assert.equal(harness.snapshot.namespace("default")?.description, "Default shared namespace");
});

test("namespaces and pools in use are not deleted, nor built-in ones", () => {
  const { harness } = start();
  const stamps = { createIndex: 0, modifyIndex: 0 };
  const team = {
    name: "team",
    description: "",
    quota: "",
    meta: {},
    capabilities: null,
    ...stamps,
  };
  harness.accept({ tag: CommandTag.namespaceUpsert, namespaces: [team] });
  harness.accept(jobRegister(mockJob({ namespace: "team" })));
  const remove = (name: string) => ({ tag: CommandTag.namespaceDelete, names: [name] }) as const;
  assert.equal(harness.refuse(remove("team")), 'namespace "team" has non-terminal jobs');
  assert.equal(harness.refuse(remove("default")), "can not delete default namespace");
  assert.equal(harness.refuse(remove("nope")), 'namespace "nope" not found');
  harness.accept({
    tag: CommandTag.jobDeregister,
    namespace: "team",
    jobId: "example",
    purge: true,
    noShutdownDelay: false,
    evaluation: null,
  });
  harness.accept(remove("team"));
  assert.equal(harness.snapshot.namespace("team"), undefined);

  const pool = {
    name: "gpu",
    description: "",
    meta: {},
    nodeIdentityTtl: 0,
    schedulerConfiguration: null,
    ...stamps,
  };
  harness.accept({ tag: CommandTag.nodePoolUpsert, pools: [pool] });
  const node = mockNode({ nodePool: "gpu" });
  harness.accept({ tag: CommandTag.nodeRegister, node, evals: [] });
  const drop = { tag: CommandTag.nodePoolDelete, names: ["gpu"] } as const;
  assert.equal(harness.refuse(drop), 'node pool "gpu" has nodes');
  harness.accept({ tag: CommandTag.nodeDeregister, nodeIds: [node.id], evals: [] });
  harness.accept(drop);
  assert.equal(harness.snapshot.nodePool("gpu"), undefined);
});
