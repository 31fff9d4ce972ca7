import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE } from "@drover/base";
import {
  type Allocation,
  type Deployment,
  type DeploymentState,
  type Job,
  Rule,
  type StateReader,
} from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockEval,
  mockJob,
  mockMetric,
  mockTaskGroup,
} from "@drover/model/testing";
import type { DeploymentDecision } from "../contracts.ts";
import { FakeState } from "../testing/fake-state.ts";
import { decideDeployment } from "./decide-deployment.ts";

const LATER = MOCK_NOW + 60_000;

interface Scene {
  readonly job?: Partial<Job>;
  readonly deployment?: Partial<Deployment>;
  readonly group?: Partial<DeploymentState>;
  readonly allocs?: readonly Partial<Allocation>[];
  readonly versions?: readonly Job[];
  readonly policy?: "unlimited" | "none";
  readonly now?: number;
  readonly state?: (state: FakeState) => void;
}

function decide(scene: Scene): DeploymentDecision {
  const group = mockTaskGroup(scene.policy === "none" ? { reschedulePolicy: null } : {});
  const job = mockJob({ version: 1, taskGroups: [group], meta: { v: "1" }, ...scene.job });
  const base = mockDeployment({ autoTransitionsLeft: 1 }, { job });
  const web = { ...base.taskGroups.web, requireProgressBy: LATER, ...scene.group };
  const deployment = {
    ...base,
    taskGroups: { web: web as DeploymentState },
    ...scene.deployment,
  };
  const state = new FakeState();
  state.putJob(job);
  for (const version of scene.versions ?? []) state.putVersion(version);
  state.putDeployment(deployment);
  for (const [index, overrides] of (scene.allocs ?? []).entries()) {
    state.putAlloc(mockAlloc({ deploymentId: deployment.id, ...overrides }, { job, index }));
  }
  state.putEval(mockEval({ snapshotIndex: 50 }));
  scene.state?.(state);
  const reader: StateReader = state;
  return decideDeployment({ deploymentId: deployment.id, now: scene.now ?? MOCK_NOW }, reader);
}

const verdict = (healthy: boolean, modifyIndex = 40) => ({
  deploymentStatus: { healthy, timestamp: MOCK_NOW, canary: false, modifyIndex },
});
const HEALTHY = { clientStatus: "running", ...verdict(true) };
const UNHEALTHY = { clientStatus: "failed", ...verdict(false) };
const STABLE = mockJob({ version: 0, stable: true, meta: { v: "0" } });

