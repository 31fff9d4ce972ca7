import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Node, Rule } from "@drover/model";
import { MOCK_NOW, mockAlloc, mockJob, mockNode, mockTaskGroup } from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { whyNode } from "./why-node.ts";

const DRAIN = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: MOCK_NOW };

const CASES: Readonly<Record<string, { over: Partial<Node>; rules: readonly Rule[] }>> = {
  "it takes work": { over: {}, rules: [] },
  "it is new": { over: { status: "initializing" }, rules: [Rule.nodeInitializing] },
  "it is lost": { over: { status: "down" }, rules: [Rule.nodeDown] },
  "it may return": { over: { status: "disconnected" }, rules: [Rule.nodeDisconnected] },
  "it is not eligible": {
    over: { schedulingEligibility: "ineligible" },
    rules: [Rule.nodeIneligible],
  },
  "it drains": { over: { drainStrategy: DRAIN }, rules: [Rule.drainRollingLimit] },
  "it is lost and drains": {
    over: { status: "down", drainStrategy: DRAIN },
    rules: [Rule.nodeDown, Rule.drainRollingLimit],
  },
};

for (const [name, { over, rules }] of Object.entries(CASES)) {
  test(`I4 a node says why it is waited for: ${name}`, () => {
    const disconnect = {
      lostAfter: 60 * SECOND,
      stopOnClientAfter: null,
      replace: true,
      reconcile: "best_score",
    };
    const job = mockJob({ taskGroups: [mockTaskGroup({ count: 3, disconnect })] });
    const state = new FakeState();
    const node = mockNode(over);
    state.putJob(job);
    state.putNode(node);
    state.putAlloc(
      mockAlloc({ nodeId: node.id, clientStatus: "running", deploymentId: "d" }, { job }),
    );
    const reasons = whyNode(state, node, MOCK_NOW);
    assert.deepEqual(
      reasons.map((reason) => reason.rule),
      rules,
    );
    for (const reason of reasons) assert.ok(reason.waitsFor.length > 0 || reason.wakesAt !== null);
  });
}

test("a drain that waits says for what, how long at most, and how to end it", () => {
  const state = new FakeState();
  const forceDeadline = MOCK_NOW + 60_000;
  const node = mockNode({ id: "n", drainStrategy: { ...DRAIN, forceDeadline } });
  const job = mockJob({ taskGroups: [mockTaskGroup({ count: 3 })] });
  state.putJob(job);
  state.putNode(node);
  state.putAlloc(mockAlloc({ nodeId: "n", clientStatus: "running", deploymentId: "d" }, { job }));
  const [reason] = whyNode(state, node, MOCK_NOW);
  assert.equal(
    reason?.text,
    `1 allocation of group "web" of job "${job.id}" must wait until more serve: ` +
      "0 of 3 do for sure, and max_parallel lets 1 be missing at a time",
  );
  assert.equal(reason.wakesAt, forceDeadline);
  assert.equal(
    reason.hint,
    "stop what is left without waiting: drover node drain -enable -force n",
  );
});

test("a drain that lets one go says for what the others wait", () => {
  const state = new FakeState();
  const node = mockNode({ id: "n", drainStrategy: DRAIN });
  const jobs = [mockJob({ id: "idle" }), mockJob({ id: "work", type: "batch" })];
  state.putNode(node);
  for (const job of jobs) {
    state.putJob(job);
    const idle = { clientStatus: "running", serving: false };
    state.putAlloc(mockAlloc({ id: job.id, jobId: job.id, nodeId: "n", ...idle }, { job }));
  }
  const reasons = whyNode(state, node, MOCK_NOW);
  assert.deepEqual(
    reasons.map(({ rule, waitsFor }) => [rule, waitsFor.map(({ id }) => id)]),
    [[Rule.drainAwaitsBatch, ["work"]]],
  );
});
