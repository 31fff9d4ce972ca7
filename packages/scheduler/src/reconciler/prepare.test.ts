/** Make before break (DESIGN §12.3): rules P1 to P6. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, ClientStatus, type Job } from "@drover/model";
import { Harness } from "../testing/harness.ts";
import {
  PATIENT,
  RESCHEDULED_AT_ONCE,
  type RollingOptions,
  rollingGroup,
  rollingJob,
} from "../testing/jobs.ts";

function dockerJob(options: RollingOptions = {}): Job {
  return rollingJob({ driver: "docker", image: "app:1", ...options });
}

/** Six of version 0 run; version 1 has been registered and its images are nowhere. */
function preparing(options: RollingOptions = {}) {
  const harness = new Harness();
  const job = dockerJob(options);
  harness.register(job);
  harness.rollToEnd(job);
  const { plan } = harness.register(dockerJob({ ...options, image: "app:2" }));
  return { harness, job, plan };
}

function prepared(harness: Harness, job: Job): Allocation[] {
  return harness.live(job).filter((alloc) => alloc.phase === "prepare");
}

/** Without those that a plan only begins to prepare. */
function started(plan: { readonly placements: readonly Allocation[] }): string[] {
  return plan.placements.filter((alloc) => alloc.phase === "go").map((alloc) => alloc.id);
}

function stopped(harness: Harness, job: Job): number {
  return harness.all(job).filter((alloc) => alloc.desiredStatus === "stop").length;
}

test("[P1] an old allocation runs on until the image of the new one is there", () => {
  const { harness, job, plan } = preparing();
  assert.deepEqual(plan.stops, []);
  assert.equal(plan.annotations?.desiredTgUpdates.web?.destructiveUpdate, 2);
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.phase, alloc.desiredStatus, alloc.clientStatus]),
    [
      ["prepare", "run", "pending"],
      ["prepare", "run", "pending"],
    ],
  );
  assert.ok(plan.placements.every((alloc) => harness.state.alloc(alloc.previousAllocation)));
  const again = harness.evaluate(job);
  assert.deepEqual([again.plan.stops, again.plan.placements], [[], []]);
  assert.equal(harness.live(job).length, 8);
});

test("[P4] a prepared one starts in the plan that stops its predecessor", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  assert.ok(next);
  harness.update(next, { prepared: true });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => [stop.allocId, stop.desiredDescription]),
    [[next.previousAllocation, "alloc is being updated due to job update"]],
  );
  assert.deepEqual(started(plan), [next.id]);
  assert.equal(harness.rollToEnd(job) > 0, true);
  assert.equal(stopped(harness, job), 6);
});

/** How its node looks when an allocation that was out of reach tells that it runs. */
for (const status of ["ready", "disconnected"]) {
  test(`[P2 L2] one that tells again waits for its successor's images, its node ${status}`, () => {
    const disconnect = {
      lostAfter: 300_000_000_000,
      stopOnClientAfter: null,
      replace: false,
      reconcile: "keep_original",
    };
    const options = { count: 2, update: { maxParallel: 1 }, group: { disconnect } };
    const harness = new Harness();
    const job = dockerJob(options);
    harness.register(job);
    harness.rollToEnd(job);
    const [old] = harness.live(job);
    assert.ok(old);
    harness.changeNode(old.nodeId, { schedulingEligibility: "ineligible" });
    harness.register(dockerJob({ ...options, image: "app:2" }));
    const [next] = prepared(harness, job);
    assert.equal(next?.previousAllocation, old.id);
    assert.notEqual(next.nodeId, old.nodeId);
    harness.changeNode(old.nodeId, { status });
    harness.update(old, {
      clientStatus: ClientStatus.running,
      allocStates: [{ field: 0, value: "unknown", time: harness.now }],
    });
    const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
    assert.deepEqual([plan.stops, plan.placements], [[], []]);
    harness.update(harness.state.alloc(next.id) as Allocation, { prepared: true });
    harness.changeNode(old.nodeId, { status: "ready" });
    const again = harness.evaluate(job);
    assert.deepEqual(started(again.plan), [next.id]);
  });
}

test("[P3 L4] prepared ones take part in the rolling limit", () => {
  const { harness, job } = preparing();
  for (const next of prepared(harness, job)) harness.update(next, { prepared: true });
  const [first, second] = started(harness.evaluate(job).plan);
  assert.ok(first && second);
  const { plan, waits } = harness.evaluate(job);
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  assert.match(waits.map((each) => each.text).join(), /max_parallel = 2 is used up/);
  harness.run(harness.state.alloc(first) as Allocation);
  assert.equal(harness.evaluate(job).plan.placements.length, 1);
});

