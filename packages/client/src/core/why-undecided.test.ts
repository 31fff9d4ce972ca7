import assert from "node:assert/strict";
import test from "node:test";
import { Rule, type TaskState } from "@drover/model";
import { mockAlloc, mockTask } from "@drover/model/testing";
import {
  deadlineAt,
  type HealthInput,
  type HealthRules,
  startProgress,
  startTracking,
  stepHealth,
} from "./alloc-health.ts";
import { whyUndecided } from "./why-undecided.ts";

const RULES: HealthRules = { mode: "checks", minHealthyMs: 10_000, healthyDeadlineMs: 300_000 };
const EXPECTED = {
  serviceId: "s",
  serviceName: "api",
  taskName: "server",
  name: "alive",
  onUpdate: "require_healthy",
};

interface Look {
  readonly state?: string;
  /** null = not in the catalog. */
  readonly check?: string | null;
  readonly visible?: boolean;
}

function input({ check = "passing", state = "running", visible = true }: Look): HealthInput {
  const task: TaskState = {
    state,
    failed: false,
    restarts: 0,
    lastRestart: 0,
    startedAt: 1,
    finishedAt: 0,
    events: [],
  };
  return {
    now: 2_000,
    tasks: [{ task: mockTask(), state: task }],
    expected: [EXPECTED],
    observed: check === null ? [] : [{ serviceId: "s", name: "alive", status: check }],
    visible,
  };
}

const CASES: readonly (readonly [look: Look, rule: Rule, wakesAt: number, waits: string])[] = [
  [{ state: "pending" }, Rule.allocTaskNotRunning, 301_000, "task a/server"],
  [{ visible: false }, Rule.allocCatalogUnseen, 301_000, "node n"],
  [{ check: null }, Rule.allocCheckNotSeen, 301_000, "check a/alive"],
  [{ check: "critical" }, Rule.allocCheckNotPassing, 301_000, "check a/alive"],
  [{ check: "warning" }, Rule.allocCheckNotPassing, 301_000, "check a/alive"],
  [{}, Rule.allocMinHealthyTime, 12_000, ""],
];

test("I4 an allocation that is not decided names what is missing, and since when", () => {
  const tracking = startTracking(1_000);
  const progress = startProgress(1_000);
  for (const [look, rule, wakesAt, waits] of CASES) {
    const step = stepHealth(RULES, { tracking, progress }, input(look));
    assert.ok(step.verdict === null);
    const alloc = mockAlloc({ id: "a", nodeId: "n" });
    const { badSince, goodSince } = step.progress;
    const deadline = deadlineAt(RULES, step.tracking);
    const since = goodSince ?? badSince;
    const told = { waits: step.waits, rules: RULES, since, deadline, trouble: "no answer" };
    const reasons = whyUndecided(alloc, told);
    assert.equal(reasons.length, 1);
    const [reason] = reasons;
    const subjects = reason.waitsFor.map(({ id, kind }) => `${kind} ${id}`).join();
    assert.deepEqual([reason.rule, reason.wakesAt, subjects], [rule, wakesAt, waits]);
    const needsCatalog = rule === Rule.allocCatalogUnseen || rule === Rule.allocCheckNotSeen;
    assert.equal(reason.evidence.catalog, needsCatalog ? "no answer" : undefined);
    assert.equal(reason.since, goodSince === null ? 1_000 : 2_000);
  }
});

test("a check whose name nobody gave is named without quotes in quotes", () => {
  const name = 'service: "api" check';
  const waits = [
    { kind: "check-status", check: name, service: "api", status: "critical", output: "" },
  ] as const;
  const told = { waits, rules: RULES, since: 0, deadline: 1, trouble: "" };
  const [reason] = whyUndecided(mockAlloc(), told);
  assert.equal(reason.text, `check 'service: "api" check' of service "api" is critical`);
});

test("a check that does not pass tells what it said last, where the catalog shows it", () => {
  const told = { rules: RULES, since: 0, deadline: 1, trouble: "" };
  const wait = {
    kind: "check-status",
    check: "alive",
    service: "api",
    status: "critical",
  } as const;
  const evidenceFor = (output: string) =>
    whyUndecided(mockAlloc(), { ...told, waits: [{ ...wait, output }] })[0].evidence;
  const output = "HTTP GET http://127.0.0.1:1/health: 500";
  assert.deepEqual(evidenceFor(output), { check: "alive", status: "critical", output });
  assert.deepEqual(evidenceFor(""), { check: "alive", status: "critical" });
});

test("what was good and is missing again is missing since then", () => {
  const tracking = startTracking(1_000);
  const good = stepHealth(RULES, { tracking, progress: startProgress(1_000) }, input({}));
  const later = { ...input({ check: "critical" }), now: 5_000 };
  const bad = stepHealth(RULES, { tracking, progress: good.progress }, later);
  assert.deepEqual([bad.progress.goodSince, bad.progress.badSince], [null, 5_000]);
});
