import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE, SECOND, SeededRandom } from "@drover/base";
import type { TaskExit, TaskHandle } from "@drover/drivers";
import type { Task } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import { nextTaskRun, type TaskContext, taskAction } from "./next-task-action.ts";
import { newTaskRun, type TaskInput, type TaskPhase, type TaskRun } from "./task-run.ts";

const NOW = 1_000_000;
const handle: TaskHandle = {
  driver: "mock_driver",
  identity: {
    clusterId: "c",
    nodeId: "n",
    allocId: "a",
    taskName: "server",
    namespace: "default",
    jobId: "j",
    groupName: "g",
  },
  driverState: 1,
  startedAt: 0,
};
const kill = { kind: "kill", skipDelay: false } as const;
const restart = { kind: "restart", counts: false, reason: "User requested" } as const;

function exit(exitCode: number, more: Partial<TaskExit> = {}): TaskInput {
  const plain = { exitCode, signal: 0, oomKilled: false, error: "", finishedAt: 0 };
  return { kind: "exited", exit: { ...plain, ...more } };
}

function context(task: Partial<Task> = {}, more: Partial<TaskContext> = {}): TaskContext {
  return {
    now: NOW,
    random: new SeededRandom(1),
    task: mockTask(task),
    jobType: "service",
    maxKillTimeoutMs: 30_000,
    ...more,
  };
}

const PHASES: Record<TaskPhase["kind"], TaskPhase> = {
  blocked: { kind: "blocked" },
  setup: { kind: "setup", ending: null },
  starting: { kind: "starting", ending: null },
  running: { kind: "running", handle },
  leaving: { kind: "leaving", handle, ending: kill },
  delaying: { kind: "delaying", handle, ending: kill, wakeAt: NOW },
  signalling: { kind: "signalling", handle, ending: kill },
  backoff: { kind: "backoff", wakeAt: NOW },
  dead: { kind: "dead", destroyed: false },
};

const INPUTS = {
  open: { kind: "open" },
  ready: { kind: "ready" },
  setupFailed: { kind: "setupFailed", message: "m", retryable: true, event: "Driver Failure" },
  refused: { kind: "setupFailed", message: "m", retryable: false, event: "Driver Failure" },
  started: { kind: "started", handle },
  exitOk: exit(0),
  exitBad: exit(1),
  kill: { kind: "end", ending: kill, event: null },
  restart: { kind: "end", ending: restart, event: null },
  left: { kind: "left", graceMs: 0 },
  leftSlowly: { kind: "left", graceMs: 2_000 },
  woke: { kind: "woke" },
  destroyed: { kind: "destroyed" },
} satisfies Record<string, TaskInput>;

type Row = Record<keyof typeof INPUTS, TaskPhase["kind"]>;

function row(stays: TaskPhase["kind"], moves: Partial<Row>): Row {
  const all = Object.fromEntries(Object.keys(INPUTS).map((input) => [input, stays])) as Row;
  return { ...all, ...moves };
}

/** Complete: what every input does in every phase of a service's main task. */
const TABLE: Record<TaskPhase["kind"], Row> = {
  blocked: row("blocked", { open: "setup", kill: "dead" }),
  setup: row("setup", { ready: "starting", setupFailed: "backoff", refused: "dead" }),
  starting: row("starting", { started: "running", setupFailed: "backoff", refused: "dead" }),
  running: row("running", {
    exitOk: "backoff",
    exitBad: "backoff",
    kill: "leaving",
    restart: "leaving",
  }),
  leaving: row("leaving", {
    exitOk: "dead",
    exitBad: "dead",
    left: "signalling",
    leftSlowly: "delaying",
  }),
  delaying: row("delaying", { exitOk: "dead", exitBad: "dead", woke: "signalling" }),
  signalling: row("signalling", { exitOk: "dead", exitBad: "dead" }),
  backoff: row("backoff", { woke: "setup", kill: "dead" }),
  dead: row("dead", {}),
};

