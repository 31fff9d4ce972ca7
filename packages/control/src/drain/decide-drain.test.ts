import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import type { Allocation, Deployment, DrainStrategy, Job } from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockJob,
  mockNode,
  mockTaskGroup,
} from "@drover/model/testing";
import type { DrainDecision } from "../contracts.ts";
import { FakeState } from "../testing/fake-state.ts";
import { decideDrain } from "./decide-drain.ts";

const HERE = mockNode({ name: "here" });
const THERE = mockNode({ name: "there" });
const VERDICT = { timestamp: MOCK_NOW, canary: false, modifyIndex: 9 };
const HEALTHY = { clientStatus: "running", deploymentStatus: { ...VERDICT, healthy: true } };
const MARKED = { desiredTransition: { ...mockAlloc().desiredTransition, migrate: true } };

interface Scene {
  readonly jobs?: readonly Job[];
  readonly here?: readonly Partial<Allocation>[];
  readonly there?: readonly Partial<Allocation>[];
  readonly drain?: Partial<DrainStrategy>;
  /** Status of the other node. */
  readonly thereIs?: string;
  readonly now?: number;
  readonly deployment?: Deployment;
}

const JOB = service({});

function service(over: {
  count?: number;
  parallel?: number;
  maxSurge?: number;
  type?: string;
  id?: string;
}): Job {
  const { count = 3, maxSurge = 0, parallel = 1, type = "service", id = "example" } = over;
  const migrate = {
    maxParallel: parallel,
    maxParallelPercent: 0,
    healthCheck: "checks",
    minHealthyTime: 10 * SECOND,
    healthyDeadline: 300 * SECOND,
  };
  const group = mockTaskGroup({ count, migrate });
  const update = group.update && { ...group.update, maxSurge };
  return mockJob({ id, type, taskGroups: [{ ...group, update }] });
}

function decide({
  jobs = [JOB],
  here = [],
  there = [],
  drain = {},
  now = MOCK_NOW,
  thereIs = "ready",
  deployment,
}: Scene) {
  const state = new FakeState();
  if (deployment) state.putDeployment(deployment);
  for (const job of jobs) state.putJob(job);
  const strategy = {
    deadline: 0,
    ignoreSystemJobs: false,
    forceDeadline: 0,
    startedAt: MOCK_NOW,
    ...drain,
  };
  state.putNode({ ...HERE, drainStrategy: strategy });
  state.putNode({ ...THERE, status: thereIs });
  const put = (nodeId: string, prefix: string) => (over: Partial<Allocation>, index: number) => {
    const job = jobs.find((each) => each.id === over.jobId) ?? (jobs[0] as Job);
    state.putAlloc(mockAlloc({ id: `${prefix}${index}`, nodeId, ...over }, { job, index }));
  };
  here.forEach(put(HERE.id, "h"));
  there.forEach(put(THERE.id, "t"));
  return told(decideDrain({ nodeId: HERE.id, now }, state));
}

/** What a waiting drain does not do, beside its reasons. */
function told(decision: DrainDecision) {
  const idle = { migrate: [], stopWithoutPlacement: [], completed: false, deadlineReached: false };
  const rules = decision.kind === "wait" ? decision.reasons.map((reason) => reason.rule) : [];
  return { ...idle, wakeAt: null, ...decision, rules };
}

test("a node that does not drain is left alone", () => {
  const state = new FakeState();
  state.putNode(HERE);
  assert.equal(decideDrain({ nodeId: HERE.id, now: 0 }, state).kind, "none");
  assert.equal(decideDrain({ nodeId: "x", now: 0 }, state).kind, "none");
});

test("§3.14 an empty node is done at once", () => {
  assert.equal(decide({}).completed, true);
  assert.equal(decide({ here: [{ clientStatus: "complete" }] }).completed, true);
});

test("§3.14 max_parallel leave at a time", () => {
  const decision = decide({ here: [HEALTHY, HEALTHY], there: [HEALTHY] });
  assert.deepEqual([decision.migrate, decision.completed], [["h0"], false]);
  const two = decide({ jobs: [service({ parallel: 2 })], here: [HEALTHY, HEALTHY, HEALTHY] });
  assert.deepEqual(two.migrate, ["h0", "h1"]);
});

