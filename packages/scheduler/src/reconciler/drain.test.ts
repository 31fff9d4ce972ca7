/** Make before break when a node is drained (DESIGN §12.3): rule P8. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type DrainStrategy,
  EvalTrigger,
  type Job,
  type Plan,
} from "@drover/model";
import { Harness } from "../testing/harness.ts";
import { type RollingOptions, rollingJob } from "../testing/jobs.ts";

const DRAIN: DrainStrategy = {
  deadline: 0,
  ignoreSystemJobs: false,
  forceDeadline: 0,
  startedAt: 0,
};
const NO_IMAGE = { unretryableError: "no such image" };

function dockerJob(options: RollingOptions = {}): Job {
  return rollingJob({ driver: "docker", image: "app:1", count: 3, ...options });
}

/** Everything runs; one node drains, and the drainer has marked the first it holds. */
function draining(options: RollingOptions = {}, drain: Partial<DrainStrategy> = {}) {
  const harness = new Harness({ nodes: 4 });
  const job = dockerJob(options);
  harness.register(job);
  harness.rollToEnd(job);
  return { harness, job, ...drainOne(harness, job, drain) };
}

function drainOne(harness: Harness, job: Job, drain: Partial<DrainStrategy> = {}) {
  const old = harness.live(job)[0] as Allocation;
  harness.changeNode(old.nodeId, {
    drainStrategy: { ...DRAIN, ...drain },
    schedulingEligibility: "ineligible",
  });
  mark(harness, old);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  return { old, plan };
}

function mark(harness: Harness, alloc: Allocation): void {
  harness.update(alloc, { desiredTransition: { ...alloc.desiredTransition, migrate: true } });
}

function preparing(harness: Harness, job: Job): Allocation {
  const found = harness.live(job).filter((alloc) => alloc.phase === "prepare");
  assert.equal(found.length, 1);
  return found[0] as Allocation;
}

const stopsOf = (plan: { stops: readonly { allocId: string; desiredDescription: string }[] }) =>
  plan.stops.map((stop) => [stop.allocId, stop.desiredDescription]);

/** The plan stops the old one of a drained pair, and the new one starts. */
function assertGoes(plan: Plan, { next, old }: { next: Allocation; old: Allocation }): void {
  assert.deepEqual(stopsOf(plan), [[old.id, "alloc is being migrated"]]);
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.id, alloc.phase]),
    [[next.id, "go"]],
  );
}

test("[P8] a drain stops nothing until the image is on the new node", () => {
  const { harness, job, old, plan } = draining();
  assert.deepEqual(stopsOf(plan), []);
  const next = preparing(harness, job);
  assert.deepEqual([next.previousAllocation, next.name], [old.id, old.name]);
  assert.notEqual(next.nodeId, old.nodeId);
  const again = harness.evaluate(job).plan;
  assert.deepEqual([again.stops, again.placements], [[], []]);
  harness.update(next, { prepared: true });
  const go = harness.evaluate(job).plan;
  assertGoes(go, { old, next });
});

test("[P8] where the new node has the image, a drained one goes at once", () => {
  const harness = new Harness({ nodes: 4 });
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  for (const { id } of [...harness.state.nodes()]) {
    harness.changeNode(id, { images: { "app:1": "sha256:1" } });
  }
  const { old, plan } = drainOne(harness, job);
  assert.deepEqual(stopsOf(plan), [[old.id, "alloc is being migrated"]]);
  assert.ok(plan.placements.every((alloc) => alloc.phase === "go"));
});

test("[P8] without images, as with a driver that has none, a drained one goes at once", () => {
  const { old, plan } = draining({ driver: "mock_driver" });
  assert.deepEqual(stopsOf(plan), [[old.id, "alloc is being migrated"]]);
});

test("[P8] at the drain's deadline the old one stops, whether the image is there or not", () => {
  const { harness, job, old } = draining({}, { forceDeadline: Number.MAX_SAFE_INTEGER });
  const next = preparing(harness, job);
  const drainStrategy = { ...DRAIN, forceDeadline: harness.now + 1000 };
  harness.changeNode(old.nodeId, { drainStrategy });
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.now += 1000;
  const { plan } = harness.evaluate(job);
  assertGoes(plan, { old, next });
});

