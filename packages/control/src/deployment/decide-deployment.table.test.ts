/** The whole table: every status of a deployment in every situation its allocations can be in. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type DeploymentState,
  DeploymentStatus,
  type TaskGroup,
} from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockDeploymentState,
  mockEval,
  mockJob,
  mockTaskGroup,
} from "@drover/model/testing";
import type { DeploymentDecision } from "../contracts.ts";
import { FakeState } from "../testing/fake-state.ts";
import { decideDeployment } from "./decide-deployment.ts";

interface Situation {
  readonly group?: Partial<DeploymentState>;
  readonly allocs?: readonly Partial<Allocation>[];
  readonly policy?: TaskGroup["reschedulePolicy"];
  readonly isLate?: boolean;
}

const SEEN = 40;
const NEWS = 60;
const judged = (healthy: boolean, modifyIndex = SEEN) => ({
  deploymentStatus: { healthy, timestamp: MOCK_NOW, canary: false, modifyIndex },
});
const HEALTHY = { id: "a", clientStatus: "running", ...judged(true) };
const UNHEALTHY = { clientStatus: "failed", ...judged(false) };
const CANARY = { desiredCanaries: 1, placedCanaries: ["a"] };

const SITUATIONS = {
  nothingPlaced: {},
  nothingPlacedLate: { isLate: true },
  undecided: { allocs: [{ clientStatus: "running" }] },
  undecidedLate: { allocs: [{ clientStatus: "running" }], isLate: true },
  someHealthy: { allocs: [HEALTHY] },
  news: { allocs: [{ ...HEALTHY, ...judged(true, NEWS) }] },
  newsLate: { allocs: [{ ...HEALTHY, ...judged(true, NEWS) }], isLate: true },
  done: { allocs: [HEALTHY], group: { desiredTotal: 1 } },
  doneLate: { allocs: [HEALTHY], group: { desiredTotal: 1 }, isLate: true },
  unhealthyReplaceable: { allocs: [UNHEALTHY] },
  unhealthyFinal: { allocs: [UNHEALTHY], policy: null },
  unhealthyNoDeadline: { allocs: [UNHEALTHY], group: { progressDeadline: 0 } },
  failedAfterHealthy: { allocs: [{ ...HEALTHY, clientStatus: "failed" }] },
  namesTheVersion: { allocs: [{ unretryableError: "no such image" }] },
  canaryUndecided: { allocs: [{ id: "a" }], group: CANARY },
  canaryUndecidedLate: { allocs: [{ id: "a" }], group: CANARY, isLate: true },
  canaryHealthy: { allocs: [HEALTHY], group: CANARY },
  canaryHealthyLate: { allocs: [HEALTHY], group: CANARY, isLate: true },
  canaryHealthyAuto: { allocs: [HEALTHY], group: { ...CANARY, autoPromote: true } },
} satisfies Record<string, Situation>;

type SituationName = keyof typeof SITUATIONS;
type Kind = DeploymentDecision["kind"];

const RUNNING: Readonly<Record<SituationName, Kind>> = {
  nothingPlaced: "none",
  nothingPlacedLate: "fail",
  undecided: "none",
  undecidedLate: "fail",
  someHealthy: "none",
  news: "continue",
  newsLate: "fail",
  done: "none",
  doneLate: "none",
  unhealthyReplaceable: "continue",
  unhealthyFinal: "fail",
  unhealthyNoDeadline: "fail",
  failedAfterHealthy: "continue",
  namesTheVersion: "fail",
  canaryUndecided: "none",
  canaryUndecidedLate: "fail",
  canaryHealthy: "none",
  canaryHealthyLate: "none",
  canaryHealthyAuto: "promote",
};

/** Health still counts and failures still fail; time and promotion wait. */
const PAUSED: Readonly<Record<SituationName, Kind>> = {
  ...RUNNING,
  nothingPlacedLate: "none",
  undecidedLate: "none",
  newsLate: "continue",
  canaryUndecidedLate: "none",
  canaryHealthyAuto: "none",
};

const names = Object.keys(SITUATIONS) as SituationName[];
const ENDED = Object.fromEntries(names.map((name) => [name, "none"])) as typeof RUNNING;

const EXPECTED: Readonly<Record<DeploymentStatus, Readonly<Record<SituationName, Kind>>>> = {
  running: RUNNING,
  blocked: RUNNING,
  unblocking: RUNNING,
  paused: PAUSED,
  pending: PAUSED,
  initializing: PAUSED,
  successful: ENDED,
  failed: ENDED,
  cancelled: ENDED,
};

function decide(status: DeploymentStatus, situation: Situation): DeploymentDecision {
  const { policy } = situation;
  const group = mockTaskGroup(policy === undefined ? {} : { reschedulePolicy: policy });
  const job = mockJob({ taskGroups: [group] });
  const now = MOCK_NOW + 1000;
  const requireProgressBy = situation.isLate ? now : now + 1;
  const web = mockDeploymentState({ requireProgressBy, ...situation.group });
  const state = new FakeState();
  state.putJob(job);
  state.putDeployment({ ...mockDeployment({ id: "d", status }, { job }), taskGroups: { web } });
  for (const [index, over] of (situation.allocs ?? []).entries()) {
    state.putAlloc(mockAlloc({ deploymentId: "d", ...over }, { job, index }));
  }
  state.putEval(mockEval({ status: "complete", snapshotIndex: SEEN }));
  return decideDeployment({ deploymentId: "d", now }, state);
}

for (const status of Object.values(DeploymentStatus)) {
  test(`every situation of a ${status} deployment`, () => {
    const kinds = names.map((name) => [name, decide(status, SITUATIONS[name]).kind]);
    assert.deepEqual(Object.fromEntries(kinds), EXPECTED[status]);
  });
}

test("I4 a running deployment that waits has a wake-up or waits for a named someone", () => {
  for (const name of names) {
    const decision = decide("running", SITUATIONS[name]);
    if (decision.kind !== "none") continue;
    const { waitsFor } = decision.reason;
    const isNamed = ["the promotion of its canaries", "the plan that completes it"];
    assert.ok(decision.wakeAt !== null || isNamed.includes(waitsFor), `${name}: ${waitsFor}`);
  }
});
