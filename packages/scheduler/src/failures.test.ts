/** Nodes that leave, allocations that fail, batch work (spec §3.5, §3.9, §3.10, §3.14). */
import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE } from "@drover/base";
import { type Allocation, ClientStatus, type Job, type TaskGroup } from "@drover/model";
import { mockTaskGroup } from "@drover/model/testing";
import { Harness } from "./testing/harness.ts";
import { PATIENT, type RollingOptions, rollingJob } from "./testing/jobs.ts";

function running(options: RollingOptions = {}, nodes = 3) {
  const harness = new Harness({ nodes });
  const job = rollingJob({ count: 3, ...options });
  harness.register(job);
  harness.rollToEnd(job);
  return { harness, job };
}

function only(allocs: readonly Allocation[], nodeId: string): Allocation {
  const found = allocs.find((alloc) => alloc.nodeId === nodeId);
  assert.ok(found);
  return found;
}

const patient: Partial<TaskGroup> = { disconnect: PATIENT };

/** `first` is out of reach and may come back; another one runs in its place. */
function replacedMeanwhile(options: RollingOptions = {}, nodes = 3) {
  const { harness, job } = running({ group: patient, ...options }, nodes);
  const [first] = harness.live(job);
  assert.ok(first);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  const { followups } = harness.evaluate(job);
  const later = followups.find((each) => each.triggeredBy === "alloc-reschedule");
  assert.ok(later);
  harness.now += 30_000;
  harness.evaluate(job, { id: later.id });
  harness.settle(job);
  return { harness, job, first };
}

test("[S1] an allocation on a node that went down is lost and replaced under its name", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.nodeDown(first.nodeId);
  const { plan } = harness.evaluate(job, { triggeredBy: "node-update" });
  assert.deepEqual(
    plan.stops.map((stop) => [stop.allocId, stop.clientStatus, stop.desiredDescription]),
    [[first.id, "lost", "alloc is lost since its node is down"]],
  );
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.name, alloc.previousAllocation, alloc.deploymentId]),
    [[first.name, first.id, ""]],
  );
  assert.equal(plan.deployment, null);
});

test("[J3] what was told to stop on a node that is gone becomes lost", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.register({ ...job, stop: true });
  harness.nodeDown(first.nodeId);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => [stop.allocId, stop.clientStatus]),
    [[first.id, "lost"]],
  );
});

test("[G21] an allocation told to migrate is stopped and placed elsewhere, paused or not", () => {
  const { harness, job } = running();
  harness.register(rollingJob({ count: 3, image: "2" }));
  harness.pause(job);
  const old = harness.live(job).find((alloc) => alloc.jobVersion === 0);
  assert.ok(old);
  const strategy = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 };
  harness.changeNode(old.nodeId, { drainStrategy: strategy, schedulingEligibility: "ineligible" });
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: true } });
  const { plan } = harness.evaluate(job, { triggeredBy: "node-drain" });
  assert.equal(plan.stops[0]?.desiredDescription, "alloc is being migrated");
  const [next] = plan.placements;
  assert.equal(next?.name, old.name);
  assert.equal(next?.previousAllocation, old.id);
  assert.notEqual(next?.nodeId, old.nodeId);
  assert.equal(plan.annotations?.desiredTgUpdates.web?.migrate, 1);
});

test("[G21] beside pending canaries an old allocation comes back at its old version", () => {
  const { harness, job } = running();
  const [before] = harness.state.deploymentsByJob(job);
  harness.register(rollingJob({ count: 3, image: "2", update: { canary: 1 } }));
  const old = harness.live(job).find((alloc) => alloc.jobVersion === 0);
  assert.ok(old);
  harness.update(old, { desiredTransition: { ...old.desiredTransition, migrate: true } });
  const { plan } = harness.evaluate(job);
  assert.equal(plan.placements[0]?.jobVersion, 0);
  assert.equal(plan.placements[0]?.deploymentId, before?.id);
});

