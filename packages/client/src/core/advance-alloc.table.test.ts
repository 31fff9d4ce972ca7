/** Every stage of an allocation on its node, and everything that may move it (SPEC.md, A8). */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND, SeededRandom } from "@drover/base";
import type { TaskHandle } from "@drover/drivers";
import { type Allocation, AllocPhase } from "@drover/model";
import { mockAlloc, mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { type AllocRecord, type AllocStage, newAllocRecord } from "../state/alloc-record.ts";
import {
  type AllocContext,
  advanceAlloc,
  cutOff,
  delayOver,
  portsClaimed,
  prepareFailed,
  servicesGone,
} from "./advance-alloc.ts";
import type { TaskPhase } from "./task-run.ts";

const NOW = 1_000_000;
const CONTEXT: AllocContext = {
  now: NOW,
  random: new SeededRandom(1),
  maxKillTimeoutMs: 30_000,
};
const TASK = mockTask();
const JOB = mockJob({ taskGroups: [mockTaskGroup({ tasks: [TASK] })] });
const PATIENT = mockJob({ taskGroups: [mockTaskGroup({ tasks: [TASK], shutdownDelay: SECOND })] });
const RUNS: TaskPhase = { kind: "running", handle: {} as TaskHandle };
const GONE: TaskPhase = { kind: "dead", destroyed: true };

const STAGES: Readonly<Record<AllocStage["kind"], AllocStage>> = {
  preparing: { kind: "preparing" },
  waiting: { kind: "waiting" },
  running: { kind: "running" },
  leaving: { kind: "leaving" },
  delaying: { kind: "delaying", wakeAt: NOW },
  stopping: { kind: "stopping" },
  done: { kind: "done" },
};
type Stage = keyof typeof STAGES;

/** Before it may run nothing of it has begun. */
const isEarly = (stage: Stage) => stage === "preparing" || stage === "waiting";

function recordIn(stage: Stage): AllocRecord {
  const phase = stage === "preparing" ? AllocPhase.prepare : AllocPhase.go;
  const alloc = mockAlloc({ phase }, { job: JOB });
  const record = { ...newAllocRecord({ alloc, job: JOB, now: NOW }), stage: STAGES[stage] };
  return isEarly(stage) ? record : withPhase(record, stage === "done" ? GONE : RUNS);
}

function withPhase(record: AllocRecord, phase: TaskPhase): AllocRecord {
  const tasks = Object.entries(record.tasks).map(([name, run]) => [name, { ...run, phase }]);
  return { ...record, tasks: Object.fromEntries(tasks) };
}

const desired = (record: AllocRecord, change: Partial<Allocation>): AllocRecord =>
  advanceAlloc({ ...record, alloc: { ...record.alloc, ...change } }, CONTEXT);

const EVENTS = {
  "looked at again": (record) => advanceAlloc(record, CONTEXT),
  "it may go": (record) => desired(record, { phase: AllocPhase.go }),
  "its ports are free": (record) => portsClaimed(record, CONTEXT),
  "told to stop": (record) => desired(record, { desiredStatus: "stop" }),
  "its own job cuts it off": (record) => advanceAlloc(cutOff(record, "too long"), CONTEXT),
  "the servers have forgotten it": (record) => advanceAlloc({ ...record, removed: true }, CONTEXT),
  "out of the catalog": (record) => servicesGone(record, 2_000, CONTEXT),
  "out of the catalog, and its group has a delay": (record) =>
    servicesGone({ ...record, job: PATIENT }, 0, CONTEXT),
  "its delay is over": (record) => delayOver(record, CONTEXT),
  "a timer fires early": (record) => delayOver(record, { ...CONTEXT, now: NOW - 1 }),
  "an error names the version": (record) => prepareFailed(record, TASK, "no such image", CONTEXT),
  "its tasks are gone": (record) => advanceAlloc(withPhase(record, GONE), CONTEXT),
} satisfies Record<string, (record: AllocRecord) => AllocRecord>;
type Event = keyof typeof EVENTS;

function row(stays: Stage, moves: Partial<Record<Event, Stage>>): Record<Event, Stage> {
  const all = Object.fromEntries(Object.keys(EVENTS).map((event) => [event, stays]));
  return { ...(all as Record<Event, Stage>), ...moves };
}

const stopped = (to: Stage) =>
  ({
    "told to stop": to,
    "its own job cuts it off": to,
    "the servers have forgotten it": to,
  }) as const;

/** Complete: the stage after each event. */
const TABLE: Readonly<Record<Stage, Record<Event, Stage>>> = {
  preparing: row("preparing", {
    ...stopped("stopping"),
    "it may go": "waiting",
    "an error names the version": "stopping",
  }),
  waiting: row("waiting", { ...stopped("stopping"), "its ports are free": "running" }),
  running: row("running", { ...stopped("leaving"), "its tasks are gone": "done" }),
  leaving: row("leaving", {
    "out of the catalog": "stopping",
    "out of the catalog, and its group has a delay": "delaying",
  }),
  delaying: row("delaying", { "its delay is over": "stopping" }),
  stopping: row("stopping", { "its tasks are gone": "done" }),
  done: row("done", {}),
};

for (const [stage, expected] of Object.entries(TABLE)) {
  test(`[A3 A5 A8] in stage "${stage}" every event leads where the table says`, () => {
    for (const [event, want] of Object.entries(expected)) {
      const next = EVENTS[event as Event](recordIn(stage as Stage));
      assert.equal(next.stage.kind, want, `${stage} + ${event}`);
    }
  });
}

test("[A8] a stop that is known is never taken back, whatever comes after it", () => {
  for (const stage of Object.keys(STAGES) as Stage[]) {
    const told = desired(recordIn(stage), { desiredStatus: "stop" });
    const later = EVENTS["its ports are free"](EVENTS["it may go"](told));
    assert.ok(!["preparing", "waiting", "running"].includes(later.stage.kind), stage);
  }
});
