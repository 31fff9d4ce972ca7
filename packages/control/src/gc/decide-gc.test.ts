import assert from "node:assert/strict";
import test from "node:test";
import { HOUR } from "@drover/base";
import { type Allocation, type Job, subjectOf, type TaskGroup } from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockEval,
  mockJob,
  mockNode,
  mockTaskGroup,
} from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { decideGc } from "./decide-gc.ts";
import { whyKept } from "./why-kept.ts";

const HOUR_MS = HOUR / 1e6;
const collect = (state: FakeState, hours = 0, force = false) =>
  decideGc(state, { now: MOCK_NOW + hours * HOUR_MS, force });

/** One job with one finished evaluation `e` and its allocation `a`. */
function scene(over: {
  alloc?: Partial<Allocation>;
  job?: Partial<Job>;
  policy?: TaskGroup["reschedulePolicy"];
}): FakeState {
  const { policy } = over;
  const group = mockTaskGroup(policy === undefined ? {} : { reschedulePolicy: policy });
  const job = mockJob({ status: "running", taskGroups: [group], ...over.job });
  const state = new FakeState();
  state.putJob(job);
  state.putEval(mockEval({ id: "e", status: "complete", type: job.type }));
  const ended = { id: "a", evalId: "e", desiredStatus: "stop", clientStatus: "complete" };
  state.putAlloc(mockAlloc({ ...ended, ...over.alloc }, { job }));
  return state;
}

const FAILED = { desiredStatus: "run", clientStatus: "failed" };
const LIMITED = {
  attempts: 1,
  interval: 24 * HOUR,
  delay: 0,
  delayFunction: "constant",
  maxDelay: 0,
  unlimited: false,
};

/** Ended well, and its job has more to do. */
const DONE = { desiredStatus: "run", clientStatus: "complete", jobVersion: 2, jobCreateIndex: 5 };
const ALIVE = { status: "running", version: 2, createIndex: 5 };

const ALLOCS: readonly {
  name: string;
  over: Parameters<typeof scene>[0];
  hours?: number;
  gone: boolean;
}[] = [
  { name: "a stopped one after an hour", over: {}, gone: true },
  { name: "not before", over: {}, hours: 0.99, gone: false },
  {
    name: "not one that is still running",
    over: { alloc: { clientStatus: "running" } },
    gone: false,
  },
  {
    name: "not one that is wanted and pending",
    over: { alloc: { desiredStatus: "run", clientStatus: "pending" } },
    gone: false,
  },
  { name: "not a failed one that will be replaced", over: { alloc: FAILED }, gone: false },
  {
    name: "a failed one that was replaced",
    over: { alloc: { ...FAILED, nextAllocation: "b" } },
    gone: true,
  },
  {
    name: "a failed one that may not be replaced",
    over: { alloc: FAILED, policy: null },
    gone: true,
  },
  {
    name: "a failed one of a stopped job",
    over: { alloc: FAILED, job: { stop: true } },
    gone: true,
  },
  {
    name: "not a failed one within its policy's interval",
    over: { alloc: FAILED, policy: LIMITED },
    gone: false,
  },
  {
    name: "a failed one after its policy's interval",
    over: { alloc: FAILED, policy: LIMITED },
    hours: 24,
    gone: true,
  },
  {
    name: "a batch one not after an hour",
    over: { job: { type: "batch" } },
    hours: 23,
    gone: false,
  },
  {
    name: "not a finished one of a batch job that lives: it would be run again",
    over: { alloc: DONE, job: { ...ALIVE, type: "batch" } },
    hours: 99,
    gone: false,
  },
  {
    name: "not a finished one of a sysbatch job that lives",
    over: { alloc: DONE, job: { ...ALIVE, type: "sysbatch" } },
    hours: 99,
    gone: false,
  },
  {
    name: "not a finished one of a job that is dead for less than four hours",
    over: { alloc: DONE, job: { ...ALIVE, type: "sysbatch", status: "dead" } },
    hours: 2,
    gone: false,
  },
  {
    name: "a finished one together with its dead job",
    over: { alloc: DONE, job: { ...ALIVE, type: "sysbatch", status: "dead" } },
    hours: 4,
    gone: true,
  },
  {
    name: "a finished one of an older version of a batch job",
    over: { alloc: DONE, job: { ...ALIVE, type: "batch", version: 3 } },
    hours: 24,
    gone: true,
  },
  {
    name: "a finished one of a stopped batch job",
    over: { alloc: DONE, job: { ...ALIVE, type: "batch", stop: true } },
    hours: 24,
    gone: true,
  },
  { name: "a batch one after a day", over: { job: { type: "batch" } }, hours: 24, gone: true },
];

for (const { name, over, hours = 1, gone } of ALLOCS) {
  test(`§9.5 collects ${name}`, () => {
    const decision = collect(scene(over), hours);
    assert.deepEqual([decision.evals, decision.allocs], gone ? [["e"], ["a"]] : [[], []]);
  });
}