test("[R8] failures close together share one follow-up evaluation", () => {
  const { harness, job } = running();
  const [one, two, three] = harness.live(job);
  assert.ok(one && two && three);
  harness.fail(one);
  harness.now += 2_000;
  harness.fail(two);
  harness.now += 10_000;
  harness.fail(three);
  const { followups, plan } = harness.evaluate(job);
  assert.deepEqual(
    followups.map((each) => [each.waitUntil - harness.now, each.statusDescription]),
    [
      [18_000, "created for delayed rescheduling"],
      [30_000, "created for delayed rescheduling"],
    ],
  );
  assert.equal(plan.attributeUpdates.length, 3);
  assert.equal(plan.annotations?.desiredTgUpdates.web?.rescheduleLater, 3);
  const again = harness.evaluate(job);
  assert.deepEqual([again.followups, again.plan.attributeUpdates], [[], []]);
});

test("[R7] the replacement of a failed allocation avoids the node it failed on", () => {
  const { harness, job } = running({ count: 1 });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.fail(first);
  harness.now += 60_000;
  const { plan } = harness.evaluate(job);
  const [next] = plan.placements;
  assert.notEqual(next?.nodeId, first.nodeId);
  assert.equal(plan.stops[0]?.desiredDescription, "");
  assert.equal(next?.rescheduleTracker?.events[0]?.prevAllocId, first.id);
});

test("a failed allocation without a place stays and says why", () => {
  const { harness, job } = running({ count: 1 }, 1);
  const [first] = harness.live(job);
  assert.ok(first);
  harness.fail(first);
  harness.changeNode(first.nodeId, { schedulingEligibility: "ineligible" });
  harness.now += 60_000;
  const result = harness.evaluate(job);
  assert.deepEqual(result.plan.stops, []);
  assert.deepEqual(result.plan.attributeUpdates, [
    { allocId: first.id, lastReschedule: "no placement" },
  ]);
  assert.ok(result.blocked);
});

test("[D1 D2 D3] an unreachable allocation becomes unknown and is replaced after its delay", () => {
  const { harness, job } = running({ group: patient });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  const result = harness.evaluate(job);
  assert.deepEqual(result.plan.placements, []);
  const [update] = result.plan.attributeUpdates;
  assert.equal(update?.clientStatus, "unknown");
  assert.equal(update?.clientDescription, "alloc is unknown since its node is disconnected");
  const kinds = result.followups.map((each) => [each.triggeredBy, each.waitUntil - harness.now]);
  assert.deepEqual(kinds.toSorted(), [
    ["alloc-reschedule", 30_000],
    ["max-disconnect-timeout", 300_000],
  ]);
  const later = result.followups.find((each) => each.triggeredBy === "alloc-reschedule");
  assert.ok(later);
  harness.now += 30_000;
  const replaced = harness.evaluate(job, { id: later.id });
  assert.equal(replaced.plan.placements[0]?.previousAllocation, first.id);
  assert.deepEqual(replaced.plan.stops, []);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);

  harness.now += 300_000;
  const expired = harness.evaluate(job);
  assert.deepEqual(
    expired.plan.stops.map((stop) => [stop.allocId, stop.clientStatus]),
    [[first.id, "lost"]],
  );
  assert.deepEqual(expired.plan.placements, []);
});

test("[D4] an allocation that comes back takes over from its replacement", () => {
  const { harness, job, first } = replacedMeanwhile();
  harness.changeNode(first.nodeId, { status: "ready" });
  harness.update(first, { clientStatus: ClientStatus.running });
  const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
  assert.deepEqual(
    plan.stops.map((stop) => stop.desiredDescription),
    ["alloc not needed due to disconnected client reconnect"],
  );
  assert.equal(plan.annotations?.desiredTgUpdates.web?.reconnect, 1);
  assert.equal(harness.live(job).length, 3);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
});

/** It has come back, and its replacement has given its place back. */
function returned() {
  const { harness, job, first } = replacedMeanwhile();
  harness.changeNode(first.nodeId, { status: "ready" });
  harness.update(first, { clientStatus: ClientStatus.running });
  harness.evaluate(job, { triggeredBy: "reconnect" });
  harness.settle(job);
  assert.equal(harness.live(job).length, 3);
  return { harness, job, first };
}