/** Of the version that is rolled out, whether they have started or not. */
function undecided(harness: Harness, job: Job): Allocation[] {
  const version = harness.state.job(job)?.version;
  return harness
    .live(job)
    .filter(
      (alloc) => alloc.jobVersion === version && (alloc.deploymentStatus?.healthy ?? null) === null,
    );
}

/** Plays on, what only waits for its images first; how many were undecided at once. */
function mostUndecided(harness: Harness, job: Job): number {
  let most = 0;
  for (let step = 0; step < 30; step++) {
    const open = undecided(harness, job);
    most = Math.max(most, open.length);
    const toPrepare = open.find((alloc) => alloc.phase === "prepare" && !alloc.prepared);
    const toJudge = open.find((alloc) => alloc.phase === "go");
    if (toPrepare) harness.update(toPrepare, { prepared: true });
    else if (toJudge) harness.run(toJudge);
    harness.evaluate(job);
  }
  assert.equal(harness.state.deploymentsByJob(job)[0]?.status, "successful");
  return most;
}

test("[L1 P3] at most max_parallel of the new version are undecided, prepared ones included", () => {
  const { harness, job } = preparing();
  assert.equal(mostUndecided(harness, job), 2);
});

test("[L1 P3] no more are undecided where nobody serves and L2 holds nothing back", () => {
  const { harness, job } = preparing();
  for (const old of harness.live(job)) if (old.jobVersion === 0) harness.run(old, false);
  assert.equal(mostUndecided(harness, job), 2);
});

for (const [what, smaller] of [
  ["a lower max_parallel", { update: { maxParallel: 1 } }],
  ["a lower count", { count: 3, update: { maxParallel: 1 } }],
] as const) {
  test(`[L1 P2] ${what} holds at once for what is prepared and what has started`, () => {
    const { harness, job } = preparing({ update: { maxParallel: 3 } });
    const [first, second] = prepared(harness, job);
    assert.ok(first && second);
    harness.update(first, { prepared: true });
    assert.deepEqual(started(harness.evaluate(job).plan), [first.id]);
    harness.update(second, { prepared: true });
    harness.register(dockerJob({ image: "app:2", ...smaller }));
    assert.equal(mostUndecided(harness, job), 1);
  });
}

test("[L1] a pair waits for its turn while what had to be replaced uses the limit up", () => {
  const { harness, job } = preparing({ group: { reschedulePolicy: RESCHEDULED_AT_ONCE } });
  const pairs = prepared(harness, job);
  const taken = new Set(pairs.map((next) => next.previousAllocation));
  const others = harness
    .live(job)
    .filter(({ id, jobVersion }) => jobVersion === 0 && !taken.has(id));
  for (const old of others.slice(0, 2)) {
    const desiredTransition = { ...old.desiredTransition, reschedule: true };
    harness.fail(old, { desiredTransition });
  }
  const [one, two] = started(harness.evaluate(job).plan);
  assert.ok(one && two);
  for (const next of pairs) {
    harness.update(next, { prepared: true });
    // To stop what does not serve is free of L2.
    harness.run(harness.state.alloc(next.previousAllocation) as Allocation, false);
  }
  const held = harness.evaluate(job);
  assert.deepEqual([held.plan.stops, held.plan.placements], [[], []]);
  harness.run(harness.state.alloc(one) as Allocation);
  assert.equal(started(harness.evaluate(job).plan).length, 1);
});

test("[L1] an unhealthy one lets no prepared pair start", () => {
  const { harness, job } = preparing();
  const [first, second] = prepared(harness, job);
  assert.ok(first && second);
  harness.update(first, { prepared: true });
  assert.deepEqual(started(harness.evaluate(job).plan), [first.id]);
  harness.run(first, false);
  harness.update(second, { prepared: true });
  const { plan } = harness.evaluate(job);
  assert.deepEqual([plan.placements, plan.stops], [[], []]);
});

test("[P1] an image that the node has reported needs no preparation", () => {
  const harness = new Harness();
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  for (const node of [...harness.state.nodes()]) {
    harness.changeNode(node.id, { images: { "app:2": "sha256:2" } });
  }
  const { plan } = harness.register(dockerJob({ image: "app:2" }));
  assert.equal(plan.stops.length, 2);
  assert.ok(plan.placements.every((alloc) => alloc.phase === "go"));
});

test("[P1] a tag that has moved since the version ran is fetched again", () => {
  const harness = new Harness();
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  for (const node of [...harness.state.nodes()]) {
    harness.changeNode(node.id, { images: { "app:2": "sha256:moved" } });
  }
  const imageDigests = { "app:2": "sha256:2" };
  const { plan } = harness.register(dockerJob({ image: "app:2", job: { imageDigests } }));
  assert.ok(plan.placements.every((alloc) => alloc.phase === "prepare"));
});

