import assert from "node:assert/strict";
import test from "node:test";
import type { Job } from "@drover/model";
import { mockJob, mockTask, mockTaskGroup } from "@drover/model/testing";
import { Harness } from "./testing/harness.ts";

export function seedJob(
  options: { count?: number; maxParallel?: number; image?: string } = {},
): Job {
  const { count = 6, maxParallel = 2, image = "1" } = options;
  const base = mockTaskGroup();
  const update = base.update && { ...base.update, maxParallel };
  const task = mockTask({ config: { version: image } });
  return mockJob({ taskGroups: [mockTaskGroup({ count, update, tasks: [task] })] });
}

test("A the seed example goes two at a time and ends successful", () => {
  const harness = new Harness();
  const job = seedJob();
  const first = harness.register(job);
  assert.equal(first.plan.placements.length, 6);
  assert.deepEqual(first.plan.annotations?.desiredTgUpdates["web"]?.place, 6);
  assert.equal(first.plan.deployment?.taskGroups["web"]?.desiredTotal, 6);
  harness.rollToEnd(job);
  assert.equal(harness.state.job(job)?.stable, true);
  const perNode = new Map<string, number>();
  for (const alloc of harness.live(job))
    perNode.set(alloc.nodeId, (perNode.get(alloc.nodeId) ?? 0) + 1);
  assert.deepEqual([...perNode.values()], [2, 2, 2]);

  const second = harness.register(seedJob({ image: "2" }));
  const desired = second.plan.annotations?.desiredTgUpdates["web"];
  assert.equal(desired?.destructiveUpdate, 2);
  assert.equal(desired?.ignore, 4);
  assert.deepEqual(second.plan.stops.length, 2);
  assert.deepEqual(
    second.plan.placements.map((alloc) => alloc.name),
    ["example.web[0]", "example.web[1]"],
  );
  const rounds = harness.rollToEnd(job);
  assert.equal(rounds, 3);
  assert.equal(harness.live(job).length, 6);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});
