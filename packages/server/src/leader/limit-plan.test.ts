import assert from "node:assert/strict";
import test from "node:test";
import { EvalStatus, type Plan } from "@drover/model";
import { mockAlloc, mockId, mockJob, mockNode, mockTaskGroup } from "@drover/model/testing";
import { CommandTag } from "@drover/state";
import { encodeMessage } from "@drover/wire";
import { registerJob, registerNode, settled, testServer } from "../testing/test-server.ts";
import { limitPlan } from "./limit-plan.ts";

function planOf(stops: number, placements: number): Plan {
  return {
    id: "p",
    evalId: "e",
    priority: 50,
    namespace: "default",
    jobId: "a",
    jobVersion: 0,
    allAtOnce: false,
    snapshotIndex: 1,
    stops: Array.from({ length: stops }, (_, i) => ({
      allocId: mockId(`old ${i}`),
      nodeId: "n",
      desiredStatus: "stop",
      desiredDescription: "alloc is being updated due to job update",
    })),
    placements: Array.from({ length: placements }, (_, i) => mockAlloc({ id: mockId(`a ${i}`) })),
    attributeUpdates: [],
    deployment: null,
    deploymentUpdates: [],
    annotations: null,
  };
}

test("a plan that fits is left alone, the same object", () => {
  const plan = planOf(10, 400);
  assert.equal(limitPlan(plan, 8 << 20), plan);
});

test("of a plan that is too large the first parts are taken, stops before placements", () => {
  const plan = planOf(300, 1_000);
  const limited = limitPlan(plan, 500_000);
  assert.equal(limited.stops.length, 300);
  assert.ok(limited.placements.length > 0 && limited.placements.length < 1_000);
  assert.ok(encodeMessage(limited).byteLength < 510_000);
  assert.deepEqual(limited.placements, plan.placements.slice(0, limited.placements.length));
});

test("a deployment does not succeed with a plan of which only a part is written", () => {
  const updateTo = (status: string) => ({ deploymentId: "d", status, statusDescription: "" });
  const cancelled = updateTo("cancelled");
  const whole = { ...planOf(0, 1_000), deploymentUpdates: [cancelled, updateTo("successful")] };
  assert.deepEqual(limitPlan(whole, 500_000).deploymentUpdates, [cancelled]);
  assert.equal(limitPlan(whole, 8 << 20), whole);
});

test("a job too large for one entry is placed whole, in several", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const count = 3_000;
  const { nodeResources, ...node } = mockNode();
  const cpu = { ...nodeResources.cpu, cpuShares: 10_000_000 };
  const memory = { memoryMb: 10_000_000 };
  const disk = { diskMb: 10_000_000 };
  registerNode(made, { ...node, nodeResources: { ...nodeResources, cpu, memory, disk } });
  const evalId = registerJob(
    made,
    mockJob({ id: "a", taskGroups: [mockTaskGroup({ name: "web", count, networks: [] })] }),
  );
  await settled();
  const snapshot = made.store.snapshot();
  assert.equal(snapshot.evaluation(evalId)?.status, EvalStatus.complete);
  assert.equal(snapshot.allocsByJob({ namespace: "default", id: "a" }).length, count);
  const plans = made.log.commands.filter((command) => command.tag === CommandTag.planApply);
  assert.ok(plans.length > 1);
  for (const plan of plans) assert.ok(encodeMessage(plan).byteLength < 8 << 20);
  made.server.close();
});
