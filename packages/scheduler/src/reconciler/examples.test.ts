/** The worked examples of spec §3.15, under the rolling limit of DESIGN §7. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, DeploymentStatus, type DesiredUpdates, type Job } from "@drover/model";
import type { SchedulerResult } from "../scheduler.ts";
import { Harness } from "../testing/harness.ts";
import { rollingGroup, rollingJob } from "../testing/jobs.ts";

/** The counts that are not zero. */
function counts(result: SchedulerResult, group = "web"): Partial<DesiredUpdates> {
  const desired = result.plan.annotations?.desiredTgUpdates[group] ?? {};
  return Object.fromEntries(Object.entries(desired).filter(([, count]) => count !== 0));
}

function names(allocs: readonly Allocation[]): string[] {
  return allocs.map((alloc) => alloc.name.replace("example.web", ""));
}

function stopNames(harness: Harness, result: SchedulerResult): string[] {
  return names(result.plan.stops.map((stop) => harness.state.alloc(stop.allocId) as Allocation));
}

/** A harness on which `job` runs, healthy and stable. */
function running(job: Job): Harness {
  const harness = new Harness();
  harness.register(job);
  harness.rollToEnd(job);
  return harness;
}

function deploymentOf(harness: Harness, job: Job) {
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.ok(deployment);
  return deployment;
}

function webOf(harness: Harness, job: Job) {
  const part = deploymentOf(harness, job).taskGroups.web;
  assert.ok(part);
  return part;
}

test("[L1 L2] A rolls two at a time and never stops more than it may", () => {
  const job = rollingJob();
  const harness = new Harness();
  const first = harness.register(job);
  assert.deepEqual(counts(first), { place: 6 });
  assert.equal(webOf(harness, job).desiredTotal, 6);
  harness.rollToEnd(job);
  assert.equal(deploymentOf(harness, job).status, DeploymentStatus.successful);
  assert.equal(harness.state.job(job)?.stable, true);

  const second = harness.register(rollingJob({ image: "2" }));
  assert.deepEqual(counts(second), { destructiveUpdate: 2, ignore: 4 });
  assert.deepEqual(names(second.plan.placements as Allocation[]), ["[0]", "[1]"]);
  assert.equal(webOf(harness, job).placedAllocs, 2);

  const [one] = second.plan.placements;
  assert.ok(one);
  harness.run(one);
  const third = harness.evaluate(job);
  assert.deepEqual(names(third.plan.placements as Allocation[]), ["[2]"]);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
  assert.equal(harness.state.job(job)?.stable, true);
});

test("[T6] A the deployment's deadline runs from its creation", () => {
  const job = rollingJob({ update: { progressDeadline: 600_000_000_000 } });
  const harness = new Harness();
  harness.register(job);
  assert.equal(webOf(harness, job).requireProgressBy, harness.now + 600_000);
});

test("[L1] B an unhealthy allocation holds the roll until it is replaced and healthy", () => {
  const job = rollingJob();
  const harness = running(job);
  const { plan } = harness.register(rollingJob({ image: "2" }));
  const [bad, good] = plan.placements as Allocation[];
  assert.ok(bad && good);
  harness.run(good);
  harness.fail(bad);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);

  harness.update(bad, { desiredTransition: { ...bad.desiredTransition, reschedule: true } });
  const waiting = harness.evaluate(job);
  assert.equal(waiting.plan.placements.length, 0);
  assert.equal(waiting.followups[0]?.triggeredBy, "alloc-reschedule");
  harness.now += 30_000;
  const followup = waiting.followups[0];
  assert.ok(followup);
  const replaced = harness.evaluate(job, { id: followup.id });
  assert.deepEqual(stopNames(harness, replaced).toSorted(), ["[0]", "[2]"]);
  assert.deepEqual(counts(replaced), {
    place: 1,
    rescheduleNow: 1,
    destructiveUpdate: 1,
    ignore: 4,
  });
  const again = replaced.plan.placements.find((alloc) => alloc.previousAllocation === bad.id);
  assert.equal(again?.rescheduleTracker?.events.length, 1);
});