test("[P8] a drain that is forced, or has ended, waits for no image", () => {
  const forced = draining({}, { deadline: -1 });
  assert.deepEqual(stopsOf(forced.plan), [[forced.old.id, "alloc is being migrated"]]);
  const { harness, job, old } = draining();
  harness.changeNode(old.nodeId, { drainStrategy: null });
  assert.deepEqual(stopsOf(harness.evaluate(job).plan), [[old.id, "alloc is being migrated"]]);
});

test("[P8] an allocation that an operator stops does not wait for an image", () => {
  const harness = new Harness({ nodes: 4 });
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  const old = harness.live(job)[0] as Allocation;
  mark(harness, old);
  assert.deepEqual(stopsOf(harness.evaluate(job).plan), [[old.id, "alloc is being migrated"]]);
});

test("[P8] an image that does not exist keeps the old one and is not tried in a loop", () => {
  const { harness, job, old } = draining();
  harness.fail(preparing(harness, job), NO_IMAGE);
  for (let round = 0; round < 3; round++) {
    const { plan } = harness.evaluate(job);
    assert.deepEqual([plan.stops, plan.placements], [[], []]);
  }
  assert.equal(harness.state.alloc(old.id)?.desiredStatus, "run");
  harness.changeNode(old.nodeId, { drainStrategy: { ...DRAIN, deadline: -1 } });
  const { plan } = harness.evaluate(job);
  assert.ok(plan.stops.some((stop) => stop.allocId === old.id));
  assert.equal(plan.placements.length, 1);
  assert.equal(plan.placements[0]?.phase, "go");
});

test("[P8] a pull that failed for a passing reason is tried again after the delay", () => {
  const { harness, job, old } = draining();
  const next = preparing(harness, job);
  harness.fail(next);
  const waiting = harness.evaluate(job);
  assert.deepEqual([waiting.plan.stops, waiting.plan.placements], [[], []]);
  const [followup] = waiting.followups;
  assert.equal((followup?.waitUntil ?? 0) - harness.now, 30_000);
  harness.now += 30_000;
  const { plan } = harness.evaluate(job, { id: followup?.id ?? "" });
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [next.id],
  );
  const [retry] = plan.placements;
  assert.deepEqual([retry?.phase, retry?.previousAllocation], ["prepare", old.id]);
  assert.equal(retry?.rescheduleTracker?.events[0]?.prevAllocId, next.id);
});

test("[P8] a drain that is called off before the image came moves nothing", () => {
  const { harness, job, old } = draining();
  const next = preparing(harness, job);
  harness.changeNode(old.nodeId, { drainStrategy: null, schedulingEligibility: "eligible" });
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: null } });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(stopsOf(plan), [[next.id, "alloc not needed due to job update"]]);
  assert.deepEqual(plan.placements, []);
});

test("[P8] a new version that comes meanwhile is prepared in place of the old one's", () => {
  const { harness, job, old } = draining();
  const next = preparing(harness, job);
  const { plan } = harness.register(dockerJob({ image: "app:2" }));
  assert.deepEqual(stopsOf(plan), [[next.id, "alloc not needed due to job update"]]);
  const again = plan.placements.find((alloc) => alloc.previousAllocation === old.id);
  assert.deepEqual([again?.phase, again?.jobVersion], ["prepare", 1]);
  assert.equal(harness.state.alloc(old.id)?.desiredStatus, "run");
});

test("[P8] a drain in a paused or failed deployment goes on, one image at a time", () => {
  for (const stand of ["pause", "failDeployment"] as const) {
    const harness = new Harness({ nodes: 4 });
    const job = dockerJob();
    harness.register(job);
    harness.rollToEnd(job);
    harness.register(dockerJob({ image: "app:2", update: { maxParallel: 1 } }));
    harness[stand](job);
    harness.evaluate(job);
    const running = harness.live(job).filter((alloc) => alloc.phase === "go");
    const old = running.at(-1) as Allocation;
    const { drainStrategy } = { drainStrategy: DRAIN };
    harness.changeNode(old.nodeId, { drainStrategy, schedulingEligibility: "ineligible" });
    mark(harness, old);
    assert.deepEqual(
      harness
        .evaluate(job)
        .plan.stops.map((stop) => stop.allocId)
        .includes(old.id),
      false,
    );
    const next = harness
      .live(job)
      .find((alloc) => alloc.previousAllocation === old.id && alloc.phase === "prepare");
    assert.ok(next, stand);
    assert.deepEqual(harness.evaluate(job).plan.placements, []);
    harness.update(next, { prepared: true });
    const { plan } = harness.evaluate(job);
    assert.deepEqual(stopsOf(plan), [[old.id, "alloc is being migrated"]], stand);
  }
});

