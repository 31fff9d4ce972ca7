/** Who goes when there are too many: rules S2 to S5, and what becomes of the names (N5). */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, Job } from "@drover/model";
import type { SchedulerResult } from "../scheduler.ts";
import { Harness } from "../testing/harness.ts";
import { PATIENT, type RollingOptions, rollingJob } from "../testing/jobs.ts";

function running(options: RollingOptions) {
  const harness = new Harness({ nodes: 4 });
  const job = rollingJob(options);
  harness.register(job);
  harness.rollToEnd(job);
  return { harness, job };
}

function named(harness: Harness, job: Job, index: number): Allocation {
  const found = harness.live(job).find((alloc) => alloc.name.endsWith(`[${index}]`));
  assert.ok(found, `[${index}]`);
  return found;
}

function stopped(harness: Harness, { plan }: SchedulerResult): string[] {
  return plan.stops.map((stop) => harness.state.alloc(stop.allocId)?.name.slice(-3) ?? "").sort();
}

test("[N3] [S4] where all serve, the highest names go", () => {
  const { harness } = running({ count: 4 });
  assert.deepEqual(stopped(harness, harness.register(rollingJob({ count: 2 }))), ["[2]", "[3]"]);
});

test("[S5] scaling down takes what does not serve first, whatever its name", () => {
  const { harness, job } = running({ count: 4 });
  harness.update(named(harness, job, 0), { serving: false });
  assert.deepEqual(stopped(harness, harness.register(rollingJob({ count: 2 }))), ["[0]", "[3]"]);
});

test("[S5] scaling down takes one out of reach before any that serves", () => {
  const disconnect = { ...PATIENT, replace: false };
  const { harness, job } = running({ count: 4, group: { disconnect } });
  const away = named(harness, job, 0);
  harness.changeNode(away.nodeId, { status: "disconnected" });
  const less = rollingJob({ count: 3, group: { disconnect } });
  assert.deepEqual(stopped(harness, harness.register(less)), ["[0]"]);
});

test("[S5] below the floor, too, those out of reach go before one that serves", () => {
  const disconnect = { ...PATIENT, replace: false };
  const update = { maxParallel: 1 };
  const { harness, job } = running({ count: 4, update, group: { disconnect } });
  for (const index of [0, 1, 2]) {
    harness.changeNode(named(harness, job, index).nodeId, { status: "disconnected" });
  }
  const less = rollingJob({ count: 3, update, group: { disconnect } });
  assert.deepEqual(stopped(harness, harness.register(less)), ["[2]"]);
});

test("[S5] scaling down in the middle of an update leaves the floor of the new count", () => {
  const update = { maxParallel: 1 };
  const { harness, job } = running({ count: 4, update });
  harness.register(rollingJob({ count: 4, image: "2", update }));
  harness.run(named(harness, job, 0), null);
  harness.update(named(harness, job, 1), { serving: false });
  const result = harness.register(rollingJob({ count: 3, image: "2", update }));
  assert.deepEqual(stopped(harness, result), ["[1]"]);
});

test("[S5] one that nobody has proven goes before a proven one would fall below the floor", () => {
  const update = { maxParallel: 1 };
  const { harness, job } = running({ count: 3, update });
  const fresh = { deploymentId: "", deploymentStatus: null };
  for (const index of [0, 1]) harness.update(named(harness, job, index), fresh);
  const result = harness.register(rollingJob({ count: 2, update }));
  assert.deepEqual(stopped(harness, result), ["[1]"]);
});

test("[S2] [S5] beside a promoted canary goes the one of its name, but first what does not serve", () => {
  for (const [idle, gone] of [
    [null, "[0]"],
    [2, "[2]"],
  ] as const) {
    const update = { canary: 1, maxParallel: 1 };
    const { harness, job } = running({ count: 3, update });
    harness.register(rollingJob({ count: 3, image: "2", update }));
    harness.settle(job);
    if (idle !== null) harness.update(named(harness, job, idle), { serving: false });
    harness.promote(job);
    const { plan } = harness.evaluate(job);
    const surplus = plan.stops.filter((each) => each.desiredDescription.includes("not needed"));
    const names = surplus.map((each) => harness.state.alloc(each.allocId)?.name.slice(-3));
    assert.deepEqual(names, [gone]);
  }
});

test("[S6] of two that share a name the older one goes, before any with a name for itself", () => {
  const update = { canary: 1, maxParallel: 1 };
  const { harness, job } = running({ count: 2, update });
  const next = { count: 2, image: "2", update };
  harness.register(rollingJob(next));
  harness.settle(job);
  harness.promote(job);
  // Before the promotion is looked at, a version comes that the promoted canary can become.
  const result = harness.register(rollingJob({ ...next, job: { priority: 60 } }));
  assert.deepEqual(stopped(harness, result), ["[0]"]);
  const stop = result.plan.stops[0];
  assert.equal(stop && harness.state.alloc(stop.allocId)?.jobVersion, 0);
});

test("[N5] what is left beyond the count is replaced under a free name", () => {
  const { harness, job } = running({ count: 4 });
  harness.update(named(harness, job, 0), { serving: false });
  harness.register(rollingJob({ count: 3 }));
  harness.register(rollingJob({ count: 3, image: "2" }));
  harness.rollToEnd(job);
  const names = harness.live(job).map((alloc) => alloc.name.slice(-3));
  assert.deepEqual(names, ["[0]", "[1]", "[2]"]);
});

test("[N5] what leaves its node beside a promoted canary of its name is replaced under a free one", () => {
  const update = { canary: 1, maxParallel: 1 };
  const { harness, job } = running({ count: 4, update });
  harness.register(rollingJob({ count: 4, image: "2", update }));
  const canary = harness.live(job).find((alloc) => alloc.deploymentStatus?.canary === true);
  assert.equal(canary?.name.slice(-3), "[0]");
  harness.run(canary);
  const old = harness.live(job).find(({ id, name }) => name === canary.name && id !== canary.id);
  assert.ok(old);
  harness.update(named(harness, job, 3), { clientStatus: "complete", desiredStatus: "stop" });
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: true } });
  harness.promote(job);
  harness.evaluate(job);
  harness.rollToEnd(job);
  const names = harness.live(job).map((alloc) => alloc.name.slice(-3));
  assert.deepEqual(names, ["[0]", "[1]", "[2]", "[3]"]);
});

test("[S5] batch jobs lose the highest names, whether they run or not", () => {
  const harness = new Harness({ nodes: 4 });
  const batch = (count: number) => rollingJob({ count, update: null, job: { type: "batch" } });
  harness.register(batch(3));
  harness.run(named(harness, batch(3), 2));
  assert.deepEqual(stopped(harness, harness.register(batch(2))), ["[2]"]);
});
