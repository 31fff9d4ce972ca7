/** Every phase of a group in its deployment, and everything that moves it (SPEC.md, G1). */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, DeploymentState } from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockDeploymentState,
  mockJob,
  mockNode,
} from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { decideDeployment } from "./decide-deployment.ts";
import { groupFacts } from "./deployment-facts.ts";

type Phase = "canaries" | "awaits promotion" | "rolls" | "done";

/** Two are desired, one of them a canary: "a". */
interface Group {
  readonly promoted: boolean;
  readonly canary: Partial<Allocation>;
  readonly other: Partial<Allocation>;
}

const judged = (healthy: boolean | null): Partial<Allocation> => ({
  clientStatus: "running",
  deploymentStatus: { healthy, timestamp: MOCK_NOW, canary: false, modifyIndex: 40 },
});
const ENDED: Partial<Allocation> = { desiredStatus: "stop", clientStatus: "complete" };

const GROUPS: Readonly<Record<Phase, Group>> = {
  canaries: { promoted: false, canary: judged(null), other: judged(null) },
  "awaits promotion": { promoted: false, canary: judged(true), other: judged(null) },
  rolls: { promoted: true, canary: judged(true), other: judged(null) },
  done: { promoted: true, canary: judged(true), other: judged(true) },
};

const EVENTS = {
  "the canary is healthy": (group) => ({ ...group, canary: judged(true) }),
  "the other is healthy": (group) => ({ ...group, other: judged(true) }),
  "the canary's verdict is revoked": (group) => ({ ...group, canary: judged(null) }),
  "the other's verdict is revoked": (group) => ({ ...group, other: judged(null) }),
  "the canary ends": (group) => ({ ...group, canary: { ...group.canary, ...ENDED } }),
  "the other ends": (group) => ({ ...group, other: { ...group.other, ...ENDED } }),
  promoted: (group) => ({ ...group, promoted: true }),
} satisfies Record<string, (group: Group) => Group>;
type Event = keyof typeof EVENTS;

function row(stays: Phase, moves: Partial<Record<Event, Phase>>): Record<Event, Phase> {
  const all = Object.fromEntries(Object.keys(EVENTS).map((event) => [event, stays]));
  return { ...(all as Record<Event, Phase>), ...moves };
}

/** Complete: the phase after each event. */
const TABLE: Readonly<Record<Phase, Record<Event, Phase>>> = {
  canaries: row("canaries", { "the canary is healthy": "awaits promotion", promoted: "rolls" }),
  "awaits promotion": row("awaits promotion", {
    "the canary's verdict is revoked": "canaries",
    "the canary ends": "canaries",
    promoted: "rolls",
  }),
  rolls: row("rolls", { "the other is healthy": "done" }),
  done: row("done", {
    "the canary's verdict is revoked": "rolls",
    "the other's verdict is revoked": "rolls",
    "the canary ends": "rolls",
    "the other ends": "rolls",
  }),
};

function made({ canary, other, promoted }: Group, state: Partial<DeploymentState> = {}) {
  const job = mockJob();
  const web = mockDeploymentState({
    ...{ desiredTotal: 2, desiredCanaries: 1, placedCanaries: ["a"], promoted },
    ...state,
  });
  const deployment = { ...mockDeployment({ id: "d" }, { job }), taskGroups: { web } };
  const allocs = [
    mockAlloc({ id: "a", deploymentId: "d", ...canary }, { job, index: 0 }),
    mockAlloc({ id: "b", deploymentId: "d", ...other }, { job, index: 1 }),
  ];
  return { job, deployment, allocs };
}

function phaseOf(group: Group): Phase {
  const { allocs, deployment } = made(group);
  const [facts] = groupFacts(deployment, allocs, new Set());
  assert.ok(facts);
  if (facts.isDone) return "done";
  if (facts.isAwaitingPromotion) return "awaits promotion";
  return facts.isCanaryPhase ? "canaries" : "rolls";
}

for (const [phase, expected] of Object.entries(TABLE)) {
  test(`[G1] in phase "${phase}" every event leads where the table says`, () => {
    const group = GROUPS[phase as Phase];
    assert.equal(phaseOf(group), phase, "the scene is set");
    for (const [event, want] of Object.entries(expected)) {
      assert.equal(phaseOf(EVENTS[event as Event](group)), want, `${phase} + ${event}`);
    }
  });
}

test("[G1 D6] only a group that places canaries or rolls is late at its deadline", () => {
  const late: Readonly<Record<Phase, string>> = {
    canaries: "fail",
    "awaits promotion": "wait",
    rolls: "fail",
    done: "wait",
  };
  for (const [phase, want] of Object.entries(late)) {
    const requireProgressBy = MOCK_NOW;
    const { allocs, deployment, job } = made(GROUPS[phase as Phase], { requireProgressBy });
    const state = new FakeState();
    state.putJob(job);
    state.putNode(mockNode({ id: mockAlloc().nodeId }));
    state.putDeployment(deployment);
    for (const alloc of allocs) state.putAlloc(alloc);
    const decision = decideDeployment({ deploymentId: "d", now: MOCK_NOW }, state);
    // News of health is told as such, and comes after the deadline in the order of the rules.
    const kind = decision.kind === "continue" ? "wait" : decision.kind;
    assert.equal(kind, want, phase);
  }
});