test("[T3] every input in every phase leads where the table says", () => {
  for (const [phase, expected] of Object.entries(TABLE)) {
    for (const [name, want] of Object.entries(expected)) {
      const run: TaskRun = { ...newTaskRun(NOW), phase: PHASES[phase as TaskPhase["kind"]] };
      const input: TaskInput = INPUTS[name as keyof typeof INPUTS];
      const next = nextTaskRun(run, input, context());
      assert.equal(next.phase.kind, want, `${phase} + ${name}`);
      if (want === phase && name !== "kill" && name !== "destroyed") {
        assert.equal(next, run, `${phase} + ${name} changes nothing`);
      }
    }
  }
});

test("[T1] every phase implies one action", () => {
  const actions = Object.values(PHASES).map((phase) => {
    return [phase.kind, taskAction({ ...newTaskRun(NOW), phase }).kind];
  });
  assert.deepEqual(Object.fromEntries(actions), {
    blocked: "none",
    setup: "setup",
    starting: "start",
    running: "none",
    leaving: "leave",
    delaying: "wait",
    signalling: "stop",
    backoff: "wait",
    dead: "destroy",
  });
});

function running(over: Partial<TaskRun> = {}): TaskRun {
  const run = newTaskRun(NOW);
  const state = { ...run.state, state: "running", startedAt: NOW };
  return { ...run, phase: PHASES.running, state, ...over };
}

test("[T4] an error that names the version is not retried, whatever the restart policy says", () => {
  const setup: TaskRun = { ...newTaskRun(NOW), phase: PHASES.setup };
  const next = nextTaskRun(setup, INPUTS.refused, context());
  assert.equal(next.state.failed, true);
  assert.equal(next.unretryable, "m");
  assert.equal(next.state.restarts, 0);
  const types = next.state.events.map((e) => e.type);
  assert.deepEqual(types, ["Received", "Driver Failure", "Not Restarting"]);
});

test("[T8] a timer that fires early changes nothing and is set again", () => {
  for (const kind of ["delaying", "backoff"] as const) {
    const phase = { ...PHASES[kind], wakeAt: NOW + 1 } as TaskPhase;
    const early: TaskRun = { ...newTaskRun(NOW), phase };
    assert.equal(nextTaskRun(early, INPUTS.woke, context()), early, kind);
    assert.deepEqual(taskAction(early), { kind: "wait", until: NOW + 1 });
  }
});

test("[T9] a restart waits for the delay plus at most a quarter of it", () => {
  for (let seed = 0; seed < 50; seed++) {
    const ctx = context({}, { random: new SeededRandom(seed) });
    const next = nextTaskRun(running(), exit(1), ctx);
    assert.ok(next.phase.kind === "backoff");
    const delay = next.phase.wakeAt - NOW;
    assert.ok(delay >= 15_000 && delay < 18_750, `seed ${seed}: ${delay}`);
  }
});

test("[T10] the attempts of an interval are used up, and a new interval gives new ones", () => {
  const used = running({ window: { count: 2, startedAt: NOW - 10_000 } });
  const failed = nextTaskRun(used, exit(1), context());
  assert.equal(failed.phase.kind, "dead");
  assert.equal(failed.state.failed, true);
  const text = failed.state.events.at(-1)?.displayMessage;
  assert.equal(text, 'Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"');
  const later = nextTaskRun(used, exit(1), context({}, { now: NOW + 30 * 60_000 }));
  assert.equal(later.phase.kind, "backoff");
  assert.deepEqual(later.window, { count: 1, startedAt: NOW + 30 * 60_000 });
});

test("[T10] mode delay waits for the end of the interval instead of failing", () => {
  const policy = {
    attempts: 1,
    interval: MINUTE,
    delay: SECOND,
    mode: "delay",
    renderTemplates: false,
  };
  const used = running({ window: { count: 1, startedAt: NOW - 20_000 } });
  const next = nextTaskRun(used, exit(1), context({ restartPolicy: policy }));
  assert.deepEqual(next.phase, { kind: "backoff", wakeAt: NOW + 40_000 });
});