test("§12.2 with max_surge no more leave than may stand beside their successors", () => {
  const jobs = [service({ parallel: 3, maxSurge: 2 })];
  assert.deepEqual(decide({ jobs, here: [HEALTHY, HEALTHY, HEALTHY] }).migrate, ["h0", "h1"]);
  const leaving = { ...HEALTHY, ...MARKED };
  const beside = { clientStatus: "running", phase: "surge", previousAllocation: "h0" };
  const one = decide({ jobs, here: [leaving, HEALTHY, HEALTHY], there: [beside] });
  assert.deepEqual(one.migrate, ["h1"]);
  // What it was to replace has gone: it is one of the group's own.
  const gone = { ...HEALTHY, phase: "surge", previousAllocation: "x" };
  const later = decide({ jobs, here: [HEALTHY, HEALTHY], there: [gone] });
  assert.deepEqual(later.migrate, ["h0", "h1"]);
});

test("§12.2 a paused update's pairs keep no drain from leaving, and serve in one place", () => {
  const job = service({ parallel: 1, maxSurge: 1 });
  const pair = { clientStatus: "running", phase: "surge", previousAllocation: "t0" };
  const beside = { ...pair, deploymentId: "d", deploymentStatus: { ...VERDICT, healthy: true } };
  const scene = { jobs: [job], here: [HEALTHY, HEALTHY], there: [HEALTHY, beside] };
  assert.deepEqual(decide(scene).migrate, [], "it ends by itself while the update goes on");
  const paused = mockDeployment({ id: "d", status: "paused" }, { job });
  assert.deepEqual(decide({ ...scene, deployment: paused }).migrate, ["h0"]);
  const gone = { ...HEALTHY, clientStatus: "failed" };
  const less = { ...scene, deployment: paused, here: [HEALTHY, gone] };
  assert.deepEqual(decide(less).migrate, [], "two serve of three, and both of a pair are one");
});

test("§12.2 what takes a disk over stops first, and max_surge limits no drain of it", () => {
  const [group] = service({ parallel: 3, maxSurge: 1 }).taskGroups;
  assert.ok(group);
  const ephemeralDisk = { ...group.ephemeralDisk, sticky: true };
  const jobs = [mockJob({ id: "example", taskGroups: [{ ...group, ephemeralDisk }] })];
  assert.deepEqual(decide({ jobs, here: [HEALTHY, HEALTHY, HEALTHY] }).migrate, ["h0", "h1", "h2"]);
});

test("§3.14 the next one leaves when the replacement is healthy", () => {
  const leaving = { ...HEALTHY, ...MARKED, desiredStatus: "stop" };
  const undecided = { clientStatus: "running", deploymentId: "d" };
  const before = decide({ here: [leaving, HEALTHY], there: [HEALTHY, undecided] });
  assert.deepEqual(before.migrate, []);
  const after = decide({ here: [leaving, HEALTHY], there: [HEALTHY, HEALTHY] });
  assert.deepEqual(after.migrate, ["h1"]);
});

test("one that does not serve leaves for free, a serving one beside it within the limit", () => {
  const sick = { clientStatus: "running", deploymentStatus: { ...VERDICT, healthy: false } };
  const decision = decide({ here: [sick, HEALTHY], there: [HEALTHY] });
  assert.deepEqual(decision.migrate, ["h0"]);
});

test("one that is only prepared leaves for free: nothing of it runs", () => {
  const prepared = { clientStatus: "pending", phase: "prepare" };
  const decision = decide({ here: [HEALTHY, prepared], there: [HEALTHY] });
  assert.deepEqual(decision.migrate, ["h1"]);
});

test("max_parallel counts those that are marked and run on until their replacement can start", () => {
  const waiting = { ...HEALTHY, ...MARKED };
  const prepared = { clientStatus: "pending", phase: "prepare" };
  assert.deepEqual(decide({ here: [waiting, HEALTHY], there: [HEALTHY, prepared] }).migrate, []);
});

test("outside a deployment its client's verdict counts, by the migrate block, and not that it runs", () => {
  const running = { clientStatus: "running", createTime: MOCK_NOW };
  const scene = { here: [HEALTHY], now: MOCK_NOW + 600_000 };
  assert.deepEqual(decide({ ...scene, there: [HEALTHY, running] }).migrate, []);
  assert.deepEqual(decide({ ...scene, there: [HEALTHY, HEALTHY] }).migrate, ["h0"]);
});