test("[P1] first placements start at once", () => {
  const harness = new Harness();
  const { plan } = harness.register(dockerJob());
  assert.ok(plan.placements.every((alloc) => alloc.phase === "go"));
});

test("[P2] a deployment that fails gives its prepared ones up and keeps the old ones", () => {
  const { harness, job } = preparing();
  const pending = prepared(harness, job);
  const [bad] = pending;
  assert.ok(bad);
  harness.fail(bad, { unretryableError: "no such image" });
  harness.failDeployment(job);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId).toSorted(),
    pending.map((alloc) => alloc.id).toSorted(),
  );
  assert.deepEqual(plan.placements, []);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 0));
  assert.equal(harness.live(job).length, 6);
});

test("[P2] a newer version gives up what the older one prepared, and rolls on from the old ones", () => {
  const { harness, job } = preparing();
  const before = prepared(harness, job).map((alloc) => alloc.id);
  const { plan } = harness.register(dockerJob({ image: "app:3" }));
  assert.deepEqual(plan.stops.map((stop) => stop.allocId).toSorted(), before.toSorted());
  assert.equal(plan.placements.length, 2);
  assert.ok(plan.placements.every((alloc) => alloc.jobVersion === 2));
});

test("[P2] a revert in the middle of preparing touches nothing that runs", () => {
  const { harness, job } = preparing();
  const before = harness.live(job).filter((alloc) => alloc.jobVersion === 0);
  harness.failDeployment(job, "Failed - rolling back to job version 0");
  const { plan } = harness.register({ ...dockerJob(), stable: true });
  assert.equal(plan.stops.length, 2);
  assert.equal(plan.placements.length, 6);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.id).toSorted(),
    before.map((alloc) => alloc.id).toSorted(),
  );
  assert.equal(plan.deployment?.autoTransitionsLeft, 0);
});

test("[P5] the new one starts at once when the old one has ended", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  const old = next && harness.state.alloc(next.previousAllocation);
  assert.ok(next && old);
  harness.update(old, { clientStatus: ClientStatus.failed });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(started(plan), [next.id]);
  assert.equal(harness.live(job).length, 6 - 1 + prepared(harness, job).length + 1);
});

test("[P5] the new one starts at once when the old one must leave its node", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  const old = next && harness.state.alloc(next.previousAllocation);
  assert.ok(next && old);
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: true } });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => [stop.allocId, stop.desiredDescription]),
    [[old.id, "alloc is being migrated"]],
  );
  assert.deepEqual(started(plan), [next.id]);
});

test("[P6 L5] a pair that the limit holds back gives its place to one that does not serve", () => {
  const { harness, job } = preparing({ count: 2, update: { maxParallel: 1 } });
  const [next] = prepared(harness, job);
  const other = harness
    .live(job)
    .find((a) => a.phase !== "prepare" && a.id !== next?.previousAllocation);
  assert.ok(next && other);
  harness.run(other, false);
  harness.update(next, { prepared: true });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.name),
    [other.name],
  );
});

test("[P6 L5] a pair that the floor holds back gives its place to one out of reach", () => {
  const disconnect = { ...PATIENT, replace: false };
  const { harness, job } = preparing({
    count: 3,
    update: { maxParallel: 1 },
    group: { disconnect },
  });
  const [next] = prepared(harness, job);
  const away = harness
    .live(job)
    .find(({ id, nodeId }) => id !== next?.previousAllocation && nodeId !== next?.nodeId);
  assert.ok(next && away);
  harness.changeNode(away.nodeId, { status: "disconnected" });
  harness.update(next, { prepared: true });
  const { plan } = harness.evaluate(job);
  const stops = (made: typeof plan) => made.stops.map((stop) => stop.allocId);
  assert.deepEqual(stops(plan), [next.id]);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.previousAllocation),
    [away.id],
  );
  harness.settle(job);
  assert.deepEqual(stops(harness.evaluate(job).plan), [away.id]);
});

test("[P3] a pair on one node holds capacity once", () => {
  const harness = new Harness({ nodes: 1 });
  const [node] = [...harness.state.nodes()];
  assert.ok(node);
  const resources = { ...node.nodeResources, memory: { memoryMb: 64 * 6 } };
  harness.changeNode(node.id, { nodeResources: resources });
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  const { plan } = harness.register(dockerJob({ image: "app:2" }));
  assert.equal(plan.placements.length, 2);
  harness.rollToEnd(job);
});

test("[P3] scaling a prepared name away stops both of the pair", () => {
  const { harness, job } = preparing({ count: 2, update: { maxParallel: 2 } });
  const result = harness.register(
    dockerJob({ image: "app:2", count: 1, update: { maxParallel: 2 } }),
  );
  assert.equal(harness.live(job).filter((alloc) => alloc.phase !== "prepare").length, 1);
  assert.ok(result.plan.stops.length >= 3);
});

