/** Every stage of an allocation and every phase of a task says why it is not over. */
import assert from "node:assert/strict";
import test from "node:test";
import type { TaskHandle } from "@drover/drivers";
import { type Reason, Rule, type Task, type TaskState } from "@drover/model";
import { mockAlloc, mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { type AllocStage, newAllocRecord } from "../state/alloc-record.ts";
import { newTaskRun, type TaskPhase } from "./task-run.ts";
import { whyUnsettled } from "./why-unsettled.ts";

const handle = {} as TaskHandle;
const ending = { kind: "kill", skipDelay: false } as const;

interface Case {
  readonly stage?: AllocStage;
  readonly phase?: TaskPhase;
  readonly task?: Partial<Task>;
  readonly prepared?: boolean;
  /** Rule, what is waited for, and until when; null = it waits for nothing. */
  readonly why: readonly [Rule, string, number | null] | null;
}

const CASES: Readonly<Record<string, Case>> = {
  preparing: {
    stage: { kind: "preparing" },
    why: [Rule.allocPreparesImages, "image app:1", null],
  },
  prepared: { stage: { kind: "preparing" }, prepared: true, why: null },
  "waiting for ports": {
    stage: { kind: "waiting" },
    why: [Rule.allocAwaitsPorts, "allocation holder", null],
  },
  "leaving the catalog": {
    stage: { kind: "leaving" },
    why: [Rule.allocLeavesCatalog, "node n", null],
  },
  "in its shutdown delay": {
    stage: { kind: "delaying", wakeAt: 9 },
    why: [Rule.allocShutdownDelay, "", 9],
  },
  "stopping, its task gone": {
    stage: { kind: "stopping" },
    phase: { kind: "dead", destroyed: true },
    why: [Rule.allocStopping, "node n", null],
  },
  "stopping, its task told to end": {
    stage: { kind: "stopping" },
    phase: { kind: "signalling", handle, ending },
    why: [Rule.taskEnding, "task a/server", null],
  },
  "stopping, its poststop task running": {
    stage: { kind: "stopping" },
    phase: { kind: "running", handle },
    task: { lifecycle: { hook: "poststop", sidecar: false } },
    why: [Rule.taskEnding, "task a/server", null],
  },
  done: { stage: { kind: "done" }, why: null },
  "a blocked task": { phase: { kind: "blocked" }, why: [Rule.taskBlocked, "node n", null] },
  "a poststop task": {
    phase: { kind: "blocked" },
    task: { lifecycle: { hook: "poststop", sidecar: false } },
    why: null,
  },
  "a task in its setup": {
    phase: { kind: "setup", ending: null },
    why: [Rule.taskStarting, "image app:1", null],
  },
  "a starting task": {
    phase: { kind: "starting", ending: null },
    task: { config: {} },
    why: [Rule.taskStarting, "task a/server", null],
  },
  "a running task": { phase: { kind: "running", handle }, why: null },
  "a task that is started again": {
    phase: { kind: "backoff", wakeAt: 7 },
    why: [Rule.taskRestartDelay, "task a/server", 7],
  },
  "a task that leaves the catalog": {
    phase: { kind: "leaving", handle, ending },
    why: [Rule.taskEnding, "task a/server", null],
  },
  "a task in its shutdown delay": {
    phase: { kind: "delaying", handle, ending, wakeAt: 8 },
    why: [Rule.taskEnding, "task a/server", 8],
  },
  "a dead task": {
    phase: { kind: "dead", destroyed: false },
    why: [Rule.taskEnding, "task a/server", null],
  },
  "a task that is gone": { phase: { kind: "dead", destroyed: true }, why: null },
};

function why(
  { phase, prepared = false, stage = { kind: "running" }, task }: Case,
  events: TaskState["events"] = [],
) {
  const tasks = [mockTask({ config: { image: "app:1" }, ...task })];
  const job = mockJob({ taskGroups: [mockTaskGroup({ tasks })] });
  const alloc = mockAlloc({ id: "a", nodeId: "n" }, { job });
  const record = { ...newAllocRecord({ alloc, job, now: 0 }), stage, prepared };
  const fresh = newTaskRun(0);
  const run = { ...fresh, state: { ...fresh.state, events: [...fresh.state.events, ...events] } };
  const server = phase ? { ...run, phase } : run;
  return whyUnsettled({
    record: { ...record, tasks: { server } },
    portHolder: "holder",
    health: [],
    trouble: "no answer",
  });
}

const shape = (reason: Reason) => [
  reason.rule,
  reason.waitsFor.map(({ id, kind }) => `${kind} ${id}`).join(),
  reason.wakesAt,
];

for (const [name, each] of Object.entries(CASES)) {
  test(`I4 a node says why an allocation is not over: ${name}`, () => {
    assert.deepEqual(why(each).map(shape), each.why === null ? [] : [each.why]);
  });
}

test("a task waits for the prestart tasks that have not done their work", () => {
  const first = mockTask({ name: "first", lifecycle: { hook: "prestart", sidecar: false } });
  const tasks = [first, mockTask()];
  const job = mockJob({ taskGroups: [mockTaskGroup({ tasks })] });
  const alloc = mockAlloc({ id: "a", nodeId: "n" }, { job });
  const stage = { kind: "running" } as const;
  const record = { ...newAllocRecord({ alloc, job, now: 0 }), stage };
  const busy = { ...newTaskRun(0), phase: { kind: "running", handle } } as const;
  const runs = { first: busy, server: newTaskRun(0) };
  const reasons = whyUnsettled({
    record: { ...record, tasks: runs },
    portHolder: null,
    health: [],
    trouble: "",
  });
  assert.deepEqual(reasons.map(shape), [[Rule.taskBlocked, "task a/first", null]]);
});

test("what leaves a catalog that does not answer says so", () => {
  const [reason] = why({ stage: { kind: "leaving" }, why: null });
  assert.deepEqual(reason?.evidence, { catalog: "no answer" });
});

test("a task in its restart delay says how it ended, or why it did not start", () => {
  const backoff = { phase: { kind: "backoff", wakeAt: 7 }, why: null } as const;
  const after = (type: string, displayMessage: string) => {
    const event = { type, time: 0, message: "", displayMessage, details: {} };
    const restarting = { ...event, type: "Restarting", displayMessage: "Task restarting in 40s" };
    const [reason] = why(backoff, [event, restarting] as TaskState["events"]);
    return [reason?.text, reason?.evidence];
  };
  assert.deepEqual(after("Terminated", "Exit Code: 1"), [
    'task "server" ended (Exit Code: 1) and is started again after its restart delay',
    {},
  ]);
  assert.deepEqual(after("Driver Failure", "no route to host"), [
    'task "server" could not be started and is tried again after its restart delay',
    { because: "no route to host" },
  ]);
});
