import assert from "node:assert/strict";
import test from "node:test";
import { type Evaluation, Rule } from "@drover/model";
import { mockAlloc, mockEval, mockJob, mockMetric } from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { BlockedEvals } from "./blocked-evals.ts";

const STATE = new FakeState();

function blocked(id: string, over: Partial<Evaluation> = {}): Evaluation {
  return mockEval({
    id,
    jobId: id,
    status: "blocked",
    snapshotIndex: 50,
    createIndex: 51,
    ...over,
  });
}

const change = (computedClass: string, index = 60, nodeId = "n") => ({
  computedClass,
  index,
  nodeId,
});

const CASES: readonly { name: string; over: Partial<Evaluation>; by: string; frees: boolean }[] = [
  { name: "a class found fitting", over: { classEligibility: { a: true } }, by: "a", frees: true },
  {
    name: "a class found wanting",
    over: { classEligibility: { a: false } },
    by: "a",
    frees: false,
  },
  { name: "a class never seen", over: { classEligibility: { a: false } }, by: "b", frees: true },
  {
    name: "any class, when it depends on single nodes",
    over: { classEligibility: { a: false }, escapedComputedClass: true },
    by: "a",
    frees: true,
  },
];

for (const { name, over, by, frees } of CASES) {
  test(`§6.5 capacity of ${name} ${frees ? "frees" : "does not free"} it`, () => {
    const evals = new BlockedEvals();
    assert.equal(evals.block(blocked("j", over), { now: 0, state: STATE }), false);
    assert.equal(evals.capacityChanged(change(by), STATE).length, frees ? 1 : 0);
    assert.equal(evals.size, frees ? 0 : 1);
  });
}

test("[B8] §6.5 a change between its snapshot and its tracking is not missed", () => {
  const evals = new BlockedEvals();
  evals.capacityChanged(change("a", 55), STATE);
  assert.equal(evals.block(blocked("late", { snapshotIndex: 50 }), { now: 0, state: STATE }), true);
  assert.equal(
    evals.block(blocked("fresh", { snapshotIndex: 55 }), { now: 0, state: STATE }),
    false,
  );
  assert.equal(evals.size, 1);
});

test("[B8] §6.5 the newest of a job is kept", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("b", { jobId: "j", createIndex: 9 }), { now: 0, state: STATE });
  evals.block(blocked("a", { jobId: "j", createIndex: 8 }), { now: 0, state: STATE });
  evals.block(blocked("c", { jobId: "j", createIndex: 10 }), { now: 0, state: STATE });
  assert.deepEqual(
    evals.capacityChanged(change("x"), STATE).map((e) => e.id),
    ["c"],
  );
});

const JOB = mockJob({ id: "s", type: "system", version: 1 });
const [WEB] = JOB.taskGroups;

/** Its newest version runs on n2, an older one on n3, none on n1. */
function everywhere(exhausted: string): {
  readonly state: FakeState;
  readonly evaluation: Evaluation;
} {
  const state = new FakeState();
  state.putJob(JOB);
  state.putAlloc(mockAlloc({ id: "a2", nodeId: "n2", clientStatus: "running" }, { job: JOB }));
  const old = { id: "a3", nodeId: "n3", clientStatus: "running", jobVersion: 0 };
  state.putAlloc(mockAlloc(old, { job: JOB }));
  const metric = mockMetric({ dimensionExhausted: { [exhausted]: 1 } });
  const failedTgAllocs = { [WEB?.name ?? ""]: metric };
  return { state, evaluation: blocked("s", { type: "system", failedTgAllocs }) };
}

for (const [nodeId, frees] of [
  ["n1", true],
  ["n2", false],
  ["n3", true],
] as const) {
  const what = frees ? "lacks it frees" : "runs it does not free";
  test(`[B8] §6.5 capacity of ${nodeId}, which ${what} a system job`, () => {
    const { evaluation, state } = everywhere("memory");
    const evals = new BlockedEvals();
    assert.equal(evals.block(evaluation, { now: 0, state }), false);
    assert.equal(evals.capacityChanged(change("x", 60, nodeId), state).length, frees ? 1 : 0);
    const late = new BlockedEvals();
    late.capacityChanged(change("x", 60, nodeId), state);
    assert.equal(late.block(evaluation, { now: 0, state }), frees, "before it was tracked");
  });
}

test("[B8] §6.5 a port may be held by another node of the same address", () => {
  const { evaluation, state } = everywhere("network: reserved port collision http=80");
  const evals = new BlockedEvals();
  evals.block(evaluation, { now: 0, state });
  assert.equal(evals.capacityChanged(change("x", 60, "n2"), state).length, 1);
});

test("[B9] §6.5 placement conflicts are tried again after a minute", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("c", { triggeredBy: "max-plan-attempts" }), { now: 1000, state: STATE });
  evals.block(blocked("q", { triggeredBy: "queued-allocs" }), { now: 1000, state: STATE });
  assert.equal(evals.wakeAt(), 61_000);
  assert.deepEqual(evals.due(60_999), []);
  assert.deepEqual(
    evals.due(61_000).map((e) => e.id),
    ["c"],
  );
  assert.equal(evals.wakeAt(), null);
});

test("one that ended otherwise is forgotten, one that is not blocked never tracked", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("a"), { now: 0, state: STATE });
  evals.forget("a");
  evals.block(blocked("p", { status: "pending" }), { now: 0, state: STATE });
  assert.equal(evals.size, 0);
});

test("I4 a blocked evaluation says what it waits for, and a conflict when it is tried again", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("a"), { now: 1_000, state: STATE });
  evals.block(blocked("b", { triggeredBy: "max-plan-attempts" }), { now: 1_000, state: STATE });
  assert.equal(evals.why(new FakeState(), "a")?.rule, Rule.evalNoCapacity);
  assert.deepEqual(
    [evals.why(new FakeState(), "b")?.rule, evals.why(new FakeState(), "b")?.wakesAt],
    [Rule.evalPlanConflict, 61_000],
  );
  assert.equal(evals.why(new FakeState(), "c"), null);
});