test("what its client sees failing holds the next one back, and leaves for free itself", () => {
  const failing = { ...HEALTHY, serving: false };
  const holds = decide({ here: [HEALTHY], there: [HEALTHY, failing] });
  assert.deepEqual(holds.migrate, []);
  const leaves = decide({ here: [HEALTHY, failing], there: [HEALTHY] });
  assert.deepEqual(leaves.migrate, ["h1"]);
  const late = { clientStatus: "running", deploymentStatus: { ...VERDICT, healthy: false } };
  const passes = decide({ here: [HEALTHY], there: [HEALTHY, { ...late, serving: true }] });
  assert.deepEqual(passes.migrate, ["h0"], "its checks pass, if only after the deadline");
});

test("what runs on a machine that nobody hears of does not serve", () => {
  for (const status of ["down", "disconnected"]) {
    const scene = { here: [HEALTHY], there: [HEALTHY, HEALTHY] };
    assert.deepEqual(decide({ ...scene, thereIs: status }).migrate, [], status);
  }
});

test("§3.14 batch allocations may finish until the deadline", () => {
  const scene = {
    jobs: [service({ type: "batch" })],
    here: [{ clientStatus: "running" }],
    drain: { deadline: SECOND, forceDeadline: MOCK_NOW + 1000 },
  };
  const before = decide(scene);
  assert.deepEqual(
    [before.migrate, before.stopWithoutPlacement, before.completed, before.wakeAt],
    [[], [], false, MOCK_NOW + 1000],
  );
  const at = decide({ ...scene, now: MOCK_NOW + 1000 });
  assert.deepEqual(
    [at.migrate, at.stopWithoutPlacement, at.completed, at.deadlineReached],
    [[], ["h0"], true, true],
  );
});

test("§3.14 at the deadline everything goes at once; a negative one is now", () => {
  const decision = decide({ here: [HEALTHY, HEALTHY, MARKED], drain: { deadline: -1 } });
  assert.deepEqual(
    [decision.migrate, decision.completed, decision.deadlineReached],
    [["h0", "h1"], true, true],
  );
});

test("§3.14 system allocations go last, or not at all", () => {
  const jobs = [JOB, service({ type: "system", id: "agent" })];
  const agent = { jobId: "agent", clientStatus: "running" };
  assert.deepEqual(decide({ jobs, here: [agent, { ...MARKED }] }).migrate, []);
  const last = decide({ jobs, here: [agent, { ...MARKED, clientStatus: "complete" }] });
  assert.deepEqual([last.migrate, last.completed], [["h0"], false]);
  assert.equal(
    decide({ jobs, here: [{ ...agent, ...MARKED, desiredStatus: "stop" }] }).completed,
    true,
  );
  assert.equal(decide({ jobs, here: [agent], drain: { ignoreSystemJobs: true } }).completed, true);
});

test("a service allocation holds the drain until its client has ended it", () => {
  const stopping = { ...HEALTHY, ...MARKED, desiredStatus: "stop" };
  assert.equal(decide({ here: [stopping] }).completed, false);
  assert.equal(decide({ here: [{ ...stopping, clientStatus: "complete" }] }).completed, true);
});

const FINITE = { deadline: SECOND, forceDeadline: MOCK_NOW + 1000 };
const BATCH = service({ type: "batch", id: "work" });
const SYSTEM = service({ type: "system", id: "agent" });

const WAITING: readonly { name: string; scene: Scene; rules: readonly string[] }[] = [
  {
    name: "the limit keeps it while too few serve",
    scene: { here: [HEALTHY], there: [{ clientStatus: "running", deploymentId: "d" }] },
    rules: ["drain-rolling-limit"],
  },
  {
    name: "it has been told and is not gone",
    scene: { here: [{ ...HEALTHY, ...MARKED }] },
    rules: ["drain-awaits-stop"],
  },
  {
    name: "batch work may be finished",
    scene: { jobs: [BATCH], here: [{ jobId: "work", clientStatus: "running" }], drain: FINITE },
    rules: ["drain-awaits-batch"],
  },
  {
    name: "system jobs leave last",
    scene: {
      jobs: [JOB, SYSTEM],
      here: [{ jobId: "agent", clientStatus: "running" }, { ...MARKED }],
    },
    rules: ["drain-awaits-stop", "drain-system-last"],
  },
];

for (const { name, rules, scene } of WAITING) {
  test(`I4 a drain says why it waits: ${name}`, () => {
    assert.deepEqual(decide(scene).rules, rules);
  });
}