test("[G15 S2] C canaries run beside the old ones until they are promoted", () => {
  const job = rollingJob({ count: 5 });
  const harness = running(job);
  const next = rollingJob({ count: 5, image: "2", update: { canary: 2 } });
  const first = harness.register(next);
  assert.deepEqual(counts(first), { canary: 2, ignore: 5 });
  assert.deepEqual(names(first.plan.placements as Allocation[]), ["[0]", "[1]"]);
  const deployment = deploymentOf(harness, job);
  assert.equal(deployment.statusDescription, "Deployment is running but requires manual promotion");
  assert.equal(deployment.taskGroups.web?.desiredTotal, 5);
  assert.equal(deployment.taskGroups.web?.desiredCanaries, 2);
  assert.equal(deployment.taskGroups.web?.placedCanaries.length, 2);
  assert.equal(harness.live(job).length, 7);

  harness.settle(job);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  harness.promote(job);
  const promoted = harness.evaluate(job);
  assert.deepEqual(stopNames(harness, promoted).toSorted(), ["[0]", "[1]", "[2]", "[3]"]);
  assert.deepEqual(counts(promoted), { stop: 2, destructiveUpdate: 2, ignore: 3 });
  harness.rollToEnd(job);
  assert.equal(harness.live(job).length, 5);
});

test("[G15] a canary that ended before anybody judged it is placed anew", () => {
  const job = rollingJob({ count: 3 });
  const harness = running(job);
  const first = harness.register(rollingJob({ count: 3, image: "2", update: { canary: 2 } }));
  const [ended, other] = first.plan.placements as Allocation[];
  assert.ok(ended && other);
  harness.settle(job);
  harness.update(ended, {
    clientStatus: "complete",
    deploymentStatus: { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 },
  });
  const again = harness.evaluate(job).plan;
  assert.deepEqual(names(again.placements as Allocation[]), ["[0]"]);
  assert.equal(again.placements[0]?.deploymentStatus?.canary, true);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  harness.settle(job);
  harness.promote(job);
  harness.rollToEnd(job);
  assert.equal(deploymentOf(harness, job).status, "successful");
  assert.equal(harness.live(job).length, 3);
});

test("[G16] canaries that found no room are placed later, though nothing old is left", () => {
  const job = rollingJob({ count: 2 });
  const harness = running(job);
  const old = harness.live(job);
  for (const { id } of harness.state.nodes())
    harness.changeNode(id, { schedulingEligibility: "ineligible" });
  harness.register(rollingJob({ count: 2, image: "2", update: { canary: 2 } }));
  for (const alloc of old) {
    harness.update(alloc, { desiredStatus: "stop", clientStatus: "lost" });
  }
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  for (const { id } of harness.state.nodes())
    harness.changeNode(id, { schedulingEligibility: "eligible" });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.deploymentStatus?.canary),
    [true, true],
  );
  harness.settle(job);
  harness.promote(job);
  harness.rollToEnd(job);
  assert.equal(deploymentOf(harness, job).status, "successful");
});

test("[G5] a newer version stops the canaries of the one before", () => {
  const job = rollingJob({ count: 3 });
  const harness = running(job);
  const first = harness.register(rollingJob({ count: 3, image: "2", update: { canary: 1 } }));
  assert.equal(first.plan.placements.length, 1);
  const next = harness.register(rollingJob({ count: 3, image: "3", update: { canary: 1 } }));
  assert.deepEqual(
    next.plan.stops.map((stop) => stop.allocId),
    first.plan.placements.map((alloc) => alloc.id),
  );
  assert.deepEqual(counts(next), { canary: 1, stop: 1, ignore: 3 });
});

test("[G16] a revert to a stable specification needs no canaries", () => {
  const spec = (image: string) => rollingJob({ count: 3, image, update: { canary: 1 } });
  const harness = running(spec("1"));
  const job = spec("2");
  assert.equal(counts(harness.register(job)).canary, 1);
  harness.settle(job);
  harness.promote(job);
  harness.rollToEnd(job);
  const back = harness.register(spec("1"));
  assert.equal(counts(back).canary, undefined);
  assert.ok((counts(back).destructiveUpdate ?? 0) > 0);
  assert.equal(webOf(harness, job).desiredCanaries, 0);
});

test("[G15] C more canaries than the count are placed in two steps", () => {
  const job = rollingJob({ count: 2 });
  const harness = running(job);
  const first = harness.register(rollingJob({ count: 2, image: "2", update: { canary: 3 } }));
  assert.equal(first.plan.placements.length, 2);
  harness.settle(job);
  const second = harness.evaluate(job);
  assert.deepEqual(names(second.plan.placements as Allocation[]), ["[2]"]);
  harness.settle(job);
  harness.promote(job);
  const promoted = harness.evaluate(job);
  assert.deepEqual(stopNames(harness, promoted).toSorted(), ["[0]", "[1]", "[2]"]);
});

