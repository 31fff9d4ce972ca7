/** The rolling limit's parts: rules L1 to L3. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, type Deployment, Rule, type Serving, servingState } from "@drover/model";
import { mockAlloc, mockDeployment } from "@drover/model/testing";
import { Harness } from "../testing/harness.ts";
import { PATIENT, rollingGroup, rollingJob } from "../testing/jobs.ts";
import { ServingBudget, undecidedBudget } from "./limit.ts";

const group = rollingGroup({ count: 6, update: { maxParallel: 3 } });
const deployment = mockDeployment({ createIndex: 50 });

function judged(healthy: boolean | null, change: Partial<Allocation> = {}): Allocation {
  return mockAlloc({
    deploymentId: deployment.id,
    deploymentStatus: { healthy, timestamp: 0, canary: false, modifyIndex: 0 },
    clientStatus: "running",
    createIndex: 60,
    ...change,
  });
}

function budget(untainted: Allocation[], starting = 0, isBlocked = false): number {
  return undecidedBudget({ group, deployment, untainted, starting, isBlocked });
}

test("[L1] undecided allocations and those that start use the limit up", () => {
  assert.equal(budget([]), 3);
  assert.equal(budget([judged(null), judged(true)]), 2);
  assert.equal(budget([judged(null, { phase: "prepare" }), judged(null)]), 1);
  assert.equal(budget([judged(null)], 2), 0);
  assert.equal(budget([judged(null)], 5), 0);
});

test("[L1] an unhealthy allocation of the deployment closes the limit", () => {
  assert.equal(budget([judged(true), judged(false)]), 0);
});

test("[L1] allocations of other deployments do not count", () => {
  assert.equal(budget([judged(null, { deploymentId: "another" })]), 3);
});

test("[L1] what the deployment took over while serving does not count as undecided", () => {
  assert.equal(budget([judged(null, { createIndex: 40 })]), 3);
  assert.equal(budget([judged(null, { createIndex: 40, deploymentStatus: null })]), 2);
});

test("[L1] a paused, failed or canarying deployment starts nothing", () => {
  assert.equal(budget([], 0, true), 0);
});

/** How many of one kind may be stopped. */
function stops(budget: ServingBudget, one: Serving): number {
  let taken = 0;
  for (; taken < 10 && budget.allows(one); taken++) budget.take(one);
  return taken;
}

test("[L2] serving allocations may be stopped down to count - max_parallel", () => {
  assert.equal(stops(new ServingBudget(group, Array(6).fill("yes")), "yes"), 3);
  assert.equal(stops(new ServingBudget(group, Array(2).fill("yes")), "yes"), 0);
});

test("[L2] what nobody has proven holds nothing up, and is not given away below the floor", () => {
  const both = () => new ServingBudget(group, ["yes", "yes", "unproven", "unproven", "no"]);
  assert.equal(stops(both(), "yes"), 0, "two proven are fewer than three");
  assert.equal(stops(both(), "unproven"), 1, "four may serve, three must");
  assert.equal(stops(both(), "no"), 10, "those that do not serve are free");
});

test("[L2] one out of reach is counted on by nobody, and goes only while others are enough", () => {
  const of = (...serving: Serving[]) => new ServingBudget(group, serving);
  assert.equal(stops(of("yes", "yes", "unproven", "unseen"), "unseen"), 0, "two serve, three must");
  assert.equal(stops(of("yes", "yes", "yes", "unseen"), "unseen"), 10, "three do without it");
  assert.equal(stops(of("yes", "yes", "unproven", "unseen"), "unproven"), 0, "three may serve");
});

test("[L1 L2] without an update strategy there is no limit", () => {
  const free = rollingGroup({ update: { maxParallel: 0 } });
  assert.equal(stops(new ServingBudget(free, []), "yes"), 10);
  const input = { group: free, deployment, untainted: [], starting: 9, isBlocked: true };
  assert.equal(undecidedBudget(input), Number.POSITIVE_INFINITY);
});

const UNJUDGED = { deploymentId: "", deploymentStatus: null };

function serving(alloc: Allocation, of?: Deployment, jobType = "service"): string {
  return servingState(alloc, { deployment: of, jobType });
}

test("[L2] serving means running, and judged healthy where a deployment judges", () => {
  assert.equal(serving(judged(true), deployment), "yes");
  assert.equal(serving(judged(false), deployment), "no");
  assert.equal(serving(judged(null), deployment), "unproven");
  assert.equal(serving(judged(true, { clientStatus: "pending" }), deployment), "no");
  assert.equal(serving(judged(true, { clientStatus: "unknown" }), deployment), "unseen");
  assert.equal(serving(judged(true, { desiredStatus: "stop" }), deployment), "no");
  assert.equal(serving(judged(null, { createIndex: 40 }), deployment), "yes");
});

test("[L2] what a drain or a reschedule placed serves when its client has seen its checks pass", () => {
  assert.equal(serving(judged(null, UNJUDGED)), "unproven", "it only runs");
  assert.equal(serving(judged(true, { deploymentId: "" })), "yes");
  assert.equal(serving(judged(false, { deploymentId: "" })), "no");
  assert.equal(serving(judged(false, { deploymentId: "", serving: true })), "yes", "later on");
  assert.equal(serving(judged(null, UNJUDGED), undefined, "batch"), "yes", "nobody tracks it");
});

