import assert from "node:assert/strict";
import test from "node:test";
import type { Task } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import { coordinateTasks, isFinished } from "./coordinate-tasks.ts";
import { newTaskRun, type TaskRun } from "./task-run.ts";

type Look = "blocked" | "running" | "ok" | "failed";

function run(look: Look): TaskRun {
  const base = newTaskRun(1);
  const state = { ...base.state, startedAt: look === "blocked" ? 0 : 1 };
  if (look === "blocked") return base;
  if (look === "running") {
    // Only `pending`, `running` and `dead` matter here, not the process.
    return {
      ...base,
      phase: { kind: "starting", ending: null },
      state: { ...state, state: "running" },
    };
  }
  const failed = look === "failed";
  return {
    ...base,
    phase: { kind: "dead", destroyed: true },
    state: { ...state, state: "dead", failed, finishedAt: 2 },
  };
}

const KINDS: Record<string, Partial<Task>> = {
  pre: { lifecycle: { hook: "prestart", sidecar: false } },
  side: { lifecycle: { hook: "prestart", sidecar: true } },
  main: {},
  leader: { leader: true },
  post: { lifecycle: { hook: "poststart", sidecar: false } },
  stop: { lifecycle: { hook: "poststop", sidecar: false } },
};

function look(states: Record<string, Look>, stop = false) {
  const tasks = Object.keys(states).map((name) => {
    return mockTask({ name, ...KINDS[name.replace(/\d/, "")] });
  });
  const runs = Object.fromEntries(Object.entries(states).map(([n, s]) => [n, run(s)]));
  return { ...coordinateTasks({ tasks, runs, stop }), finished: isFinished({ tasks, runs }) };
}

test("[A1] prestart tasks begin alone", () => {
  const all = look({
    pre: "blocked",
    side: "blocked",
    main: "blocked",
    post: "blocked",
    stop: "blocked",
  });
  assert.deepEqual(all.open, ["pre", "side"]);
  assert.deepEqual(all.kill, []);
});

test("[A1] main tasks wait for prestart one-shots to end and sidecars to run", () => {
  assert.deepEqual(look({ pre: "running", side: "running", main: "blocked" }).open, []);
  assert.deepEqual(look({ pre: "ok", side: "blocked", main: "blocked" }).open, ["side"]);
  assert.deepEqual(look({ pre: "ok", side: "running", main: "blocked" }).open, ["main"]);
});

test("[A1] poststart tasks wait for every main task", () => {
  assert.deepEqual(look({ main: "running", main2: "blocked", post: "blocked" }).open, ["main2"]);
  assert.deepEqual(look({ main: "running", post: "blocked" }).open, ["post"]);
});

test("[A2] a failed task takes its siblings along, sidecars last", () => {
  const first = look({ main: "failed", main2: "running", side: "running", stop: "blocked" });
  assert.deepEqual(first.cause, { kind: "siblingFailed", sibling: "main" });
  assert.deepEqual(first.kill, ["main2"]);
  const second = look({ main: "failed", main2: "ok", side: "running", stop: "blocked" });
  assert.deepEqual(second.kill, ["side"]);
  const third = look({ main: "failed", main2: "ok", side: "ok", stop: "blocked" });
  assert.deepEqual(third.open, ["stop"]);
  assert.equal(third.finished, false);
  assert.equal(look({ main: "failed", main2: "ok", side: "ok", stop: "ok" }).finished, true);
});

test("[A2] a stop brings the leader down first", () => {
  assert.deepEqual(look({ leader: "running", main: "running" }, true).kill, ["leader"]);
  assert.deepEqual(look({ leader: "ok", main: "running" }, true).kill, ["main"]);
});

test("[A2] a leader that ends takes the rest along", () => {
  assert.deepEqual(look({ leader: "ok", main: "running" }).cause, { kind: "leaderDead" });
});

test("[A2] sidecars do not outlive the main tasks, poststart one-shots may finish", () => {
  assert.deepEqual(look({ main: "ok", side: "running" }).cause, { kind: "mainDead" });
  assert.equal(look({ main: "ok", post: "running", side: "running" }).cause, null);
});

test("[A1] poststop tasks do not run when nothing has run before them", () => {
  const stopped = look({ main: "blocked", stop: "blocked" }, true);
  assert.deepEqual(stopped.kill, ["main"]);
  const dead = { ...run("ok"), state: { ...run("ok").state, startedAt: 0 } };
  const tasks = [mockTask({ name: "main" }), mockTask({ name: "stop", ...KINDS.stop })];
  const runs = { main: dead, stop: run("blocked") };
  assert.deepEqual(coordinateTasks({ tasks, runs, stop: true }).open, []);
  assert.equal(isFinished({ tasks, runs }), true);
});
