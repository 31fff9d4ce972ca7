import assert from "node:assert/strict";
import test from "node:test";
import type { Task, TaskState } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import {
  type HealthInput,
  type HealthRules,
  startProgress,
  startTracking,
  stepHealth,
  unhealthyReason,
} from "./alloc-health.ts";

const RULES: HealthRules = { mode: "checks", minHealthyMs: 10_000, healthyDeadlineMs: 60_000 };

interface Look {
  readonly at: number;
  readonly state?: "pending" | "running" | "dead";
  readonly failed?: boolean;
  readonly startedAt?: number;
  readonly check?: string | null;
  readonly visible?: boolean;
}

function taskState(look: Look): TaskState {
  const state = look.state ?? "running";
  return {
    state,
    failed: look.failed ?? false,
    restarts: 0,
    lastRestart: 0,
    startedAt: look.startedAt ?? 1,
    finishedAt: state === "dead" ? look.at : 0,
    events: [],
  };
}

function input(look: Look, task: Partial<Task> = {}, onUpdate = "require_healthy"): HealthInput {
  const check = look.check === undefined ? "passing" : look.check;
  return {
    now: look.at,
    tasks: [{ task: mockTask(task), state: taskState(look) }],
    expected: [{ serviceId: "s", serviceName: "api", taskName: "server", name: "alive", onUpdate }],
    observed: check === null ? [] : [{ serviceId: "s", name: "alive", status: check }],
    visible: look.visible ?? true,
  };
}

/** Feeds looks in order; the instant and value of the first verdict, or null. */
function follow(
  looks: readonly HealthInput[],
  rules = RULES,
): { at: number; healthy: boolean } | null {
  let tracking = startTracking(0);
  let progress = startProgress(0);
  for (const look of looks) {
    const step = stepHealth(rules, { tracking, progress }, look);
    if (step.verdict !== null) return { at: look.now, healthy: step.verdict };
    ({ tracking, progress } = step);
  }
  return null;
}

const seconds = (...list: number[]): number[] => list.map((s) => s * 1000);

test("[H1] healthy after the minimum time of running and passing", () => {
  assert.equal(follow(seconds(0, 9).map((at) => input({ at }))), null);
  const verdict = follow(seconds(0, 10).map((at) => input({ at })));
  assert.deepEqual(verdict, { at: 10_000, healthy: true });
});

test("[H1] the time that counts begins with the last condition that became true", () => {
  const looks = [
    input({ at: 0, state: "pending" }),
    input({ at: 5_000, check: "critical" }),
    input({ at: 8_000 }),
    input({ at: 17_999 }),
    input({ at: 18_000 }),
  ];
  assert.deepEqual(follow(looks), { at: 18_000, healthy: true });
});

test("[H2] a failing check starts the minimum time anew", () => {
  const looks = [
    input({ at: 0 }),
    input({ at: 9_000, check: "critical" }),
    input({ at: 9_500 }),
    input({ at: 12_000 }),
    input({ at: 19_500 }),
  ];
  assert.deepEqual(follow(looks), { at: 19_500, healthy: true });
});

test("[H2] a restart between two looks starts the minimum time anew", () => {
  const looks = [
    input({ at: 0, startedAt: 1 }),
    input({ at: 9_000, startedAt: 8_000 }),
    input({ at: 12_000, startedAt: 8_000 }),
    input({ at: 19_000, startedAt: 8_000 }),
  ];
  assert.deepEqual(follow(looks), { at: 19_000, healthy: true });
});

test("[H9] a check that is not in the catalog is not passing", () => {
  assert.equal(follow(seconds(0, 30).map((at) => input({ at, check: null }))), null);
});

test("[H2] time in which the catalog is not visible does not count, and the gap starts anew", () => {
  const looks = [
    input({ at: 0 }),
    input({ at: 5_000, visible: false }),
    input({ at: 30_000, visible: false }),
    input({ at: 40_000 }),
    input({ at: 49_999 }),
    input({ at: 50_000 }),
  ];
  assert.deepEqual(follow(looks), { at: 50_000, healthy: true });
});