const TABLE: readonly { rule: string; scene: Scene; expected: Partial<DeploymentDecision> }[] = [
  {
    rule: "[D1] does nothing once it has ended",
    scene: { deployment: { status: "failed" }, allocs: [UNHEALTHY] },
    expected: { kind: "ended" },
  },
  {
    rule: "[D2] leaves a superseded deployment to the scheduler",
    scene: { deployment: { jobVersion: 0 }, allocs: [UNHEALTHY], now: LATER },
    expected: { kind: "wait" },
  },
  {
    rule: "[D2] leaves a stopped job's deployment to the scheduler",
    scene: { job: { stop: true }, allocs: [UNHEALTHY], now: LATER },
    expected: { kind: "wait" },
  },
  {
    rule: "[D3] fails at once for an error that names the version, even undecided and replaceable",
    scene: { allocs: [{ unretryableError: "no such image" }] },
    expected: {
      kind: "fail",
      statusDescription: "Failed due to unhealthy allocations",
      revertTo: null,
    },
  },
  {
    rule: "[D4] fails on the first unhealthy one without a progress deadline",
    scene: { group: { progressDeadline: 0, requireProgressBy: 0 }, allocs: [UNHEALTHY, HEALTHY] },
    expected: { kind: "fail" },
  },
  {
    rule: "[D4] counts a client's failure as unhealthy when there was no verdict",
    scene: { group: { progressDeadline: 0 }, allocs: [{ clientStatus: "failed" }] },
    expected: { kind: "fail" },
  },
  {
    rule: "[D4] counts one that failed after it was healthy",
    scene: {
      group: { progressDeadline: 0 },
      allocs: [{ ...HEALTHY, clientStatus: "failed", nextAllocation: "x" }, HEALTHY],
    },
    expected: { kind: "fail" },
  },
  {
    rule: "[D4] [D5] does not count what was not judged yet and failed on its way out",
    scene: {
      group: { progressDeadline: 0 },
      policy: "none",
      allocs: [{ clientStatus: "failed", desiredStatus: "stop" }, HEALTHY],
    },
    expected: { kind: "wait" },
  },
  {
    rule: "[D4] does not count what was healthy and failed on its way out",
    scene: {
      group: { progressDeadline: 0 },
      allocs: [{ ...HEALTHY, clientStatus: "failed", desiredStatus: "stop" }, HEALTHY],
    },
    expected: { kind: "wait" },
  },
  {
    rule: "[D5] fails when an unhealthy one may not be replaced",
    scene: { policy: "none", allocs: [UNHEALTHY] },
    expected: { kind: "fail" },
  },
  {
    rule: "[D5] fails when one that was healthy failed for good",
    scene: { policy: "none", allocs: [{ ...HEALTHY, clientStatus: "failed" }] },
    expected: { kind: "fail" },
  },
  {
    rule: "[D5] lets a replaced one be",
    scene: { policy: "none", allocs: [{ ...UNHEALTHY, nextAllocation: "x" }] },
    expected: { kind: "wait" },
  },
  {
    rule: "[D6] fails when the progress deadline passes",
    scene: { allocs: [HEALTHY], now: LATER },
    expected: { kind: "fail", statusDescription: "Failed due to progress deadline" },
  },
  {
    rule: "[D6] waits one millisecond before the deadline",
    scene: { allocs: [HEALTHY], now: LATER - 1 },
    expected: { kind: "wait", wakeAt: LATER },
  },
  {
    rule: "[D6] fails even when nothing was ever placed",
    scene: { now: LATER },
    expected: { kind: "fail" },
  },
  {
    rule: "[D6] does not count while paused",
    scene: { deployment: { status: "paused" }, now: LATER },
    expected: { kind: "wait", wakeAt: null },
  },
  {
    rule: "[D6] never ends a group that waits for its promotion",
    scene: {
      group: { desiredCanaries: 1, placedCanaries: [] },
      allocs: [],
      now: LATER - 1,
    },
    expected: { kind: "wait", wakeAt: LATER },
  },
  {
    rule: "[D8] marks a failed one for replacement",
    scene: { allocs: [UNHEALTHY] },
    expected: { kind: "continue" },
  },
  {
    rule: "[D8] marks one that failed after it was healthy",
    scene: { allocs: [{ ...HEALTHY, clientStatus: "failed" }] },
    expected: { kind: "continue" },
  },
  {
    rule: "[D8] does not mark twice",
    scene: {
      allocs: [
        { ...UNHEALTHY, desiredTransition: { ...mockAlloc().desiredTransition, reschedule: true } },
      ],
    },
    expected: { kind: "wait" },
  },
  {
    rule: "[D9] goes on after an allocation became healthy",
    scene: { allocs: [{ ...HEALTHY, ...verdict(true, 51) }] },
    expected: { kind: "continue", reschedule: [], wakeAt: LATER },
  },
  {
    rule: "[D9] goes on after an allocation was prepared",
    scene: { allocs: [{ phase: "prepare", prepared: true, modifyIndex: 51 }] },
    expected: { kind: "continue" },
  },
  {
    rule: "[D9] looks after the last one became healthy, so that success is seen",
    scene: { allocs: [HEALTHY, HEALTHY, { ...HEALTHY, ...verdict(true, 60) }] },
    expected: { kind: "continue", wakeAt: null },
  },
  {
    rule: "[D6] a group for which no node has room is late, though nothing is desired of it",
    scene: {
      group: { desiredTotal: 0 },
      now: LATER,
      state: (state) =>
        state.putEval(
          mockEval({ id: "b", status: "blocked", failedTgAllocs: { web: mockMetric() } }),
        ),
    },
    expected: { kind: "fail" },
  },
  {
    rule: "[D9] looks when less has become desired, so that what is there may be enough",
    scene: {
      group: { desiredTotal: 2 },
      allocs: [HEALTHY, HEALTHY],
      deployment: { modifyIndex: 51 },
    },
    expected: { kind: "continue" },
  },
  {
    rule: "[D9] is content when a pending evaluation was created afterwards",
    scene: {
      allocs: [{ ...HEALTHY, ...verdict(true, 51) }],
      state: (state) => state.putEval(mockEval({ id: "later", createIndex: 52 })),
    },
    expected: { kind: "wait" },
  },
  {
    rule: "[D9] does not rely on an evaluation that waits for a time",
    scene: {
      allocs: [{ ...HEALTHY, ...verdict(true, 51) }],
      state: (state) =>
        state.putEval(mockEval({ id: "later", createIndex: 52, waitUntil: MOCK_NOW + 1 })),
    },
    expected: { kind: "continue" },
  },
  {
    rule: "[D9] does not rely on a canceled evaluation",
    scene: {
      allocs: [{ ...HEALTHY, ...verdict(true, 51) }],
      state: (state) =>
        state.putEval(mockEval({ id: "later", createIndex: 52, status: "canceled" })),
    },
    expected: { kind: "continue" },
  },
  {
    rule: "[D10] waits for health with the deadline as wake-up",
    scene: { allocs: [{ clientStatus: "running" }] },
    expected: { kind: "wait", wakeAt: LATER },
  },
];