test("[P8] a drain against canaries keeps the old version and waits for its image", () => {
  const harness = new Harness({ nodes: 4 });
  const job = dockerJob({ update: { canary: 1 } });
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(dockerJob({ image: "app:2", update: { canary: 1 } }));
  const old = harness.live(job).find((alloc) => alloc.jobVersion === 0) as Allocation;
  harness.changeNode(old.nodeId, { drainStrategy: DRAIN, schedulingEligibility: "ineligible" });
  for (const alloc of harness.live(job)) {
    if (alloc.nodeId === old.nodeId && alloc.jobVersion === 1) harness.run(alloc);
  }
  mark(harness, old);
  harness.evaluate(job);
  const next = preparing(harness, job);
  assert.deepEqual([next.previousAllocation, next.jobVersion], [old.id, 0]);
  const again = harness.evaluate(job).plan;
  assert.ok(!again.stops.some((stop) => stop.allocId === next.id || stop.allocId === old.id));
  assert.ok(!again.placements.some((alloc) => alloc.previousAllocation === old.id));
  harness.update(next, { prepared: true });
  const { plan } = harness.evaluate(job);
  assert.ok(plan.stops.some((stop) => stop.allocId === old.id));
  assert.equal(plan.placements.find((alloc) => alloc.id === next.id)?.phase, "go");
});

test("[P8] a pair of an update whose old one is drained goes in a paused deployment, too", () => {
  const harness = new Harness({ nodes: 4 });
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  const [old] = harness.live(job);
  assert.ok(old);
  // So that its successor goes elsewhere (F6).
  harness.changeNode(old.nodeId, { schedulingEligibility: "ineligible" });
  harness.register(dockerJob({ image: "app:2", update: { maxParallel: 1 } }));
  const next = preparing(harness, job);
  assert.equal(next.previousAllocation, old.id);
  harness.pause(job);
  harness.changeNode(old.nodeId, { drainStrategy: DRAIN });
  mark(harness, old);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.update(next, { prepared: true });
  assert.deepEqual(stopsOf(harness.evaluate(job).plan), [[old.id, "alloc is being migrated"]]);
});

test("[P8] scaling down while a drain prepares stops both of the pair", () => {
  const { harness, job, old } = draining({ count: 1, group: { count: 1 } });
  const next = preparing(harness, job);
  const { plan } = harness.register(dockerJob({ count: 1, group: { count: 0 } }));
  const stopped = plan.stops.map((stop) => stop.allocId);
  assert.ok(stopped.includes(old.id) && stopped.includes(next.id));
});

/** Two canaries beside three of version 0; the node of the first one drains, and it is marked. */
function drainingCanary(options: RollingOptions = {}) {
  const harness = new Harness({ nodes: 6 });
  const update = { canary: 2, ...options.update };
  const job = dockerJob({ ...options, update });
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(dockerJob({ ...options, update, image: "app:2" }));
  const [old, other] = canaries(harness, job) as [Allocation, Allocation];
  for (const canary of [old, other]) harness.run(canary);
  harness.changeNode(old.nodeId, { drainStrategy: DRAIN, schedulingEligibility: "ineligible" });
  mark(harness, old);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  return { harness, job, old, other, plan };
}

function canaries(harness: Harness, job: Job): Allocation[] {
  return harness.live(job).filter((alloc) => alloc.deploymentStatus?.canary === true);
}

/** The replacement of a canary, which must be one itself and of its version. */
function moved(harness: Harness, job: Job, old: Allocation): Allocation {
  const found = canaries(harness, job).filter((each) => each.previousAllocation === old.id);
  assert.equal(found.length, 1);
  const next = found[0] as Allocation;
  assert.deepEqual([next.name, next.jobVersion], [old.name, old.jobVersion]);
  assert.notEqual(next.nodeId, old.nodeId);
  return next;
}