test("[H3] the deadline moves by the time the catalog was away, at most by its own length", () => {
  const gap = [input({ at: 0, check: "critical" }), input({ at: 1_000, visible: false })];
  const back = (at: number) => input({ at, check: "critical" });
  assert.equal(follow([...gap, back(41_000), back(99_999)]), null);
  assert.deepEqual(follow([...gap, back(41_000), back(100_000)]), { at: 100_000, healthy: false });
  assert.deepEqual(follow([...gap, back(119_999), back(120_000)]), { at: 120_000, healthy: false });
});

test("[H7] the deadline makes an allocation unhealthy, also while the catalog cannot be seen", () => {
  const looks = [input({ at: 0, check: "critical" }), input({ at: 60_000, check: "critical" })];
  assert.deepEqual(follow(looks), { at: 60_000, healthy: false });
  const blind = seconds(0, 30, 120).map((at) => input({ at, visible: false }));
  assert.deepEqual(follow(blind), { at: 120_000, healthy: false });
});

test("[H8] a late wake-up does not fail an allocation that was ready in time", () => {
  assert.deepEqual(follow([input({ at: 0 }), input({ at: 90_000 })]), {
    at: 90_000,
    healthy: true,
  });
});

test("[H9] statuses are tolerated as the check says", () => {
  const table: [status: string, onUpdate: string, healthy: boolean][] = [
    ["passing", "require_healthy", true],
    ["warning", "require_healthy", false],
    ["critical", "require_healthy", false],
    ["pending", "require_healthy", false],
    ["warning", "ignore_warnings", true],
    ["critical", "ignore_warnings", false],
    ["warning", "ignore", true],
    ["critical", "ignore", true],
    ["pending", "ignore", false],
  ];
  for (const [check, onUpdate, healthy] of table) {
    const verdict = follow(seconds(0, 10).map((at) => input({ at, check }, {}, onUpdate)));
    assert.equal(verdict?.healthy === true, healthy, `${check} ${onUpdate}`);
  }
});

test("[H10] task states decide alone when the mode says so or there is no check", () => {
  const looks = seconds(0, 10).map((at) => input({ at, check: "critical", visible: false }));
  const verdict = follow(looks, { ...RULES, mode: "task_states" });
  assert.deepEqual(verdict, { at: 10_000, healthy: true });
  const bare = seconds(0, 10).map((at) => ({ ...input({ at, visible: false }), expected: [] }));
  assert.deepEqual(follow(bare), { at: 10_000, healthy: true });
});

test("[H11] dead tasks: only a prestart or poststart one-shot may have ended well", () => {
  const table: [hook: string, sidecar: boolean, failed: boolean, verdict: boolean][] = [
    ["", false, false, false],
    ["", false, true, false],
    ["prestart", false, false, true],
    ["prestart", false, true, false],
    ["prestart", true, false, false],
    ["poststart", false, false, true],
    ["poststart", true, false, false],
    ["poststop", false, true, true],
  ];
  for (const [hook, sidecar, failed, healthy] of table) {
    const task = hook === "" ? {} : { lifecycle: { hook, sidecar } };
    const looks = seconds(0, 10).map((at) => input({ at, state: "dead", failed }, task));
    assert.equal(follow(looks)?.healthy, healthy, `${hook} sidecar=${sidecar} failed=${failed}`);
  }
});

test("[H12] the reason names what kept the allocation from being healthy", () => {
  const reason = (
    look: Look,
    more: Partial<HealthInput> = {},
    task: Partial<Task> = {},
  ): string | null => {
    const seen = { ...input(look), ...more };
    return unhealthyReason(RULES, seen, { task: mockTask(task), state: taskState(look) });
  };
  const at = 60_000;
  assert.equal(reason({ at, state: "pending" }), "Task not running by healthy_deadline of 1m0s");
  const last = { lifecycle: { hook: "poststop", sidecar: false } };
  assert.equal(reason({ at, state: "pending" }, {}, last), null, "it was not to run yet");
  assert.equal(reason({ at, state: "dead" }), "Unhealthy because of dead task");
  assert.equal(reason({ at, state: "dead", failed: true }), "Unhealthy because of failed task");
  assert.equal(reason({ at, check: "critical" }), "Services not healthy by deadline: api");
  assert.equal(reason({ at, check: null }), "Service checks not registered");
  assert.equal(
    reason({ at }),
    "Task not running for min_healthy_time of 10s by healthy_deadline of 1m0s",
  );
});