test("[N1 L1] D new names come first and use up the limit", () => {
  const job = rollingJob({ count: 4, update: { maxParallel: 1 } });
  const harness = running(job);
  const next = rollingJob({ count: 6, image: "2", update: { maxParallel: 1 } });
  const first = harness.register(next);
  assert.deepEqual(counts(first), { place: 2, ignore: 4 });
  assert.equal(webOf(harness, job).desiredTotal, 6);
  const [one, two] = first.plan.placements as Allocation[];
  assert.ok(one && two);
  harness.run(one);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  harness.run(two);
  assert.deepEqual(names(harness.evaluate(job).plan.placements as Allocation[]), ["[0]"]);
  harness.rollToEnd(job);
});

test("[S4] E the highest names go when the count falls", () => {
  const job = rollingJob();
  const harness = running(job);
  const first = harness.register(rollingJob({ count: 4, image: "2" }));
  assert.deepEqual(counts(first), { stop: 2, destructiveUpdate: 2, ignore: 2 });
  assert.deepEqual(stopNames(harness, first).toSorted(), ["[0]", "[1]", "[4]", "[5]"]);
  assert.equal(webOf(harness, job).desiredTotal, 4);
  harness.rollToEnd(job);
});

test("[G18 T4] F a paused deployment replaces what is lost and nothing else", () => {
  const job = rollingJob({ count: 3 });
  const harness = running(job);
  harness.register(rollingJob({ count: 3, image: "2" }));
  harness.pause(job);
  const old = harness.live(job).find((alloc) => alloc.jobVersion === 0);
  assert.ok(old);
  harness.nodeDown(old.nodeId);
  const result = harness.evaluate(job);
  assert.equal(counts(result).destructiveUpdate, undefined);
  const lost = result.plan.stops.filter((stop) => stop.clientStatus === "lost");
  assert.equal(result.plan.placements.length, lost.length);
  assert.ok(lost.length > 0);
});

test("[T5 G14] G an unchanged group is updated in place and takes part in the deployment", () => {
  const other = rollingGroup({ name: "side", count: 2 });
  const build = (image: string) =>
    rollingJob({ job: { taskGroups: [rollingGroup({ image }), other] } });
  const job = build("1");
  const harness = running(job);
  const result = harness.register(build("2"));
  assert.deepEqual(counts(result), { destructiveUpdate: 2, ignore: 4 });
  assert.deepEqual(counts(result, "side"), { inPlaceUpdate: 2 });
  assert.equal(deploymentOf(harness, job).taskGroups.side?.desiredTotal, 2);
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});

test("[G19 T3 T4] H a failed deployment freezes its own allocations, and new versions start over", () => {
  const job = rollingJob();
  const harness = running(job);
  const { plan } = harness.register(rollingJob({ image: "2" }));
  const [bad] = plan.placements as Allocation[];
  assert.ok(bad);
  harness.fail(bad);
  harness.failDeployment(job);
  harness.now += 3_600_000;
  assert.deepEqual(harness.evaluate(job).plan.placements, []);

  const old = harness.live(job).find((alloc) => alloc.jobVersion === 0);
  assert.ok(old);
  harness.fail(old);
  harness.now += 3_600_000;
  const replaced = harness.evaluate(job);
  assert.equal(replaced.plan.placements[0]?.jobVersion, 1);
  assert.equal(replaced.plan.placements[0]?.deploymentId, "");

  const third = harness.register(rollingJob({ image: "3" }));
  assert.deepEqual(counts(third), {
    place: 1,
    rescheduleNow: 1,
    destructiveUpdate: 1,
    ignore: 4,
  });
  assert.notEqual(third.plan.deployment, null);
});

test("max_parallel 0 replaces everything at once, without a deployment", () => {
  const job = rollingJob({ update: { maxParallel: 0 } });
  const harness = new Harness();
  harness.register(job);
  harness.settle(job);
  const result = harness.register(rollingJob({ image: "2", update: { maxParallel: 0 } }));
  assert.deepEqual(counts(result), { destructiveUpdate: 6 });
  assert.equal(result.plan.deployment, null);
});

test("a count increase alone updates in place and waits for health again", () => {
  const job = rollingJob({ count: 2 });
  const harness = running(job);
  const result = harness.register(rollingJob({ count: 3 }));
  assert.deepEqual(counts(result), { place: 1, inPlaceUpdate: 2 });
  assert.equal(webOf(harness, job).desiredTotal, 3);
  harness.rollToEnd(job);
});