test("§9.5 an open evaluation stays, and an allocation whose evaluation is gone does not", () => {
  const state = scene({ alloc: { evalId: "long gone" } });
  state.putEval(mockEval({ id: "e", status: "pending" }));
  const decision = collect(state, 5);
  assert.deepEqual([decision.evals, decision.allocs], [[], ["a"]]);
});

test("§6 allocations of an active deployment stay", () => {
  const state = scene({ alloc: { deploymentId: "d" } });
  state.putDeployment(mockDeployment({ id: "d" }));
  assert.deepEqual(collect(state, 5).allocs, []);
});

test("§9.5 a deployment goes an hour after its end, once its allocations have ended", () => {
  const state = scene({ alloc: { deploymentId: "d" } });
  state.putDeployment(mockDeployment({ id: "d", status: "failed" }));
  assert.deepEqual(collect(state, 0.99).deployments, []);
  assert.deepEqual(collect(state, 1).deployments, ["d"]);
  state.putAlloc(mockAlloc({ id: "b", deploymentId: "d", clientStatus: "running" }));
  assert.deepEqual(collect(state, 1).deployments, []);
});

test("§9.5 the deployment that proves the current version stays with it", () => {
  const proven = mockDeployment({ id: "d", status: "successful", jobVersion: 3 });
  for (const [over, gone] of [
    [{ version: 3 }, []],
    [{ version: 4 }, ["d"]],
    [{ version: 3, stop: true }, ["d"]],
    [{ version: 3, createIndex: proven.jobCreateIndex + 1 }, ["d"]],
  ] as const) {
    const state = scene({
      alloc: { deploymentId: "d" },
      job: { createIndex: proven.jobCreateIndex, ...over },
    });
    state.putDeployment(proven);
    assert.deepEqual(collect(state, 1).deployments, gone, JSON.stringify(over));
  }
});

test("§9.5 a dead job goes after four hours, a tagged one stays", () => {
  const dead = scene({ job: { status: "dead", stop: true } });
  assert.deepEqual(collect(dead, 3.99).jobs, []);
  assert.deepEqual(collect(dead, 4).jobs, [{ namespace: "default", id: "example" }]);
  const versionTag = { name: "good", description: "", taggedTime: 1 };
  assert.deepEqual(collect(scene({ job: { status: "dead", stop: true, versionTag } }), 4).jobs, []);
  assert.deepEqual(collect(scene({}), 9).jobs, []);
});

test("§9.5 a node goes when it was down for a day and holds nothing", () => {
  const state = new FakeState();
  const down = mockNode({ name: "down", status: "down" });
  const full = mockNode({ name: "full", status: "down" });
  for (const node of [down, full, mockNode()]) state.putNode(node);
  state.putAlloc(mockAlloc({ nodeId: full.id, clientStatus: "running" }));
  assert.deepEqual(collect(state, 23).nodes, []);
  assert.deepEqual(collect(state, 24).nodes, [down.id]);
});

test("§9.5 forced, age does not matter", () => {
  const decision = collect(scene({}), 0, true);
  assert.deepEqual([decision.evals, decision.allocs], [["e"], ["a"]]);
});

test("I4 what has ended says why it is kept, and until when", () => {
  const told = (state: FakeState, subject: Parameters<typeof whyKept>[1], hours = 0.5) => {
    const reason = whyKept(state, subject, MOCK_NOW + hours * HOUR_MS);
    const [first] = reason?.waitsFor ?? [];
    return reason && [reason.rule, first ? `${first.kind} ${first.id}` : reason.wakesAt];
  };
  const named = { id: "e", namespace: "default" };
  const alloc = subjectOf.allocation({ ...named, id: "a" });
  assert.deepEqual(told(scene({}), alloc), ["gc-age", MOCK_NOW + HOUR_MS]);
  assert.equal(told(scene({}), alloc, 1), null, "the next collection takes it");
  assert.equal(told(scene({ alloc: { clientStatus: "running" } }), alloc), null, "not ended");
  const done = scene({ alloc: DONE, job: { ...ALIVE, type: "batch" } });
  assert.deepEqual(told(done, alloc, 99), ["gc-needed", "job example"]);
  assert.deepEqual(told(done, subjectOf.evaluation(named), 99), ["gc-needed", "allocation a"]);
  const job = subjectOf.job({ namespace: "default", id: "example" });
  const dead = scene({ job: { status: "dead", stop: true } });
  assert.deepEqual(told(dead, job), ["gc-age", MOCK_NOW + 4 * HOUR_MS]);
  dead.putEval(mockEval({ id: "open", status: "pending" }));
  assert.deepEqual(told(dead, job, 4), ["gc-needed", "evaluation open"]);
  const down = mockNode({ id: "n", status: "down" });
  dead.putNode(down);
  assert.deepEqual(told(dead, subjectOf.node("n")), ["gc-age", MOCK_NOW + 24 * HOUR_MS]);
  dead.putDeployment(mockDeployment({ id: "d", status: "failed" }));
  const deployment = subjectOf.deployment({ ...named, id: "d" });
  assert.deepEqual(told(dead, deployment), ["gc-age", MOCK_NOW + HOUR_MS]);
});