for (const { rule, scene, expected } of TABLE) {
  test(rule, () => {
    const decision = decide(scene);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(Reflect.get(decision, key), value, `${key} of ${JSON.stringify(decision)}`);
    }
  });
}

test("[D8] names the allocations to replace", () => {
  const decision = decide({ allocs: [HEALTHY, UNHEALTHY] });
  assert.equal(decision.kind, "continue");
  assert.equal(decision.kind === "continue" && decision.reschedule.length, 1);
});

const REVERTS: readonly { rule: string; scene: Scene; text: string; to: number | null }[] = [
  {
    rule: "[R1] does not revert unless a causing group asks for it",
    scene: { versions: [STABLE] },
    text: "Failed due to unhealthy allocations",
    to: null,
  },
  {
    rule: "[R2] says so when there is no stable version",
    scene: { group: { autoRevert: true } },
    text: "Failed due to unhealthy allocations - no stable job version to auto revert to",
    to: null,
  },
  {
    rule: "[R3] does not go back to itself",
    scene: { group: { autoRevert: true }, job: { stable: true } },
    text:
      "Failed due to unhealthy allocations - not rolling back to stable job version 1 " +
      "as current job has same specification",
    to: null,
  },
  {
    rule: "[R4] reverts once per submit",
    scene: {
      group: { autoRevert: true },
      versions: [STABLE],
      deployment: { autoTransitionsLeft: 0 },
    },
    text:
      "Failed due to unhealthy allocations - not rolling back to job version 0: " +
      "this submission has reverted already",
    to: null,
  },
  {
    rule: "[R5] goes back to the newest stable version",
    scene: { group: { autoRevert: true }, versions: [STABLE] },
    text: "Failed due to unhealthy allocations - rolling back to job version 0",
    to: 0,
  },
];

for (const { rule, scene, text, to } of REVERTS) {
  test(rule, () => {
    const decision = decide({ ...scene, allocs: [{ unretryableError: "no such image" }] });
    assert.deepEqual(decision, { kind: "fail", statusDescription: text, revertTo: to });
  });
}

test("[R1] a deadline of another group does not borrow its auto_revert", () => {
  const groups = ["web", "db"].map((name) => mockTaskGroup({ name }));
  const job = mockJob({ version: 1, taskGroups: groups, meta: { v: "1" } });
  const base = mockDeployment({}, { job });
  const { web, db } = base.taskGroups as { web: DeploymentState; db: DeploymentState };
  const decision = decide({
    job: { taskGroups: groups },
    versions: [STABLE],
    deployment: {
      taskGroups: {
        web: { ...web, autoRevert: true, requireProgressBy: LATER + 1 },
        db: { ...db, requireProgressBy: LATER },
      },
    },
    now: LATER,
  });
  assert.deepEqual(decision, {
    kind: "fail",
    statusDescription: "Failed due to progress deadline",
    revertTo: null,
  });
});