test("[P8] a canary that a drain has marked runs on until its image is on the new node", () => {
  const { harness, job, old, plan } = drainingCanary();
  assert.deepEqual(stopsOf(plan), []);
  const next = moved(harness, job, old);
  assert.equal(next.phase, "prepare");
  const again = harness.evaluate(job).plan;
  assert.deepEqual([again.stops, again.placements], [[], []], "no third canary, no surplus");
  harness.update(next, { prepared: true });
  const go = harness.evaluate(job).plan;
  assertGoes(go, { old, next });
  assert.equal(canaries(harness, job).length, 2);
  assert.equal(harness.live(job).length, 5);
});

test("[P8] a canary that is missing is placed beside one that moves", () => {
  const { harness, job, old, other } = drainingCanary();
  harness.nodeDown(other.nodeId);
  harness.evaluate(job);
  const next = moved(harness, job, old);
  const names = canaries(harness, job).filter(({ id }) => id !== old.id && id !== next.id);
  assert.deepEqual([names.length, names[0]?.phase], [1, "go"]);
});

test("[P8] a canary without images, or whose drain is over, leaves at once as any other", () => {
  const bare = drainingCanary({ driver: "mock_driver" });
  assert.deepEqual(stopsOf(bare.plan), [[bare.old.id, "alloc is being migrated"]]);
  assert.equal(moved(bare.harness, bare.job, bare.old).phase, "go");
  const { harness, job, old } = drainingCanary();
  const next = moved(harness, job, old);
  harness.changeNode(old.nodeId, { drainStrategy: { ...DRAIN, deadline: -1 } });
  const { plan } = harness.evaluate(job);
  assertGoes(plan, { old, next });
});

test("[P8] a drain of a canary that is called off moves nothing", () => {
  const { harness, job, old } = drainingCanary();
  const next = moved(harness, job, old);
  harness.changeNode(old.nodeId, { drainStrategy: null, schedulingEligibility: "eligible" });
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: null } });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(stopsOf(plan), [[next.id, "alloc not needed due to job update"]]);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
});

test("[P8] a canary that is promoted while it moves is moved as one of the group", () => {
  const { harness, job, old } = drainingCanary();
  const next = moved(harness, job, old);
  harness.promote(job);
  harness.evaluate(job);
  assert.equal(harness.state.alloc(old.id)?.desiredStatus, "run");
  harness.update(next, { prepared: true });
  assert.ok(harness.evaluate(job).plan.stops.some((stop) => stop.allocId === old.id));
  harness.rollToEnd(job);
  const live = harness.live(job);
  assert.deepEqual([live.length, live.every((alloc) => alloc.jobVersion === 1)], [3, true]);
});

test("[P8] a promoted canary that a drain marks is one of the group", () => {
  const { harness, job, other } = drainingCanary();
  harness.promote(job);
  harness.evaluate(job);
  harness.changeNode(other.nodeId, { drainStrategy: DRAIN, schedulingEligibility: "ineligible" });
  mark(harness, other);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  const moved = plan.placements.filter((alloc) => alloc.previousAllocation === other.id);
  assert.deepEqual(
    moved.map((alloc) => [alloc.name, alloc.phase]),
    [[other.name, "prepare"]],
  );
  assert.deepEqual(
    plan.placements.filter((alloc) => alloc.previousAllocation === ""),
    [],
  );
});

test("[P8] [X6] with max_surge a canary runs on until its replacement is healthy", () => {
  const update = { canary: 2, maxParallel: 1, maxSurge: 1 };
  const { harness, job, old, plan } = drainingCanary({ driver: "mock_driver", update });
  assert.deepEqual(stopsOf(plan), []);
  const next = moved(harness, job, old);
  assert.equal(next.phase, "surge");
  harness.run(next, null);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  assert.equal(harness.live(job).length, 3 + 2 + 1, "count + canaries + surge");
  harness.run(next);
  assert.deepEqual(stopsOf(harness.evaluate(job).plan), [[old.id, "alloc is being migrated"]]);
  assert.equal(canaries(harness, job).length, 2);
});

test("[P8] canaries of a version that is given up go, both of the pair", () => {
  const { harness, job, old } = drainingCanary();
  const next = moved(harness, job, old);
  harness.failDeployment(job);
  const stopped = harness.evaluate(job).plan.stops.map((stop) => stop.allocId);
  assert.ok(stopped.includes(old.id) && stopped.includes(next.id));
});
