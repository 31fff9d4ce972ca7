import assert from "node:assert/strict";
import test from "node:test";
import { type Evaluation, Rule } from "@drover/model";
import { mockEval } from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { BlockedEvals } from "./blocked-evals.ts";

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
    assert.equal(evals.block(blocked("j", over), 0), false);
    assert.equal(evals.capacityChanged(change(by)).length, frees ? 1 : 0);
    assert.equal(evals.size, frees ? 0 : 1);
  });
}

test("[B8] §6.5 a change between its snapshot and its tracking is not missed", () => {
  const evals = new BlockedEvals();
  evals.capacityChanged(change("a", 55));
  assert.equal(evals.block(blocked("late", { snapshotIndex: 50 }), 0), true);
  assert.equal(evals.block(blocked("fresh", { snapshotIndex: 55 }), 0), false);
  assert.equal(evals.size, 1);
});

test("[B8] §6.5 the newest of a job is kept", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("b", { jobId: "j", createIndex: 9 }), 0);
  evals.block(blocked("a", { jobId: "j", createIndex: 8 }), 0);
  evals.block(blocked("c", { jobId: "j", createIndex: 10 }), 0);
  assert.deepEqual(
    evals.capacityChanged(change("x")).map((e) => e.id),
    ["c"],
  );
});

test("§6.5 a system job waits for its node", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("s", { type: "system", nodeId: "n1" }), 0);
  assert.deepEqual(evals.capacityChanged(change("x", 60, "n2")), []);
  assert.equal(evals.capacityChanged(change("x", 61, "n1")).length, 1);
});

test("[B9] §6.5 placement conflicts are tried again after a minute", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("c", { triggeredBy: "max-plan-attempts" }), 1000);
  evals.block(blocked("q", { triggeredBy: "queued-allocs" }), 1000);
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
  evals.block(blocked("a"), 0);
  evals.forget("a");
  evals.block(blocked("p", { status: "pending" }), 0);
  assert.equal(evals.size, 0);
});

test("I4 a blocked evaluation says what it waits for, and a conflict when it is tried again", () => {
  const evals = new BlockedEvals();
  evals.block(blocked("a"), 1_000);
  evals.block(blocked("b", { triggeredBy: "max-plan-attempts" }), 1_000);
  assert.equal(evals.why(new FakeState(), "a")?.rule, Rule.evalNoCapacity);
  assert.deepEqual(
    [evals.why(new FakeState(), "b")?.rule, evals.why(new FakeState(), "b")?.wakesAt],
    [Rule.evalPlanConflict, 61_000],
  );
  assert.equal(evals.why(new FakeState(), "c"), null);
});
