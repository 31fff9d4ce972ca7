/** Every verdict on an allocation, and everything that may decide about it (SPEC.md, H). */
import assert from "node:assert/strict";
import test from "node:test";
import type { TaskState } from "@drover/model";
import { mockAlloc, mockJob } from "@drover/model/testing";
import { type AllocRecord, groupOf, newAllocRecord } from "../state/alloc-record.ts";
import { resetTracking } from "./advance-alloc.ts";
import { deadlineAt, type HealthInput, startProgress, stepHealth } from "./alloc-health.ts";
import { healthRules } from "./health-rules.ts";

const START = 1_000_000;
const JOB = mockJob();
type Verdict = "none" | "healthy" | "unhealthy";
const HEALTHY: Readonly<Record<Verdict, boolean | null>> = {
  none: null,
  healthy: true,
  unhealthy: false,
};

function recordWith(verdict: Verdict): AllocRecord {
  const alloc = mockAlloc({ deploymentId: "d" }, { job: JOB });
  const record = newAllocRecord({ alloc, job: JOB, now: START });
  const decided = { deploymentId: "d", healthy: HEALTHY[verdict], at: START };
  return { ...record, stage: { kind: "running" }, verdict: decided };
}

interface Look {
  readonly task?: Partial<TaskState>;
  /** Milliseconds after its health began to be tracked. */
  readonly afterMs: (rules: { readonly min: number; readonly deadline: number }) => number;
  readonly stop?: boolean;
}

const EVENTS = {
  "all good, not for long enough": { afterMs: ({ min }) => min - 1 },
  "all good for the minimum time": { afterMs: ({ min }) => min },
  "a task is not running": { task: { state: "pending" }, afterMs: ({ min }) => min },
  "a task has failed": { task: { state: "dead", failed: true }, afterMs: () => 1 },
  "a task has ended": { task: { state: "dead" }, afterMs: () => 1 },
  "the deadline is reached": { task: { state: "pending" }, afterMs: ({ deadline }) => deadline },
  "a stop is known": { task: { state: "dead", failed: true }, afterMs: () => 1, stop: true },
} satisfies Record<string, Look>;
type Event = keyof typeof EVENTS;

/** Complete: the verdict after each event. */
const same = (verdict: Verdict) =>
  Object.fromEntries(Object.keys(EVENTS).map((event) => [event, verdict])) as Record<
    Event,
    Verdict
  >;
const TABLE: Readonly<Record<Verdict, Record<Event, Verdict>>> = {
  none: {
    ...same("none"),
    "all good for the minimum time": "healthy",
    "a task has failed": "unhealthy",
    "a task has ended": "unhealthy",
    "the deadline is reached": "unhealthy",
  },
  healthy: same("healthy"),
  unhealthy: same("unhealthy"),
};

/** Everything has been good from the beginning, until the look that decides. */
function verdictAfter(verdict: Verdict, { afterMs, stop = false, task = {} }: Look): Verdict {
  const before = recordWith(verdict);
  const alloc = stop ? { ...before.alloc, desiredStatus: "stop" as const } : before.alloc;
  const record = resetTracking({ ...before, alloc }, START);
  const rules = healthRules(alloc, JOB, groupOf(JOB, alloc));
  if (record.tracking === null || rules === null) return verdict;
  const at = deadlineAt(rules, record.tracking) - START;
  const [name = ""] = Object.keys(record.tasks);
  const base = { ...record.tasks[name]?.state, state: "running", startedAt: START };
  const input = (now: number, change: Partial<TaskState>): HealthInput => ({
    now,
    tasks: groupOf(JOB, alloc).tasks.map((each) => ({
      task: each,
      state: { ...base, ...change } as TaskState,
    })),
    expected: [],
    observed: [],
    visible: true,
  });
  const begun = { tracking: record.tracking, progress: startProgress(START) };
  const first = stepHealth(rules, begun, input(START, {}));
  const now = START + afterMs({ min: rules.minHealthyMs, deadline: at });
  const step = stepHealth(rules, first, input(now, task));
  const found = Object.entries(HEALTHY).find(([, healthy]) => healthy === step.verdict);
  return found?.[0] as Verdict;
}

for (const [verdict, expected] of Object.entries(TABLE)) {
  test(`[H1 H4 H7 H11] with verdict "${verdict}" every event leads where the table says`, () => {
    for (const [event, want] of Object.entries(expected)) {
      const was = verdictAfter(verdict as Verdict, EVENTS[event as Event]);
      assert.equal(was, want, `${verdict} + ${event}`);
    }
  });
}