test("[D3 D4] one that came back and goes out of reach again is replaced again", () => {
  const { harness, job, first } = returned();
  harness.changeNode(first.nodeId, { status: "disconnected" });
  const { followups } = harness.evaluate(job);
  const later = followups.find((each) => each.triggeredBy === "alloc-reschedule");
  assert.ok(later);
  assert.deepEqual(harness.evaluate(job).plan.placements, [], "not before its time");
  harness.now += 30_000;
  const { plan } = harness.evaluate(job, { id: later.id });
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.name, alloc.previousAllocation]),
    [[first.name, first.id]],
  );
});

test("[D4 R1 R8] one that came back and fails is replaced by its policy, as any other", () => {
  const { harness, job, first } = returned();
  harness.fail(first);
  const { followups, plan } = harness.evaluate(job);
  assert.deepEqual(plan.placements, []);
  assert.deepEqual(
    followups.map((each) => [each.triggeredBy, each.waitUntil - harness.now]),
    [["alloc-reschedule", 30_000]],
  );
});

test("[D4 C14] while nobody knows whether it runs, one that may come back keeps its replacement", () => {
  const { harness, job, first } = replacedMeanwhile();
  harness.changeNode(first.nodeId, { status: "ready" });
  const back = harness.evaluate(job, { triggeredBy: "node-update" });
  assert.deepEqual([back.plan.stops, back.plan.placements], [[], []]);
  harness.fail(first);
  const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [first.id],
    "its replacement goes on",
  );
  assert.deepEqual(plan.placements, []);
});

test("[D5] a newer replacement wins over the one that comes back", () => {
  const { harness, job } = running({ group: patient });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  harness.evaluate(job);
  harness.register(rollingJob({ count: 3, image: "2", group: {} }));
  harness.rollToEnd(job);
  harness.changeNode(first.nodeId, { status: "ready" });
  const back = harness.state.alloc(first.id);
  assert.ok(back);
  harness.update(back, { clientStatus: ClientStatus.running });
  harness.evaluate(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});

test("[D6] one that failed while it was away is stopped when it comes back", () => {
  const { harness, job } = running({ group: patient });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  harness.evaluate(job);
  harness.changeNode(first.nodeId, { status: "ready" });
  const back = harness.state.alloc(first.id);
  assert.ok(back);
  harness.update(back, { clientStatus: ClientStatus.failed });
  const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
  assert.deepEqual(
    plan.stops.map((stop) => [stop.allocId, stop.clientStatus]),
    [[first.id, "failed"]],
  );
});

test("[D1 L2] what this evaluation finds out of reach is not counted on by its own update", () => {
  const { harness, job } = running({ count: 2, group: patient });
  const [, away] = harness.live(job);
  assert.ok(away);
  harness.changeNode(away.nodeId, { status: "disconnected" });
  const next = rollingJob({ count: 2, image: "2", update: { maxParallel: 1 }, group: patient });
  const { plan } = harness.register(next);
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [away.id],
    "the other one is the last that serves",
  );
});

test("[D8] an update does not replace a second time what is out of reach and was replaced", () => {
  const { harness, job, first } = replacedMeanwhile({ count: 2 });
  const next = rollingJob({ count: 2, image: "2", update: { maxParallel: 1 }, group: patient });
  const { plan } = harness.register(next);
  assert.deepEqual(plan.stops.map((stop) => [stop.allocId, stop.desiredDescription]).slice(0, 1), [
    [first.id, "alloc not needed due to job update"],
  ]);
  assert.equal(harness.live(job).length, 2);
  harness.rollToEnd(job);
  const live = harness.live(job).map((alloc) => [alloc.name, alloc.jobVersion]);
  assert.deepEqual(live.toSorted(), [
    ["example.web[0]", 1],
    ["example.web[1]", 1],
  ]);
});

test("[D8] what is out of reach and was replaced is beside the count of a group that grows", () => {
  const { harness, job, first } = replacedMeanwhile();
  harness.register(rollingJob({ count: 5, group: patient }));
  harness.rollToEnd(job);
  const present = harness.live(job).filter((alloc) => alloc.id !== first.id);
  assert.deepEqual(
    present.map((alloc) => [alloc.name, alloc.jobVersion]),
    [0, 1, 2, 3, 4].map((i) => [`example.web[${i}]`, 1]),
  );
  harness.changeNode(first.nodeId, { status: "ready" });
  harness.update(first, { clientStatus: ClientStatus.running });
  const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [first.id],
    "its replacement is newer (D5)",
  );
});