test("an unchanged job is left alone", () => {
  const job = rollingJob();
  const harness = running(job);
  const result = harness.evaluate(job);
  assert.deepEqual(counts(result), { ignore: 6 });
  assert.deepEqual(result.plan.stops, []);
  assert.equal(result.plan.deployment, null);
});

test("[J1 T1] stopping the job stops everything and cancels its deployment", () => {
  const job = rollingJob();
  const harness = running(job);
  harness.register(rollingJob({ image: "2" }));
  const result = harness.register({ ...rollingJob({ image: "2" }), stop: true });
  assert.equal(result.plan.stops.length, 6);
  assert.deepEqual(
    result.plan.deploymentUpdates.map((update) => update.statusDescription),
    ["Cancelled because job is stopped"],
  );
});

test("[T2] a newer version cancels the deployment of the older one", () => {
  const job = rollingJob();
  const harness = running(job);
  harness.register(rollingJob({ image: "2" }));
  const result = harness.register(rollingJob({ image: "3" }));
  assert.equal(result.plan.deploymentUpdates[0]?.status, DeploymentStatus.cancelled);
  assert.equal(counts(result).destructiveUpdate, 2);
});

test("[L3] a version in the middle of another takes over what does not serve yet", () => {
  const job = rollingJob();
  const harness = running(job);
  const second = harness.register(rollingJob({ image: "2" }));
  for (const alloc of second.plan.placements) harness.run(alloc, null);
  const third = harness.register(rollingJob({ image: "3" }));
  assert.deepEqual(stopNames(harness, third).toSorted(), ["[0]", "[1]"]);
  const serving = harness
    .live(job)
    .filter((alloc) => alloc.clientStatus === "running" && alloc.deploymentStatus?.healthy);
  assert.equal(serving.length, 4);
});

test("[T7] the deployment succeeds with the last healthy allocation and not before", () => {
  const job = rollingJob({ count: 3 });
  const harness = new Harness();
  harness.register(job);
  for (const alloc of harness.live(job)) {
    assert.deepEqual(harness.evaluate(job).plan.deploymentUpdates, []);
    harness.run(alloc, null);
    assert.deepEqual(harness.evaluate(job).plan.deploymentUpdates, []);
    harness.run(alloc);
  }
  const { plan } = harness.evaluate(job);
  assert.deepEqual(plan.deploymentUpdates, [
    {
      deploymentId: deploymentOf(harness, job).id,
      status: "successful",
      statusDescription: "Deployment completed successfully",
    },
  ]);
  assert.deepEqual(harness.evaluate(job).plan.deploymentUpdates, []);
});

test("[T7] more canaries than the group's count do not keep the deployment from its end", () => {
  const job = (image: string) => rollingJob({ count: 2, image, update: { canary: 3 } });
  const harness = new Harness();
  harness.register(job("1"));
  harness.settle(job("1"));
  harness.evaluate(job("1"));
  harness.register(job("2"));
  for (let round = 0; round < 2; round++) {
    harness.settle(job("2"));
    harness.evaluate(job("2"));
  }
  assert.equal(deploymentOf(harness, job("2")).taskGroups.web?.placedCanaries.length, 3);
  harness.promote(job("2"));
  const [gone] = harness.live(job("2")).filter((alloc) => alloc.jobVersion === 1);
  assert.ok(gone);
  harness.update(gone, { desiredStatus: "stop", clientStatus: "complete" });
  for (let round = 0; round < 4; round++) {
    harness.settle(job("2"));
    harness.evaluate(job("2"));
  }
  assert.equal(harness.live(job("2")).length, 2);
  assert.equal(deploymentOf(harness, job("2")).status, "successful");
});

test("[T7] an allocation that was healthy and ended does not count", () => {
  const job = rollingJob({ count: 2 });
  const harness = new Harness();
  harness.register(job);
  harness.settle(job);
  const [one] = harness.live(job);
  assert.ok(one);
  harness.update(one, { clientStatus: "failed" });
  assert.deepEqual(harness.evaluate(job).plan.deploymentUpdates, []);
});

test("[G14] an ended allocation is left as it is by a change that would not replace it", () => {
  const job = rollingJob({ count: 1, group: { reschedulePolicy: null } });
  const harness = running(job);
  const [one] = harness.live(job);
  assert.ok(one);
  harness.fail(one);
  const changed = { ...job, priority: 70 };
  const result = harness.register(changed);
  assert.deepEqual(counts(result), { ignore: 1 });
  const replaced = harness.register(
    rollingJob({ count: 1, image: "2", group: { reschedulePolicy: null } }),
  );
  assert.equal(counts(replaced).destructiveUpdate, 1);
});