test("[T11] a batch task that exits 0 is done, one that exits 1 is restarted", () => {
  const ctx = context({}, { jobType: "batch" });
  const done = nextTaskRun(running(), exit(0), ctx);
  assert.equal(done.phase.kind, "dead");
  assert.equal(done.state.failed, false);
  assert.equal(nextTaskRun(running(), exit(1), ctx).phase.kind, "backoff");
});

test("[T10] no restarts allowed means that the first failure is final", () => {
  const policy = {
    attempts: 0,
    interval: MINUTE,
    delay: SECOND,
    mode: "fail",
    renderTemplates: false,
  };
  const next = nextTaskRun(running(), exit(1), context({ restartPolicy: policy }));
  assert.equal(next.state.failed, true);
  assert.equal(next.state.events.at(-1)?.displayMessage, "Policy allows no restarts");
});

test("[T6] an exit during an outage of the daemon does not count against the policy", () => {
  const used = running({ window: { count: 2, startedAt: NOW } });
  const next = nextTaskRun(used, exit(137, { duringOutage: true }), context());
  assert.deepEqual(next.phase, { kind: "backoff", wakeAt: NOW });
  assert.deepEqual(next.window, used.window);
});

test("[T6] a restart that a user asked for happens at once and does not count", () => {
  const asked = nextTaskRun(running(), { kind: "end", ending: restart, event: null }, context());
  const signalled = nextTaskRun(asked, INPUTS.left, context());
  assert.equal(signalled.phase.kind, "signalling");
  const next = nextTaskRun(signalled, exit(143), context());
  assert.deepEqual(next.phase, { kind: "backoff", wakeAt: NOW });
  assert.equal(next.window.count, 0);
  assert.equal(next.state.restarts, 1);
});

test("[T12] a task killed while it starts goes down as soon as it has started", () => {
  const setup: TaskRun = { ...newTaskRun(NOW), phase: PHASES.starting };
  const asked = nextTaskRun(setup, INPUTS.kill, context());
  const next = nextTaskRun(asked, INPUTS.started, context());
  assert.equal(next.phase.kind, "leaving");
  assert.equal(next.state.startedAt, NOW);
});

test("[T7] the shutdown delay and the grace for consumers run together", () => {
  const leaving: TaskRun = { ...running(), phase: PHASES.leaving };
  const next = nextTaskRun(leaving, INPUTS.leftSlowly, context({ shutdownDelay: 5 * SECOND }));
  assert.ok(next.phase.kind === "delaying");
  assert.equal(next.phase.wakeAt, NOW + 5_000);
  const skip = { kind: "leaving", handle, ending: { kind: "kill", skipDelay: true } } as const;
  const at = nextTaskRun(
    { ...leaving, phase: skip },
    INPUTS.left,
    context({ shutdownDelay: SECOND }),
  );
  assert.equal(at.phase.kind, "signalling");
});

test("[T5] a killed task is not failed, whatever its exit code", () => {
  const signalling: TaskRun = { ...running(), phase: PHASES.signalling };
  const next = nextTaskRun(signalling, exit(137), context());
  assert.equal(next.state.failed, false);
  assert.deepEqual(next.state.events.map((e) => e.displayMessage).slice(-2), [
    "Exit Code: 137",
    "Task successfully killed",
  ]);
});

test("[T13] the kill timeout is limited by the agent", () => {
  const delaying: TaskRun = { ...running(), phase: PHASES.delaying };
  const next = nextTaskRun(delaying, INPUTS.woke, context({ killTimeout: 2 * MINUTE }));
  const text = next.state.events.at(-1)?.displayMessage;
  assert.equal(text, "Sent interrupt. Waiting 30s before force killing");
});

test("[T7] a restart that becomes an end waits for those who have just heard of the end", () => {
  const ending = { ...kill, graceUntil: NOW + 2_000 };
  const phase: TaskPhase = { kind: "delaying", handle, ending: restart, wakeAt: NOW + 500 };
  const next = nextTaskRun(
    { ...running(), phase },
    { kind: "end", ending, event: null },
    context(),
  );
  assert.deepEqual(next.phase, { kind: "delaying", handle, ending, wakeAt: NOW + 2_000 });
});
