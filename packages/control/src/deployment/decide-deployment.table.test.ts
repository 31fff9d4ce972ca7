/** The whole table: every status of a deployment in every situation its allocations can be in. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type DeploymentState,
  DeploymentStatus,
  Rule,
  type TaskGroup,
} from "@drover/model";
import {
  MOCK_NOW,
  mockAlloc,
  mockDeployment,
  mockDeploymentState,
  mockEval,
  mockJob,
  mockNode,
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
  undecidedUnseen: { allocs: [{ clientStatus: "running", nodeId: "silent" }] },
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
  nothingPlaced: "wait",
  nothingPlacedLate: "fail",
  undecided: "wait",
  undecidedUnseen: "wait",
  undecidedLate: "fail",
  someHealthy: "wait",
  news: "continue",
  newsLate: "fail",
  done: "wait",
  doneLate: "wait",
  unhealthyReplaceable: "continue",
  unhealthyFinal: "fail",
  unhealthyNoDeadline: "fail",
  failedAfterHealthy: "continue",
  namesTheVersion: "fail",
  canaryUndecided: "wait",
  canaryUndecidedLate: "fail",
  canaryHealthy: "wait",
  canaryHealthyLate: "wait",
  canaryHealthyAuto: "promote",
};

/** Health still counts and failures still fail; time and promotion wait. */
const PAUSED: Readonly<Record<SituationName, Kind>> = {
  ...RUNNING,
  nothingPlacedLate: "wait",
  undecidedLate: "wait",
  newsLate: "continue",
  canaryUndecidedLate: "wait",
  canaryHealthyAuto: "wait",
};

const names = Object.keys(SITUATIONS) as SituationName[];
const ENDED = Object.fromEntries(names.map((name) => [name, "ended"])) as typeof RUNNING;

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
  state.putNode(mockNode({ id: mockAlloc().nodeId }));
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

/** What each waiting situation of a running deployment waits for. */
const RULES: Readonly<Partial<Record<SituationName, readonly Rule[]>>> = {
  nothingPlaced: [Rule.deploymentAwaitsPlacement],
  undecided: [Rule.deploymentAwaitsHealth],
  someHealthy: [Rule.deploymentAwaitsPlacement],
  done: [Rule.deploymentCompletes],
  doneLate: [Rule.deploymentCompletes],
  undecidedUnseen: [Rule.deploymentHealthUnseen],
  canaryUndecided: [Rule.deploymentAwaitsHealth],
  canaryHealthy: [Rule.deploymentAwaitsPromotion],
  canaryHealthyLate: [Rule.deploymentAwaitsPromotion],
};
const BY_STATUS: Readonly<Partial<Record<DeploymentStatus, Rule>>> = {
  paused: Rule.deploymentPaused,
  pending: Rule.deploymentPending,
  initializing: Rule.deploymentPending,
};

test("I4 a deployment that waits names its rule, and what it waits for or when it wakes", () => {
  for (const status of Object.values(DeploymentStatus)) {
    for (const name of names) {
      const decision = decide(status, SITUATIONS[name]);
      if (decision.kind !== "wait") continue;
      const rules = decision.reasons.map((reason) => reason.rule);
      const byStatus = BY_STATUS[status];
      const isBlocked = status === "blocked" || status === "unblocking";
      const expected = byStatus ? [byStatus] : (RULES[name] ?? []);
      const completes: Rule = Rule.deploymentCompletes;
      const all = isBlocked
        ? [Rule.deploymentBlocked, ...expected.filter((rule) => rule !== completes)]
        : expected;
      assert.deepEqual(rules, all, `${status} ${name}`);
    }
  }
});