test("[D8] the place of a replacement that has ended does not wait for the one it replaced", () => {
  const { harness, job, first } = replacedMeanwhile();
  const replacement = harness.live(job).find((alloc) => alloc.previousAllocation === first.id);
  assert.ok(replacement);
  harness.update(replacement, { clientStatus: ClientStatus.complete });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.name),
    [first.name],
  );
});

test("[D7 L2] one of an older version that comes back serves until its turn", () => {
  const { harness, job } = running({ count: 4, group: patient });
  const next = rollingJob({ count: 4, image: "2", update: { maxParallel: 1 }, group: patient });
  harness.register(next);
  const away = harness.live(job).find((alloc) => alloc.jobVersion === 0);
  assert.ok(away);
  harness.changeNode(away.nodeId, { status: "disconnected" });
  harness.evaluate(job);
  harness.changeNode(away.nodeId, { status: "ready" });
  const back = harness.state.alloc(away.id);
  assert.equal(back?.clientStatus, "unknown");
  harness.update(back, { clientStatus: ClientStatus.running });
  const { plan } = harness.evaluate(job, { triggeredBy: "reconnect" });
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  assert.equal(plan.annotations?.desiredTgUpdates.web?.reconnect, 1);
  harness.rollToEnd(job);
  const versions = harness.live(job).map((alloc) => alloc.jobVersion);
  assert.deepEqual(versions, [1, 1, 1, 1]);
});

test("[G1] what is stopped already is not counted, and its name is free", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.update(first, { desiredStatus: "stop", clientStatus: ClientStatus.running });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(plan.stops, []);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.name),
    [first.name],
  );
});

test("[S3] a count that falls takes those first that must leave their node anyway", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.update(first, { desiredTransition: { ...first.desiredTransition, migrate: true } });
  const { plan } = harness.register(rollingJob({ count: 2 }));
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [first.id],
  );
  assert.ok(plan.placements.every((alloc) => alloc.previousAllocation !== first.id));
  assert.equal(harness.live(job).length, 2);
});

test("[G9] a lost allocation that its client must stop itself is replaced after that", () => {
  const stopOnClientAfter = MINUTE;
  const disconnect = { ...PATIENT, lostAfter: 0, stopOnClientAfter };
  const group = { disconnect } as Partial<TaskGroup>;
  const { harness, job } = running({ group });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.nodeDown(first.nodeId);
  const result = harness.evaluate(job);
  assert.deepEqual(result.plan.placements, []);
  assert.equal(result.followups[0]?.triggeredBy, "alloc-failure");
  assert.equal((result.followups[0]?.waitUntil ?? 0) - harness.now, 65_000);
  harness.now += 30_000;
  const early = harness.evaluate(job);
  assert.deepEqual(
    early.plan.placements,
    [],
    "an evaluation of another cause replaces nothing yet",
  );
  assert.deepEqual(early.followups, []);
  harness.now += 35_000;
  assert.equal(harness.evaluate(job).plan.placements.length, 1);
});

test("[G9] one lost when nobody wanted it is waited for with an evaluation, too", () => {
  const disconnect = { ...PATIENT, lostAfter: 0, stopOnClientAfter: MINUTE };
  const group = { disconnect } as Partial<TaskGroup>;
  const { harness, job } = running({ group });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.update(first, {
    desiredStatus: "stop",
    clientStatus: ClientStatus.lost,
    allocStates: [{ field: 0, value: "lost", time: harness.now }],
  });
  const { followups, plan } = harness.evaluate(job);
  assert.deepEqual(plan.placements, []);
  assert.deepEqual(
    followups.map(({ waitUntil }) => waitUntil - harness.now),
    [65_000],
  );
  harness.now += 30_000;
  assert.deepEqual(harness.evaluate(job).followups, [], "it has been told");
  harness.now += 35_000;
  assert.equal(harness.evaluate(job).plan.placements.length, 1);
});

