import assert from "node:assert/strict";
import test from "node:test";
import {
  DEFAULT_SCHEDULER_CONFIG,
  EvalStatus,
  type Evaluation,
  type Network,
  Rule,
  subjectOf,
} from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockEval,
  mockJob,
  mockMetric,
  mockNode,
  mockTaskGroup,
} from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { whyEval } from "./why-eval.ts";

const metric = mockMetric({
  nodesEvaluated: 3,
  nodesFiltered: 1,
  nodesInPool: 3,
  constraintFiltered: { "kernel = windows": 1 },
  nodesExhausted: 2,
  dimensionExhausted: { memory: 2 },
  coalescedFailures: 1,
});

interface Case {
  readonly over: Partial<Evaluation>;
  readonly others?: readonly Partial<Evaluation>[];
  readonly isPaused?: boolean;
  readonly rule: Rule;
  readonly wakesAt?: number;
}

/** Every waiting condition of an evaluation. */
const CASES: Readonly<Record<string, Case>> = {
  "it is next": { over: {}, rule: Rule.evalReady },
  "an older one of its job is pending": {
    over: { createIndex: 11 },
    others: [{ id: "a", createIndex: 10 }],
    rule: Rule.evalBehind,
  },
  "a younger one of its job is pending": {
    over: { createIndex: 11 },
    others: [{ id: "a", createIndex: 12 }],
    rule: Rule.evalReady,
  },
  "an older one is put off": {
    over: { createIndex: 11 },
    others: [{ id: "a", createIndex: 10, waitUntil: MOCK_NOW + 1 }],
    rule: Rule.evalReady,
  },
  "its time has not come": {
    over: { waitUntil: MOCK_NOW + 1000 },
    rule: Rule.evalDelayed,
    wakesAt: MOCK_NOW + 1000,
  },
  "its time has come": { over: { waitUntil: MOCK_NOW }, rule: Rule.evalReady },
  "the scheduler is paused": { over: {}, isPaused: true, rule: Rule.schedulerPaused },
  "nothing fits": {
    over: { status: "blocked", failedTgAllocs: { web: metric } },
    rule: Rule.evalNoCapacity,
  },
  "its plans met conflicts": {
    over: { status: "blocked", triggeredBy: "max-plan-attempts" },
    rule: Rule.evalPlanConflict,
  },
};

function why({ isPaused = false, others = [], over }: Pick<Case, "over" | "others" | "isPaused">) {
  const state = new FakeState();
  const evaluation = mockEval({ id: "b", ...over });
  for (const each of [evaluation, ...others.map(mockEval)]) state.putEval(each);
  if (isPaused)
    state.schedulerConfig = () => ({ ...DEFAULT_SCHEDULER_CONFIG, pauseEvalBroker: true });
  return whyEval(state, evaluation, MOCK_NOW);
}

for (const [name, each] of Object.entries(CASES)) {
  test(`I4 an evaluation says why it waits: ${name}`, () => {
    const reason = why(each);
    assert.equal(reason?.rule, each.rule);
    assert.equal(reason.wakesAt, each.wakesAt ?? null);
    assert.deepEqual(reason.subject, subjectOf.evaluation({ id: "b", namespace: "default" }));
    assert.ok(reason.waitsFor.length > 0 || reason.wakesAt !== null);
  });
}

test("an evaluation that has ended waits for nothing", () => {
  for (const status of [EvalStatus.complete, EvalStatus.failed, EvalStatus.canceled]) {
    assert.equal(why({ over: { status } }), null);
  }
});

test("a blocked evaluation names what was missing, and on how many nodes", () => {
  const reason = why({ over: { status: "blocked", failedTgAllocs: { web: metric } } });
  assert.equal(
    reason?.text,
    'no place for group "web" (2): memory exhausted on 2 nodes, ' +
      'constraint "kernel = windows" filtered on 1 node (of 3 evaluated)',
  );
});

test("a port that one which is stopping still holds: it is what is waited for", () => {
  const port = { label: "p", value: 23456, to: 0, hostNetwork: "default", ignoreCollision: false };
  const network: Network = {
    ...{ mode: "", device: "", cidr: "", ip: "", hostname: "", mBits: 0, dns: null, cni: null },
    ...{ reservedPorts: [port], dynamicPorts: [] },
  };
  const group = mockTaskGroup({ networks: [network] });
  const job = mockJob({ id: "b", taskGroups: [group] });
  const state = new FakeState();
  state.putJob(job);
  const ports = [{ label: "p", value: 23456, to: 0, hostIp: "10.0.0.1", ignoreCollision: false }];
  const { allocatedResources } = mockAlloc();
  const shared = { ...allocatedResources.shared, ports };
  const holds = { allocatedResources: { ...allocatedResources, shared } };
  const stops = { ...holds, desiredStatus: "stop", clientStatus: "running" } as const;
  state.putAlloc(mockAlloc({ id: "stopping", ...stops }));
  state.putAlloc(mockAlloc({ id: "gone", ...stops, clientStatus: "complete" }));
  state.putAlloc(mockAlloc({ id: "runs", ...holds, clientStatus: "running" }));
  const dimensionExhausted = { "network: reserved port collision p=23456": 1 };
  const told = (exhausted: Record<string, number>) =>
    whyEval(
      state,
      mockEval({
        jobId: "b",
        status: "blocked",
        failedTgAllocs: { web: { ...metric, dimensionExhausted: exhausted } },
      }),
      MOCK_NOW,
    )?.waitsFor.map(({ id }) => id);
  assert.deepEqual(told(dimensionExhausted), ["stopping"]);
  assert.deepEqual(told({ memory: 2 }), ["capacity"]);
});

test("nodes of the pool that take nothing new stand beside what is missing", () => {
  const state = new FakeState();
  state.putJob(mockJob({ id: "b" }));
  state.putNode(mockNode({ id: "1", name: "fine" }));
  state.putNode(mockNode({ id: "2", name: "gone", status: "down" }));
  state.putNode(mockNode({ id: "3", name: "shy", schedulingEligibility: "ineligible" }));
  state.putNode(mockNode({ id: "4", name: "other", status: "down", nodePool: "gpu" }));
  const blocked = mockEval({ jobId: "b", status: "blocked", failedTgAllocs: { web: metric } });
  const reason = whyEval(state, blocked, MOCK_NOW);
  assert.equal(reason?.evidence["not available"], "gone (down), shy (ineligible)");
});
