import assert from "node:assert/strict";
import test from "node:test";
import type { Node } from "@drover/model";
import { mockEval, mockNode } from "@drover/model/testing";
import { StateHarness } from "../testing/harness.ts";
import { CommandTag } from "./command.ts";

const NODE = mockNode({ status: "ready" });

function start(node: Node = NODE): StateHarness {
  const harness = new StateHarness();
  harness.accept({ tag: CommandTag.clusterInit, clusterId: "c", epoch: 1 });
  harness.accept({ tag: CommandTag.nodeRegister, node, evals: [] });
  return harness;
}

const stored = (harness: StateHarness) => harness.snapshot.node(NODE.id) as Node;
const messages = (harness: StateHarness) => stored(harness).events.map((event) => event.message);

function setStatus(harness: StateHarness, status: string): void {
  const body = { tag: CommandTag.nodeStatus, nodeId: NODE.id, event: null, evals: [] } as const;
  harness.accept({ ...body, status });
}

const STRATEGY = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 1 };
const DRAIN = {
  tag: CommandTag.nodeDrain,
  nodeId: NODE.id,
  drain: STRATEGY,
  markEligible: false,
  completed: false,
  deadlineReached: false,
  meta: {},
  event: null,
  evals: [],
} as const;

test("a new node is recorded with its first event", () => {
  const harness = start();
  assert.deepEqual(messages(harness), ["Node registered"]);
  assert.equal(stored(harness).schedulingEligibility, "eligible");
});

test("I9 registering again keeps what operators and servers have set", () => {
  const harness = start();
  harness.accept(DRAIN);
  const before = stored(harness);
  const again = { ...NODE, meta: { rack: "7" }, drainStrategy: null, lastDrain: null, events: [] };
  harness.accept({ tag: CommandTag.nodeRegister, node: again, evals: [] });
  const after = stored(harness);
  assert.equal(after.meta.rack, "7");
  for (const field of [
    "drainStrategy",
    "schedulingEligibility",
    "lastDrain",
    "events",
    "createIndex",
    "status",
  ] as const) {
    assert.deepEqual(after[field], before[field], field);
  }
});

test("the computed class follows shared attributes and ignores unique ones", () => {
  const harness = start();
  const classOf = (attributes: Record<string, string>) => {
    const node = { ...NODE, attributes };
    harness.accept({ tag: CommandTag.nodeRegister, node, evals: [] });
    return stored(harness).computedClass;
  };
  const one = classOf({ "cpu.arch": "amd64", "unique.hostname": "a" });
  assert.equal(classOf({ "unique.hostname": "b", "cpu.arch": "amd64" }), one);
  assert.notEqual(classOf({ "cpu.arch": "arm64" }), one);
});

test("another machine cannot take a node's id", () => {
  const harness = start();
  const node = { ...NODE, secretId: "another" };
  assert.equal(
    harness.refuse({ tag: CommandTag.nodeRegister, node, evals: [] }),
    "node secret ID does not match. Not registering node.",
  );
});

test("a node that was down says so when it registers again", () => {
  const harness = start();
  setStatus(harness, "down");
  assert.equal(stored(harness).lastMissedHeartbeatIndex, harness.index);
  harness.accept({ tag: CommandTag.nodeRegister, node: NODE, evals: [] });
  assert.deepEqual(messages(harness), ["Node registered", "Node re-registered"]);
  assert.deepEqual(
    [stored(harness).status, stored(harness).lastMissedHeartbeatIndex],
    ["ready", 0],
  );
});

test("an unknown node's status is refused", () => {
  const harness = start();
  const body = { tag: CommandTag.nodeStatus, status: "down", event: null, evals: [] } as const;
  assert.equal(harness.refuse({ ...body, nodeId: "x" }), "node not found");
});

test("ten events are kept", () => {
  const harness = start();
  for (let i = 0; i < 12; i++) {
    const eligibility = i % 2 === 0 ? "ineligible" : "eligible";
    const body = { tag: CommandTag.nodeEligibility, nodeId: NODE.id, event: null } as const;
    harness.accept({ ...body, eligibility, evals: [] });
  }
  assert.equal(stored(harness).events.length, 10);
  assert.equal(messages(harness).at(-1), "Node marked as eligible for scheduling");
});

test("a drain closes the node, and its end leaves it closed", () => {
  const harness = start();
  harness.accept({ ...DRAIN, meta: { ticket: "42" } });
  assert.deepEqual(
    [stored(harness).schedulingEligibility, stored(harness).lastDrain?.status],
    ["ineligible", "draining"],
  );
  assert.equal(
    harness.refuse({
      tag: CommandTag.nodeEligibility,
      nodeId: NODE.id,
      eligibility: "eligible",
      event: null,
      evals: [],
    }),
    "can not set node's scheduling eligibility to eligible while it is draining",
  );
  harness.accept({ ...DRAIN, drain: null, completed: true, deadlineReached: true });
  const node = stored(harness);
  assert.deepEqual([node.drainStrategy, node.schedulingEligibility], [null, "ineligible"]);
  assert.deepEqual([node.lastDrain?.status, node.lastDrain?.meta], ["complete", { ticket: "42" }]);
  assert.deepEqual(node.events.at(-1)?.details, { deadline_reached: "true" });
});

test("a drain that is called off can open the node again", () => {
  const harness = start();
  harness.accept(DRAIN);
  harness.accept({ ...DRAIN, drain: null, markEligible: true });
  assert.deepEqual(
    [stored(harness).schedulingEligibility, stored(harness).lastDrain?.status],
    ["eligible", "canceled"],
  );
});

test("a node may name a pool that nobody has made", () => {
  const harness = start({ ...NODE, nodePool: "gpu" });
  assert.equal(harness.snapshot.nodePool("gpu")?.createIndex, harness.index);
});

test("a node that is forgotten takes its evaluation along", () => {
  const harness = start();
  const evals = [mockEval({ id: "e", triggeredBy: "node-update" })];
  harness.accept({ tag: CommandTag.nodeDeregister, nodeIds: [NODE.id, "unknown"], evals });
  assert.equal(harness.snapshot.node(NODE.id), undefined);
  assert.equal(harness.snapshot.evaluation("e")?.status, "pending");
});