test("[L2] what its client sees failing does not serve, whatever was decided once", () => {
  const failing = { serving: false };
  assert.equal(serving(judged(true, failing), deployment), "no");
  assert.equal(serving(judged(null, { createIndex: 40, ...failing }), deployment), "no");
  assert.equal(serving(judged(true, { deploymentId: "", ...failing })), "no");
  const over = { ...deployment, status: "failed" };
  assert.equal(serving(judged(false), over), "no");
  assert.equal(serving(judged(false, { serving: true }), over), "yes", "a verdict is history then");
  assert.equal(serving(judged(false, { serving: true }), deployment), "no", "while it is judged");
});

test("[L2] an update leaves what serves alone while a drained one's replacement is not proven", () => {
  const harness = new Harness({ nodes: 4 });
  const job = rollingJob({ count: 3, update: { maxParallel: 1 } });
  harness.register(job);
  harness.rollToEnd(job);
  const moved = harness.live(job)[2];
  assert.ok(moved);
  harness.update(moved, { desiredTransition: { ...moved.desiredTransition, migrate: true } });
  harness.evaluate(job);
  const next = harness.live(job).find((alloc) => alloc.clientStatus === "pending");
  assert.ok(next);
  assert.equal(next.deploymentId, "", "its deployment has succeeded");
  harness.run(next, null);
  const { plan } = harness.register(
    rollingJob({ count: 3, image: "2", update: { maxParallel: 1 } }),
  );
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
});

/** Two serve and one is not heard of; the last is of a version that is to be replaced. */
function outOfReach() {
  const disconnect = { ...PATIENT, replace: false };
  const change = { count: 3, update: { maxParallel: 1 }, group: { disconnect } };
  const harness = new Harness({ nodes: 4 });
  const job = rollingJob(change);
  harness.register(job);
  harness.rollToEnd(job);
  const [first, second, third] = harness.live(job);
  assert.ok(first && second && third);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  return { change, first, harness, job, second };
}

test("[L2] [L3] one out of reach goes first, but only while the others are enough", () => {
  const calm = outOfReach();
  const { plan } = calm.harness.register(rollingJob({ ...calm.change, image: "2" }));
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [calm.first.id],
    "two serve without it",
  );
  const { change, first, harness, job, second } = outOfReach();
  harness.changeNode(second.nodeId, { status: "disconnected" });
  const held = harness.register(rollingJob({ ...change, image: "2" }));
  assert.deepEqual(held.plan.stops, [], "one serves, two must");
  harness.evaluate(job);
  const later = harness.evaluate(job);
  assert.deepEqual(later.plan.stops, [], "nor once they are known to be out of reach");
  const floor = later.waits.find(({ rule }) => rule === Rule.groupServingFloor);
  assert.deepEqual(
    floor?.waitsFor.map(({ id }) => id),
    [first.id, second.id],
  );
});

test("[L3] those that do not serve go first, and still only max_parallel at a time", () => {
  const harness = new Harness();
  const job = rollingJob();
  harness.register(job);
  harness.rollToEnd(job);
  for (const alloc of harness.live(job).slice(2)) harness.run(alloc, false);
  const { plan } = harness.register(rollingJob({ image: "2" }));
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.name),
    ["example.web[2]", "example.web[3]"],
  );
});

test("[L2] nothing that serves is stopped while too few serve", () => {
  const harness = new Harness();
  const job = rollingJob();
  harness.register(job);
  harness.rollToEnd(job);
  const [one, two, three] = harness.live(job);
  assert.ok(one && two && three);
  for (const alloc of [one, two, three]) harness.run(alloc, false);
  const { plan } = harness.register(rollingJob({ image: "2", update: { maxParallel: 4 } }));
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.name),
    [one.name, two.name, three.name, "example.web[3]"],
  );
  const tight = new Harness();
  tight.register(job);
  tight.rollToEnd(job);
  for (const alloc of tight.live(job).slice(0, 2)) tight.run(alloc, false);
  const limited = tight.register(rollingJob({ image: "2" }));
  assert.equal(limited.plan.placements.length, 2);
  assert.deepEqual(tight.evaluate(job).plan.placements, []);
});

test("[L3] a revert takes the newest version back first and keeps what is healthy", () => {
  const harness = new Harness();
  const job = rollingJob({ update: { canary: 1 } });
  harness.register(job);
  harness.rollToEnd(job);
  const kept = harness.live(job).map((alloc) => alloc.id);
  harness.register(rollingJob({ image: "2", update: { canary: 1 } }));
  harness.settle(job);
  harness.promote(job);
  harness.evaluate(job);
  harness.failDeployment(job);
  const { plan } = harness.register(job);
  const desired = plan.annotations?.desiredTgUpdates.web;
  assert.equal(desired?.canary, 0);
  assert.equal(desired?.inPlaceUpdate, harness.live(job).filter((a) => kept.includes(a.id)).length);
  assert.ok(plan.stops.every((stop) => !kept.includes(stop.allocId)));
});
