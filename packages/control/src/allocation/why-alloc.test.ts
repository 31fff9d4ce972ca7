import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Allocation, type Deployment, Rule, subjectOf, type TaskState } from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockEval,
  mockJob,
  mockNode,
  mockTask,
  mockTaskGroup,
} from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { whyAlloc } from "./why-alloc.ts";

const task = (state: string): TaskState => ({
  state,
  failed: false,
  restarts: 0,
  lastRestart: 0,
  startedAt: 0,
  finishedAt: 0,
  events: [],
});
const JUDGED = { healthy: true, timestamp: MOCK_NOW, canary: false, modifyIndex: 9 };
const MIGRATE = { ...mockAlloc().desiredTransition, migrate: true };
const RUNNING = { clientStatus: "running", deploymentId: "d" };

interface Case {
  readonly over: Partial<Allocation>;
  readonly node?: string;
  readonly deployment?: Partial<Deployment>;
  readonly healthCheck?: string;
  /** One that takes its place. */
  readonly next?: Partial<Allocation>;
  /** null = it waits for nothing. */
  readonly rule: Rule | null;
  /** Kind and id of the first thing waited for. */
  readonly waits?: string;
  readonly wakesAt?: number;
}

/** Every condition of an allocation. */
const CASES: Readonly<Record<string, Case>> = {
  "not reported yet": { over: {}, rule: Rule.allocNotStarted, waits: "node node" },
  "a task has not started": {
    over: { taskStates: { server: task("pending"), side: task("running") } },
    rule: Rule.allocNotStarted,
    waits: "task a/server",
  },
  "its image is fetched": {
    over: { phase: "prepare" },
    rule: Rule.allocPreparesImages,
    waits: "image app:1",
  },
  "it is prepared": {
    over: { phase: "prepare", prepared: true },
    rule: Rule.allocPairHeld,
    waits: "group example/web",
  },
  "its node is down": {
    over: { clientStatus: "running" },
    node: "down",
    rule: Rule.allocNodeSilent,
    waits: "node node",
  },
  "it is out of reach": {
    over: {
      clientStatus: "unknown",
      followupEvalId: "e",
      allocStates: [{ field: 0, value: "unknown", time: MOCK_NOW - 1000 }],
    },
    node: "disconnected",
    rule: Rule.allocDisconnectGrace,
    waits: "node node",
    wakesAt: MOCK_NOW + 29_000,
  },
  "its node is back and has not told of it": {
    over: {
      clientStatus: "unknown",
      allocStates: [{ field: 0, value: "unknown", time: MOCK_NOW - 1000 }],
    },
    rule: Rule.allocDisconnectGrace,
    waits: "node node",
    wakesAt: MOCK_NOW + 29_000,
  },
  "it was told to stop": {
    over: {
      clientStatus: "running",
      desiredStatus: "stop",
      taskStates: { server: task("running") },
    },
    rule: Rule.allocStopping,
    waits: "task a/server",
  },
  "it must leave, and nobody takes its place yet": {
    over: { clientStatus: "running", desiredTransition: MIGRATE },
    rule: Rule.allocAwaitsReplacement,
    waits: "group example/web",
  },
  "it must leave, and its replacement is prepared": {
    over: { clientStatus: "running", desiredTransition: MIGRATE },
    next: { phase: "prepare" },
    rule: Rule.allocAwaitsReplacement,
    waits: "allocation next",
  },
  "it runs without a verdict": {
    over: RUNNING,
    rule: Rule.allocAwaitsVerdict,
    waits: "node node",
  },
  "its health is set by hand": {
    over: RUNNING,
    healthCheck: "manual",
    rule: Rule.allocManualHealth,
    waits: "operator operator",
  },
  "it runs, and a task of it ended and has not started again": {
    over: {
      clientStatus: "running",
      taskStates: { server: task("pending"), side: task("running"), sweep: task("pending") },
    },
    rule: Rule.allocNotStarted,
    waits: "task a/server",
  },
  "it runs, and only what follows its end has not started": {
    over: {
      clientStatus: "running",
      taskStates: { server: task("running"), sweep: task("pending") },
    },
    rule: null,
  },
  "it is healthy": { over: { ...RUNNING, deploymentStatus: JUDGED }, rule: null },
  "its deployment has ended": { over: RUNNING, deployment: { status: "failed" }, rule: null },
  "it runs outside a deployment": { over: { clientStatus: "running" }, rule: null },
  "it has ended": { over: { clientStatus: "complete", desiredStatus: "stop" }, rule: null },
};

function why({ deployment, healthCheck = "checks", next, node = "ready", over }: Case) {
  const update = mockTaskGroup().update;
  const tasks = [
    mockTask({ config: { image: "app:1" } }),
    mockTask({ name: "sweep", lifecycle: { hook: "poststop", sidecar: false } }),
  ];
  const disconnect = {
    lostAfter: 30 * SECOND,
    stopOnClientAfter: null,
    replace: true,
    reconcile: "best_score",
  };
  const group = mockTaskGroup({
    tasks,
    disconnect,
    update: update && { ...update, healthCheck },
  });
  const job = mockJob({ taskGroups: [group] });
  const state = new FakeState();
  state.putJob(job);
  state.putNode(mockNode({ id: "node", status: node }));
  state.putEval(mockEval({ id: "e", waitUntil: MOCK_NOW + 5000 }));
  state.putDeployment(mockDeployment({ id: "d", ...deployment }, { job }));
  if (next) state.putAlloc(mockAlloc({ id: "next", previousAllocation: "a", ...next }, { job }));
  return whyAlloc(state, mockAlloc({ id: "a", nodeId: "node", ...over }, { job }));
}

for (const [name, each] of Object.entries(CASES)) {
  test(`I4 an allocation says why it waits: ${name}`, () => {
    const [reason, ...others] = why(each);
    assert.deepEqual(others, []);
    assert.equal(reason?.rule ?? null, each.rule);
    if (!reason) return;
    const [first] = reason.waitsFor;
    assert.equal(`${first?.kind} ${first?.id}`, each.waits);
    assert.equal(reason.wakesAt, each.wakesAt ?? null);
    assert.deepEqual(reason.subject, subjectOf.allocation({ id: "a", namespace: "default" }));
  });
}

test("what waits for another allocation, or for a person, says it in plain words", () => {
  const tell = (name: string) => {
    const each = CASES[name];
    assert.ok(each);
    const [reason] = why(each);
    return reason;
  };
  assert.equal(
    tell("it is prepared")?.text,
    "it is ready to start, and does when it may replace the one that still runs",
  );
  assert.equal(
    tell("its health is set by hand")?.hint,
    'PUT /v1/deployment/allocation-health/d {"HealthyAllocationIDs":["a"]}',
  );
});
