/** Every verdict on an allocation, and everything that may decide about it (SPEC.md, H). */
import assert from "node:assert/strict";
import test from "node:test";
import type { TaskState } from "@drover/model";
import { mockAlloc, mockJob, mockServiceCheck } from "@drover/model/testing";
import { resetTracking } from "../core/advance-alloc.ts";
import { healthRules } from "../core/health-rules.ts";
import { type AllocRecord, groupOf, newAllocRecord } from "../state/alloc-record.ts";
import { FakeClock, FakeDiscovery } from "../testing/fakes.ts";
import { HealthWatch } from "./health-watch.ts";
import type { ServicePlan } from "./service-registrar.ts";
import { recordVerdict, revokeVerdict, withChecks } from "./verdict.ts";

const START = new FakeClock().now();
const JOB = mockJob();
const TIMES = timesOf(mockAlloc({ deploymentId: "d" }, { job: JOB }));
type Verdict = "none" | "healthy" | "unhealthy";
const HEALTHY: Readonly<Record<Verdict, boolean | null>> = {
  none: null,
  healthy: true,
  unhealthy: false,
};

function timesOf(alloc: AllocRecord["alloc"]) {
  const rules = healthRules(alloc, JOB, groupOf(JOB, alloc));
  assert.ok(rules);
  return { min: rules.minHealthyMs, deadline: rules.healthyDeadlineMs };
}

function recordWith(verdict: Verdict): AllocRecord {
  const alloc = mockAlloc({ deploymentId: "d" }, { job: JOB });
  const record = newAllocRecord({ alloc, job: JOB, now: START });
  const decided = { deploymentId: "d", healthy: HEALTHY[verdict], at: START, own: true };
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
  healthy: {
    ...same("healthy"),
    "a task is not running": "none",
    "the deadline is reached": "none",
  },
  unhealthy: same("unhealthy"),
};

function withTask(record: AllocRecord, change: Partial<TaskState>): AllocRecord {
  const base = { state: "running" as const, startedAt: START, ...change };
  const tasks = Object.entries(record.tasks).map(([name, run]) => {
    return [name, { ...run, state: { ...run.state, ...base } }];
  });
  return { ...record, tasks: Object.fromEntries(tasks) };
}

interface Held {
  record: AllocRecord;
}

/** A watch that writes what it finds into `held`. */
function watchOver(held: Held, clock: FakeClock, plans: readonly ServicePlan[] = []): HealthWatch {
  return new HealthWatch({
    clock,
    plans: () => plans,
    onVerdict: (found) => {
      held.record = recordVerdict(held.record, found);
    },
    onChecks: (pass) => {
      held.record = withChecks(held.record, pass);
    },
    onLost: (pass, now) => {
      held.record = revokeVerdict(held.record, pass, now);
    },
    onBlind: () => undefined,
    wake: () => undefined,
  });
}

/** Everything has been good from the beginning, until the look that decides. */
function verdictAfter(verdict: Verdict, { afterMs, stop = false, task = {} }: Look): Verdict {
  const before = withTask(recordWith(verdict), {});
  const alloc = stop ? { ...before.alloc, desiredStatus: "stop" as const } : before.alloc;
  const clock = new FakeClock();
  const held = { record: resetTracking({ ...before, alloc }, START) };
  const watch = watchOver(held, clock);
  watch.look(held.record);
  clock.advance(afterMs(TIMES));
  held.record = withTask(held.record, task);
  watch.look(held.record);
  watch.close();
  const found = Object.entries(HEALTHY).find(
    ([, healthy]) => healthy === held.record.verdict.healthy,
  );
  return found?.[0] as Verdict;
}

for (const [verdict, expected] of Object.entries(TABLE)) {
  test(`[H1 H4 H7 H11 H14] with verdict "${verdict}" every event leads where the table says`, () => {
    for (const [event, want] of Object.entries(expected)) {
      const was = verdictAfter(verdict as Verdict, EVENTS[event as Event]);
      assert.equal(was, want, `${verdict} + ${event}`);
    }
  });
}

/** The verdict after `lostAt`, each a time at which a task that was healthy starts anew, ms. */
function verdictAfterLosses(progressDeadline: number, lostAt: readonly number[]): boolean | null {
  const base = withTask(recordWith("healthy"), {});
  const [group] = base.job.taskGroups;
  assert.ok(group?.update);
  const update = { ...group.update, minHealthyTime: 0, progressDeadline };
  const job = { ...base.job, taskGroups: [{ ...group, update }] };
  const clock = new FakeClock();
  const held: Held = { record: { ...base, job } };
  const watch = watchOver(held, clock);
  for (const at of lostAt) {
    clock.advance(START + at - clock.now());
    held.record = withTask(held.record, { state: "pending" });
    watch.look(held.record);
    watch.look(held.record);
    if (at === lostAt.at(-1)) break;
    held.record = withTask(held.record, { state: "running" });
    watch.look(held.record);
  }
  watch.close();
  return held.record.verdict.healthy;
}

test("[H14] without a progress deadline what starts anew again and again has one deadline for it", () => {
  const { deadline } = TIMES;
  const lostAt = [deadline, 1.5 * deadline, 2 * deadline];
  assert.equal(verdictAfterLosses(0, lostAt.slice(0, 2)), null);
  assert.equal(verdictAfterLosses(0, lostAt), false);
  assert.equal(verdictAfterLosses(600_000_000_000, lostAt), null, "the deployment's bounds it");
});

test("[H14] each loss asks for the whole minimum time, also where all have one deadline", () => {
  const base = withTask(recordWith("healthy"), {});
  const [group] = base.job.taskGroups;
  assert.ok(group?.update);
  const job = {
    ...base.job,
    taskGroups: [{ ...group, update: { ...group.update, progressDeadline: 0 } }],
  };
  const clock = new FakeClock();
  const discovery = new FakeDiscovery();
  const checks = [{ id: "check", name: "up", definition: mockServiceCheck() }];
  const spec = { id: "service", name: "web", taskName: "", onUpdate: "", checks } as never;
  void discovery.register(spec);
  const held: Held = { record: { ...base, job } };
  const watch = watchOver(held, clock, [{ discovery, spec }]);
  for (const loss of ["first", "second"]) {
    discovery.set({ status: "critical" });
    watch.look(held.record);
    assert.equal(held.record.verdict.healthy, null, `${loss}: lost`);
    // What was lost is being written down meanwhile: the next look sees that it passes again.
    discovery.set({ status: "passing" });
    watch.look(held.record);
    clock.advance(TIMES.min - 1);
    watch.look(held.record);
    assert.equal(held.record.verdict.healthy, null, `${loss}: not for long enough`);
    clock.advance(1);
    watch.look(held.record);
    assert.equal(held.record.verdict.healthy, true, `${loss}: proven`);
    clock.advance(1);
  }
  watch.close();
});