test("[G9] what was lost moments apart is replaced together, when the last one has stopped", () => {
  const stopOnClientAfter = MINUTE;
  const disconnect = { ...PATIENT, lostAfter: 0, stopOnClientAfter };
  const { harness, job } = running({ group: { disconnect } as Partial<TaskGroup> });
  const [first, second] = harness.live(job);
  assert.ok(first && second);
  harness.update(first, {
    clientStatus: ClientStatus.unknown,
    allocStates: [{ field: 0, value: "unknown", time: harness.now - 2_000 }],
  });
  for (const { nodeId } of [first, second]) harness.nodeDown(nodeId);
  const { followups } = harness.evaluate(job);
  assert.equal(followups.length, 1);
  harness.now = followups[0]?.waitUntil ?? 0;
  const { plan } = harness.evaluate(job, { id: followups[0]?.id ?? "" });
  assert.equal(plan.placements.length, 2);
});

function batchJob(options: RollingOptions = {}): Job {
  const { reschedulePolicy } = mockTaskGroup();
  const group = { update: null, reschedulePolicy, ...options.group };
  return rollingJob({ count: 2, update: null, job: { type: "batch" }, ...options, group });
}

test("[R3] a batch allocation that finished is not run again, one that failed is", () => {
  const harness = new Harness();
  const job = batchJob();
  assert.equal(harness.register(job).plan.deployment, null);
  const [done, bad] = harness.live(job);
  assert.ok(done && bad);
  harness.update(done, { clientStatus: ClientStatus.complete });
  harness.fail(bad);
  harness.now += 60_000;
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.previousAllocation),
    [bad.id],
  );
  assert.deepEqual(
    plan.stops.map((stop) => stop.allocId),
    [bad.id],
  );
});

test("[G4] a batch job that changed runs anew, whatever the old version finished", () => {
  const harness = new Harness();
  const job = batchJob();
  harness.register(job);
  for (const alloc of harness.live(job)) {
    harness.update(alloc, { clientStatus: ClientStatus.complete });
  }
  const { plan } = harness.register(batchJob({ image: "2" }));
  assert.equal(plan.placements.length, 2);
  assert.deepEqual(plan.annotations?.desiredTgUpdates.web?.ignore, 2);
});

test("[J2] a group whose count is zero, or that is gone, is stopped", () => {
  const { harness } = running();
  const emptied = harness.register(rollingJob({ count: 0 }));
  assert.equal(emptied.plan.stops.length, 3);
  assert.equal(emptied.plan.deployment, null);
  const other = running();
  const renamed = rollingJob({ count: 3, group: { name: "api" } });
  const result = other.harness.register(renamed);
  assert.equal(result.plan.stops.length, 3);
  assert.equal(result.plan.placements.length, 3);
  assert.deepEqual(Object.keys(result.plan.deployment?.taskGroups ?? {}), ["api"]);
});

test("[J1] a purged job has all its allocations stopped", () => {
  const { harness, job } = running();
  harness.state.deleteJob(job);
  const { plan } = harness.evaluate(job);
  assert.equal(plan.stops.length, 3);
});

test("an allocation keeps its node when an update in place does not fit elsewhere", () => {
  const { harness, job } = running({ count: 1 }, 1);
  const [before] = harness.live(job);
  assert.ok(before);
  const { plan } = harness.register(rollingJob({ count: 1, job: { priority: 70 } }));
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.id, alloc.jobVersion]),
    [[before.id, 1]],
  );
  assert.deepEqual(plan.placements[0]?.metrics, before.metrics);
});

test("a constraint that the node no longer meets makes the update destructive", () => {
  const { harness, job } = running({ count: 1 });
  const constraints = [{ lTarget: "$" + "{node.unique.name}", operand: "=", rTarget: "other" }];
  const result = harness.register(rollingJob({ count: 1, job: { constraints } }));
  assert.equal(result.plan.annotations?.desiredTgUpdates.web?.destructiveUpdate, 1);
  assert.deepEqual(result.plan.stops, []);
  assert.ok(result.blocked?.escapedComputedClass);
  assert.ok(only(harness.live(job), harness.live(job)[0]?.nodeId ?? ""));
});
