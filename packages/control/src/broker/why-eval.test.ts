import assert from "node:assert/strict";
import test from "node:test";
import {
  DEFAULT_SCHEDULER_CONFIG,
  EvalStatus,
  EvalTrigger,
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
      'constraint "kernel = windows" not met on 1 node (of 3 evaluated)',
  );
  assert.equal(reason?.hint, "add or free a node with what is missing, or ask for less");
});

const NOTHING_FULL = { ...metric, dimensionExhausted: {} };

test("what no node may take is not asked to be smaller, and nodes alike are counted once", () => {
  const filtered = { "kernel = plan9": 1, "missing drivers": 2, "computed class ineligible": 3 };
  const told = { ...NOTHING_FULL, nodesEvaluated: 6, constraintFiltered: filtered };
  const reason = why({ over: { status: "blocked", failedTgAllocs: { web: told } } });
  assert.equal(
    reason?.text,
    'no place for group "web" (2): missing drivers on 2 nodes, constraint "kernel = plan9" not met ' +
      "on 1 node, and 3 nodes of the same kind as one of these (of 6 evaluated)",
  );
  assert.equal(reason?.hint, "add a node that the job's constraints allow, or change these");
});

test("where every node is closed, a node that takes something is asked for", () => {
  const told = { ...NOTHING_FULL, nodesEvaluated: 0, constraintFiltered: {} };
  const reason = why({ over: { status: "blocked", failedTgAllocs: { web: told } } });
  assert.equal(reason?.text, 'no place for group "web" (2): no node was eligible');
  assert.equal(reason?.hint, "add a node that takes new allocations");
});

test("a service of Consul's without a Consul is told how to have one, or to do without", () => {
  const filtered = { "${attr.consul.version} semver >= 1.8.0": 1 };
  const told = { ...NOTHING_FULL, nodesEvaluated: 1, constraintFiltered: filtered };
  const reason = why({ over: { status: "blocked", failedTgAllocs: { web: told } } });
  const hint = 'give the agents a Consul (-consul-address), or its services provider = "nomad"';
  assert.equal(reason?.hint, hint);
});

test("a job that may run only where no node is says where it may and where they are", () => {
  const state = new FakeState();
  state.putNode(mockNode({ datacenter: "dc1" }));
  const job = mockJob({ datacenters: ["east", "west-*"] });
  state.putJob(job);
  const told = { ...NOTHING_FULL, nodesEvaluated: 0, nodesInPool: 0, constraintFiltered: {} };
  const over = { status: "blocked", failedTgAllocs: { web: told } } as const;
  const reason = whyEval(state, mockEval({ ...over, jobId: job.id }), MOCK_NOW);
  assert.equal(
    reason?.evidence["allowed by the job"],
    'datacenter "east", "west-*" of pool "default"',
  );
  assert.equal(reason?.evidence["nodes are in"], 'datacenter "dc1" of pool "default"');
  const hint = "change the job's datacenters or node_pool, or add a node that is in these";
  assert.equal(reason?.hint, hint);
});

test("how many kinds of node would do is said in words", () => {
  const over = { status: "blocked", failedTgAllocs: { web: metric } } as const;
  const kindsOf = (classEligibility: Record<string, boolean>, escapedComputedClass = false) =>
    why({ over: { ...over, classEligibility, escapedComputedClass } })?.evidence["kinds of node"];
  assert.equal(kindsOf({ a: true, b: false }), "1 of 2 would do if there were room");
  assert.equal(kindsOf({}), undefined);
  assert.equal(kindsOf({ a: true }, true), undefined, "each node is looked at by itself");
});

test("an evaluation that is delayed, and one whose plans met conflicts, say so in plain words", () => {
  const waitUntil = MOCK_NOW + 1_000;
  const text = (over: Partial<Evaluation>) => why({ over })?.text;
  assert.equal(
    text({ waitUntil, statusDescription: "created for delayed rescheduling" }),
    "its time has not come (created for delayed rescheduling)",
  );
  assert.equal(
    text({ status: "blocked", triggeredBy: EvalTrigger.maxPlanAttempts }),
    "the places that it chose were taken meanwhile, again and again: it is tried once more",
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
  const base = "add or free a node with what is missing, or ask for less";
  const enable = "drover node eligibility -enable 3";
  assert.equal(reason?.hint, `${base}; or let node "shy" take some again: ${enable}`);
  const drainStrategy = {
    ...{ deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 1 },
  };
  state.putNode(mockNode({ id: "3", name: "shy", drainStrategy }));
  const disable = "drover node drain -disable 3";
  assert.equal(
    whyEval(state, blocked, MOCK_NOW)?.hint,
    `${base}; or let node "shy" take some again: ${disable}`,
  );
});