test("[P7] a preparation that failed for a passing reason is tried again after the delay", () => {
  const { harness, job } = preparing({ count: 1, update: { maxParallel: 1 } });
  const [next] = prepared(harness, job);
  assert.ok(next);
  const failed = harness.fail(next);
  const before = harness.evaluate(job);
  assert.deepEqual([before.plan.stops, before.plan.placements, before.followups], [[], [], []]);
  const marked = { ...failed.desiredTransition, reschedule: true };
  harness.update(failed, { desiredTransition: marked });
  const waiting = harness.evaluate(job);
  assert.deepEqual([waiting.plan.stops, waiting.plan.placements], [[], []]);
  const [followup] = waiting.followups;
  assert.equal((followup?.waitUntil ?? 0) - harness.now, 30_000);
  assert.deepEqual(harness.evaluate(job).followups, []);
  harness.now += 30_000;
  const again = harness.evaluate(job, { id: followup?.id ?? "" });
  assert.deepEqual(
    again.plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
  const [retry] = again.plan.placements;
  assert.equal(retry?.phase, "prepare");
  assert.equal(retry?.previousAllocation, next.previousAllocation);
  assert.equal(retry?.rescheduleTracker?.events[0]?.prevAllocId, next.id);
  harness.rollToEnd(job);
});

test("[P7] a preparation that its client has ended by itself is begun anew", () => {
  const { harness, job } = preparing({ count: 1, update: { maxParallel: 1 } });
  const [next] = prepared(harness, job);
  assert.ok(next);
  harness.update(next, { clientStatus: "complete" });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.phase, alloc.previousAllocation]),
    [["prepare", next.previousAllocation]],
  );
  assert.equal(plan.placements[0]?.rescheduleTracker, null, "nothing has failed");
});

test("[P7] a failed preparation does not hold the slot of one that has ended, too", () => {
  const { harness, job } = preparing({ count: 1, update: { maxParallel: 1 } });
  const [next] = prepared(harness, job);
  const old = next && harness.state.alloc(next.previousAllocation);
  assert.ok(next && old);
  harness.fail(next);
  harness.fail(old);
  harness.now += 60_000;
  const { plan } = harness.evaluate(job);
  assert.ok(plan.stops.some((stop) => stop.allocId === next.id));
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.previousAllocation),
    [old.id],
  );
});

test("[R1] an allocation whose replacement was given up is replaced like any other when it fails", () => {
  const { harness, job } = preparing({ count: 2 });
  harness.failDeployment(job);
  harness.evaluate(job);
  const [old] = harness.live(job);
  assert.ok(old);
  assert.equal(old.nextAllocation, "");
  harness.fail(old);
  const { followups, plan } = harness.evaluate(job);
  assert.deepEqual(plan.placements, []);
  assert.equal(followups[0]?.triggeredBy, "alloc-reschedule");
});

test("[P2] a pair whose new node is drained is given up", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  assert.ok(next);
  const drainStrategy = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 };
  harness.changeNode(next.nodeId, { drainStrategy, schedulingEligibility: "ineligible" });
  const { plan } = harness.evaluate(job);
  assert.ok(plan.stops.some((stop) => stop.allocId === next.id));
  assert.ok(plan.placements.every((alloc) => alloc.nodeId !== next.nodeId));
});

test("[P1] a group without an update strategy prepares beside one that has a deployment", () => {
  const harness = new Harness();
  const build = (image: string) => {
    const free = rollingGroup({ name: "free", count: 2, driver: "docker", image, update: null });
    const watched = rollingGroup({ count: 2, driver: "docker", image });
    return rollingJob({ job: { taskGroups: [watched, free] } });
  };
  const job = build("app:1");
  harness.register(job);
  harness.rollToEnd(job);
  const { plan } = harness.register(build("app:2"));
  assert.equal(plan.placements.length, 4);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});

test("[P2] a prepared one on a node that went down is lost, and another is prepared", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  assert.ok(next);
  harness.changeNode(next.nodeId, { status: "down" });
  const { plan } = harness.evaluate(job);
  const stop = plan.stops.find((each) => each.allocId === next.id);
  assert.equal(stop?.clientStatus, "lost");
  assert.ok(!plan.placements.some((alloc) => alloc.id === next.id));
});

test("[P2] a prepared one that is told to migrate is given up", () => {
  const { harness, job } = preparing();
  const [next] = prepared(harness, job);
  assert.ok(next);
  harness.update(next, { desiredTransition: { ...next.desiredTransition, migrate: true } });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.phase),
    ["prepare"],
  );
});