function canaryScene(group: Partial<DeploymentState>, healthy: boolean, now: number): Scene {
  const canary = mockAlloc({}, { job: mockJob({ version: 1 }), index: 0 });
  return {
    group: { desiredCanaries: 1, placedCanaries: [canary.id], ...group },
    allocs: [healthy ? { ...HEALTHY, id: canary.id } : { id: canary.id }],
    now,
  };
}

test("[D6] a healthy canary may wait for its promotion for ever", () => {
  const decision = decide(canaryScene({}, true, LATER + 10 * MINUTE));
  assert.equal(decision.kind, "wait");
  assert.equal(
    decision.kind === "wait" && decision.reasons[0].rule,
    Rule.deploymentAwaitsPromotion,
  );
});

test("[D6] a canary that does not become healthy is late like any other", () => {
  assert.equal(decide(canaryScene({}, false, LATER)).kind, "fail");
});

test("[D6] canaries as many as the group wants still wait for their promotion", () => {
  const decision = decide(canaryScene({ desiredTotal: 1 }, true, MOCK_NOW));
  assert.equal(
    decision.kind === "wait" && decision.reasons[0].rule,
    Rule.deploymentAwaitsPromotion,
  );
});

const LIMITED = {
  attempts: 1,
  interval: 10 * MINUTE,
  delay: 0,
  delayFunction: "constant",
  maxDelay: 0,
  unlimited: false,
};

function retried(msBeforeFailure: number): DeploymentDecision {
  const event = { prevAllocId: "p", prevNodeId: "n", delay: 0 };
  const rescheduleTime = MOCK_NOW - msBeforeFailure;
  const rescheduleTracker = { events: [{ ...event, rescheduleTime }], lastReschedule: "ok" };
  return decide({
    job: { taskGroups: [mockTaskGroup({ reschedulePolicy: LIMITED })] },
    allocs: [{ ...UNHEALTHY, rescheduleTracker }],
  });
}

test("[D5] counts the attempts within the policy's interval before the failure", () => {
  assert.equal(retried(0).kind, "fail");
  assert.equal(retried((10 * MINUTE) / 1e6).kind, "continue");
});

test("[R2] a stable version of an earlier registration does not count", () => {
  const decision = decide({
    group: { autoRevert: true },
    versions: [{ ...STABLE, createIndex: 1 }],
    allocs: [{ unretryableError: "no such image" }],
  });
  assert.equal(decision.kind === "fail" && decision.revertTo, null);
});

test("[D7] promotes by itself once all canaries are healthy", () => {
  const decision = decide(canaryScene({ autoPromote: true }, true, MOCK_NOW));
  assert.deepEqual(decision, { kind: "promote", groups: ["web"] });
});

test("[D7] a canary and the one beside it that replaces it count once", () => {
  const scene = canaryScene({ autoPromote: true, desiredCanaries: 2 }, true, MOCK_NOW);
  const [canary = {}] = scene.allocs ?? [];
  const next = { ...HEALTHY, id: "next", previousAllocation: canary.id ?? "" };
  const pair = (phase: Allocation["phase"]) => ({
    ...scene,
    group: { ...scene.group, placedCanaries: [canary.id ?? "", next.id] },
    allocs: [canary, { ...next, phase }],
  });
  assert.equal(decide(pair("surge")).kind, "wait");
  assert.equal(decide(pair("go")).kind, "promote");
});

test("[D7] does not promote before they are healthy, nor while paused", () => {
  assert.equal(decide(canaryScene({ autoPromote: true }, false, MOCK_NOW)).kind, "wait");
  const scene = canaryScene({ autoPromote: true }, true, MOCK_NOW);
  assert.equal(decide({ ...scene, deployment: { status: "paused" } }).kind, "wait");
});
