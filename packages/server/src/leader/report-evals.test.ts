import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import {
  type Allocation,
  type AllocClientReport,
  ClientStatus,
  type DeploymentState,
  type StateReader,
} from "@drover/model";
import { mockAlloc, mockDeployment, mockJob } from "@drover/model/testing";
import { reportEvals } from "./report-evals.ts";

const HEALTHY = { healthy: true, timestamp: 1, canary: false, modifyIndex: 1 };

/** The causes of the evaluations that one report of `alloc` brings. */
function causes(
  stored: Partial<Allocation>,
  report: Partial<AllocClientReport>,
  {
    status = "running",
    type = "service",
    ...group
  }: { status?: string; type?: string } & Partial<DeploymentState> = {},
): string[] {
  const job = mockJob({ type });
  const deployed = mockDeployment({ id: "d", status }, { job });
  const taskGroups = Object.fromEntries(
    Object.entries(deployed.taskGroups).map(([name, state]) => [name, { ...state, ...group }]),
  );
  const deployment = { ...deployed, taskGroups };
  const alloc = mockAlloc({ id: "a", deploymentId: "d", ...stored }, { job });
  const state: Partial<StateReader> = {
    alloc: (id) => (id === "a" ? alloc : undefined),
    job: () => job,
    allocJob: () => job,
    deployment: (id) => (id === "d" ? deployment : undefined),
    deploymentsByJob: () => [deployment],
  };
  const whole = { id: "a", clientStatus: "running", prepared: false, healthy: null, ...report };
  const evals = reportEvals(
    state as StateReader,
    [whole as AllocClientReport],
    new SeededRandom(1),
  );
  return evals.map((each) => `${each.triggeredBy} ${each.deploymentId}`.trim());
}

const RESTARTING = { clientStatus: "pending", deploymentStatus: HEALTHY };

test("one that serves again wakes the deployment that it held back", () => {
  assert.deepEqual(causes(RESTARTING, {}), ["deployment-watcher d"]);
  const older = { clientStatus: "pending", deploymentId: "older", deploymentStatus: null };
  assert.deepEqual(causes(older, {}), ["deployment-watcher d"]);
});

test("one that stops serving wakes it too: it may be replaced for free now", () => {
  const running = { clientStatus: ClientStatus.running, deploymentStatus: HEALTHY };
  assert.deepEqual(causes(running, { serving: false }), ["deployment-watcher d"]);
  assert.deepEqual(causes({ ...running, serving: false }, { serving: true }), [
    "deployment-watcher d",
  ]);
  assert.deepEqual(causes({ ...running, serving: false }, { serving: false }), []);
  assert.deepEqual(causes(running, { serving: true }), []);
});

test("what a drain has placed beside the deployment wakes it when it is proven", () => {
  const moved = { clientStatus: ClientStatus.running, deploymentId: "", deploymentStatus: null };
  assert.deepEqual(causes(moved, { healthy: true }), ["deployment-watcher d"]);
  assert.deepEqual(causes(moved, {}), []);
});

test("starting is no news of an undecided one, nor outside a deployment, nor when it is to stop", () => {
  assert.deepEqual(causes({ clientStatus: "pending", deploymentStatus: null }, {}), []);
  assert.deepEqual(causes(RESTARTING, {}, { status: "successful" }), []);
  assert.deepEqual(causes({ ...RESTARTING, desiredStatus: "stop" }, {}), []);
  assert.deepEqual(causes({ ...RESTARTING, clientStatus: "running" }, {}), []);
});

test("a verdict that frees a slot brings the next evaluation along", () => {
  const running = { clientStatus: ClientStatus.running, deploymentStatus: null };
  const healthy = { healthy: true };
  assert.deepEqual(causes(running, healthy), ["deployment-watcher d"]);
  assert.deepEqual(causes(running, { healthy: false }), [], "the decider judges it");
  assert.deepEqual(causes({ ...running, deploymentStatus: HEALTHY }, healthy), [], "no news");
  assert.deepEqual(causes(running, healthy, { status: "paused" }), []);
  assert.deepEqual(causes(running, healthy, { desiredCanaries: 1 }), []);
  const promoted = { desiredCanaries: 1, promoted: true };
  assert.deepEqual(causes(running, healthy, promoted), ["deployment-watcher d"]);
});

test("a failure that may be replaced, a preparation and a return are news", () => {
  const failed = { clientStatus: ClientStatus.failed };
  assert.deepEqual(causes({ clientStatus: "running" }, failed), ["alloc-failure"]);
  assert.deepEqual(causes(failed, failed), []);
  assert.deepEqual(causes({ clientStatus: "running", followupEvalId: "e" }, failed), []);
  assert.deepEqual(
    causes({ clientStatus: "pending" }, { clientStatus: ClientStatus.pending, prepared: true }),
    ["deployment-watcher d"],
  );
  assert.deepEqual(causes({ clientStatus: "unknown" }, {}), ["reconnect"]);
});

test("one that its client has ended by itself is missing, unless it was to end", () => {
  const complete = { clientStatus: ClientStatus.complete };
  const pending = { clientStatus: ClientStatus.pending };
  assert.deepEqual(causes(pending, complete), ["alloc-failure"]);
  assert.deepEqual(causes(pending, complete, { status: "successful" }), ["alloc-failure"]);
  assert.deepEqual(causes(pending, complete, { type: "system" }), ["alloc-failure"]);
  assert.deepEqual(causes(complete, complete), []);
  const stopped = { ...pending, desiredStatus: "stop" };
  assert.deepEqual(causes(stopped, complete), []);
  assert.deepEqual(causes(pending, complete, { type: "batch", status: "successful" }), []);
});
