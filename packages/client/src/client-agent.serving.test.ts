/** What an agent tells of an allocation after its health has been decided: rule H13. */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { mockId } from "@drover/model/testing";
import { changed, type Want, want } from "./testing/jobs.ts";
import { inWorld, type World } from "./testing/world.ts";

const OUTSIDE = { deploymentId: "", deploymentStatus: null };
const MIGRATE = {
  maxParallel: 1,
  maxParallelPercent: 0,
  healthCheck: "checks",
  minHealthyTime: 10 * SECOND,
  healthyDeadline: 60 * SECOND,
};

function serving(world: World, { alloc }: Want): boolean | null | undefined {
  return world.report(alloc.id)?.serving;
}

/** What has happened so far has been worked in: a later word of the servers has. Returns it. */
async function settled(world: World, place: Want): Promise<Want> {
  const later = changed(place, {});
  world.push([later]);
  const record = () => world.agent.runner(place.alloc.id)?.record;
  await world.until("it is heard", () => record()?.alloc.modifyIndex === later.alloc.modifyIndex);
  return later;
}

async function healthy(world: World, place: Want): Promise<void> {
  world.push([place]);
  await world.status(place.alloc.id, "running");
  world.clock.advance(10_000);
  await world.until("it is healthy", () => world.report(place.alloc.id)?.healthy === true);
}

test("[H13] whether it serves comes with the verdict, in the same report", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    world.push([place]);
    await world.status(place.alloc.id, "running");
    assert.equal(serving(world, place), null, "undecided");
    world.clock.advance(10_000);
    await world.until("it is healthy", () => world.report(place.alloc.id)?.healthy === true);
    assert.equal(serving(world, place), true);
  }));

test("[H13] a check that fails later is told, and one that passes again", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    world.discovery.set({ status: "critical" });
    await world.until("it does not serve", () => serving(world, place) === false);
    world.discovery.set({ status: "passing" });
    await world.until("it serves again", () => serving(world, place) === true);
  }));

test("[H13] a catalog that cannot be seen changes nothing", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    const seq = world.report(place.alloc.id)?.clientSeq;
    world.discovery.set({ visible: false });
    const later = await settled(world, place);
    world.discovery.set({ visible: true });
    await settled(world, later);
    assert.equal(serving(world, place), true);
    assert.equal(world.agent.runner(place.alloc.id)?.record.seq, seq);
  }));

test("[H13] a task that starts anew does not serve meanwhile", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    await healthy(world, place);
    world.driver.finish(`${id}/server`, 3);
    await world.until("it waits", () => world.report(id)?.taskStates.server?.restarts === 1);
    assert.equal(serving(world, place), false);
    world.clock.advance(20_000);
    await world.until("it serves again", () => serving(world, place) === true);
  }));

test("[H13] what a drain has placed is judged by the migrate block, and recovers after its deadline", () =>
  inWorld(async (world) => {
    world.discovery.defaultStatus = "critical";
    const place = want(world.nodeId, { alloc: OUTSIDE, group: { migrate: MIGRATE } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.clock.advance(60_000);
    await world.until("it is unhealthy", () => world.report(id)?.healthy === false);
    assert.equal(serving(world, place), false);
    world.discovery.set({ status: "passing" });
    await world.until("it serves all the same", () => serving(world, place) === true);
    assert.equal(world.report(id)?.healthy, false, "that was decided");
  }));

test("[H13] nobody asks whether a batch job serves", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { alloc: OUTSIDE, job: { type: "batch" } });
    world.push([place]);
    await world.status(place.alloc.id, "running");
    world.clock.advance(600_000);
    world.discovery.set({ status: "critical" });
    await settled(world, place);
    assert.equal(world.agent.runner(place.alloc.id)?.record.checksPass, null);
    assert.equal(serving(world, place), null);
  }));

test("[H13] an agent that restarts goes on telling", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    await world.restart();
    world.push([place]);
    await world.until("it serves", () => serving(world, place) === true);
    world.discovery.set({ status: "critical" });
    await world.until("it does not serve", () => serving(world, place) === false);
  }));

test("[H13] an agent that restarts takes what it has not seen yet for what it was", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    // Nothing is in its view until it registers, and no result before the first check.
    world.discovery.services.clear();
    world.discovery.defaultStatus = "pending";
    await world.restart();
    world.push([place], { complete: true });
    await world.until("it is registered", () => world.discovery.services.size === 1);
    await world.until("it has reported", () => world.report(place.alloc.id) !== undefined);
    world.discovery.set({ status: "passing" });
    world.discovery.set({ status: "critical" });
    await world.until("it does not serve", () => serving(world, place) === false);
    const told = world.link.batches.flat().map((report) => [report.serving, report.healthy]);
    assert.deepEqual(told, [
      [true, true],
      [false, null],
    ]);
  }));

function verdict(world: World, { alloc }: Want): boolean | null | undefined {
  return world.report(alloc.id)?.healthy;
}

test("[H14] a verdict is taken back when a check fails, and given again after the minimum time", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    world.discovery.set({ status: "critical" });
    await world.until("it is taken back", () => verdict(world, place) === null);
    assert.equal(world.report(place.alloc.id)?.revoked, true);
    world.discovery.set({ status: "passing" });
    await world.until("it serves again", () => serving(world, place) === true);
    world.clock.advance(9_999);
    assert.equal(verdict(world, place), null, "not proven yet");
    world.clock.advance(1);
    await world.until("it is healthy", () => verdict(world, place) === true);
    assert.equal(world.report(place.alloc.id)?.revoked, undefined);
  }));

test("[H14] a task that starts anew takes it back too; one that has failed for good does not", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    await healthy(world, place);
    world.driver.finish(`${id}/server`, 3);
    await world.until("it is taken back", () => verdict(world, place) === null);
    const none = { attempts: 0, interval: SECOND, delay: 0, mode: "fail", renderTemplates: false };
    const other = want(world.nodeId, {
      alloc: { id: mockId("other") },
      task: { restartPolicy: none },
      port: 20_002,
    });
    await healthy(world, other);
    world.driver.finish(`${other.alloc.id}/server`, 3);
    await world.status(other.alloc.id, "failed");
    assert.equal(verdict(world, other), true, "its status says the rest");
  }));

test("[H14] a verdict names its deployment, so that it does not count in the next one", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const named = () => world.report(place.alloc.id)?.deploymentId;
    world.push([place]);
    await world.status(place.alloc.id, "running");
    assert.equal(named(), undefined, "without a verdict there is nothing to name");
    world.clock.advance(10_000);
    await world.until("it is healthy", () => verdict(world, place) === true);
    assert.equal(named(), "d1");
    world.push([changed(place, { deploymentId: "d2", deploymentStatus: null })]);
    await world.until("it is undecided", () => verdict(world, place) === null);
    world.clock.advance(10_000);
    await world.until("it is healthy again", () => verdict(world, place) === true);
    assert.equal(named(), "d2");
  }));

test("[H14] what stays bad past a deadline of its own is unhealthy, without a line in its history", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    world.discovery.set({ status: "critical" });
    await world.until("it is taken back", () => verdict(world, place) === null);
    world.clock.advance(300_000);
    await world.until("it is unhealthy", () => verdict(world, place) === false);
    const events = world.report(place.alloc.id)?.taskStates.server?.events ?? [];
    assert.ok(events.every((event) => event.type !== "Alloc Unhealthy"));
  }));

/** It was healthy, as it said in `heard`, and takes that back. */
async function takenBack(world: World) {
  const place = want(world.nodeId);
  await healthy(world, place);
  const heard = world.report(place.alloc.id);
  world.discovery.set({ status: "critical" });
  await world.until("it is taken back", () => verdict(world, place) === null);
  return { heard, place };
}

test("[H14] an older word of the servers does not bring back what was taken back", () =>
  inWorld(async (world) => {
    const { heard, place } = await takenBack(world);
    const timestamp = heard?.healthAt ?? 0;
    const stored = { healthy: true, timestamp, canary: false, modifyIndex: 9 };
    const stale = changed(place, { deploymentStatus: stored, clientSeq: heard?.clientSeq ?? 0 });
    world.push([stale]);
    await world.until("it is heard", () => {
      const record = world.agent.runner(place.alloc.id)?.record;
      return record?.alloc.modifyIndex === stale.alloc.modifyIndex;
    });
    assert.equal(verdict(world, place), null);
    const clientSeq = world.report(place.alloc.id)?.clientSeq ?? 0;
    const word = { ...stored, timestamp: stored.timestamp + 1 };
    world.push([changed(stale, { deploymentStatus: word, clientSeq })]);
    await world.until("an operator's word counts", () => verdict(world, place) === true);
  }));

test("[H14] a word on an earlier verdict does not bring back a later one that was taken back", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    const heard = world.report(place.alloc.id);
    const bad = () => world.discovery.set({ status: "critical" });
    bad();
    await world.until("it is taken back", () => verdict(world, place) === null);
    world.discovery.set({ status: "passing" });
    await world.until("it serves again", () => serving(world, place) === true);
    world.clock.advance(10_000);
    await world.until("it is healthy", () => verdict(world, place) === true);
    bad();
    await world.until("it is taken back again", () => verdict(world, place) === null);
    const deploymentStatus = {
      ...{ healthy: true, timestamp: heard?.healthAt ?? 0 },
      ...{ canary: false, modifyIndex: 9 },
    };
    const stale = changed(place, { deploymentStatus, clientSeq: heard?.clientSeq ?? 0 });
    world.push([stale]);
    await world.until("it is heard", () => {
      const record = world.agent.runner(place.alloc.id)?.record;
      return record?.alloc.modifyIndex === stale.alloc.modifyIndex;
    });
    assert.equal(verdict(world, place), null);
    world.discovery.set({ status: "passing" });
    await world.until("it serves again", () => serving(world, place) === true);
    world.clock.advance(10_000);
    await world.until("it proves itself", () => verdict(world, place) === true);
  }));

test("[H14] an operator's no counts, also from servers that have not heard what was taken back", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    const clientSeq = world.report(place.alloc.id)?.clientSeq ?? 0;
    world.discovery.set({ status: "critical" });
    await world.until("it is taken back", () => verdict(world, place) === null);
    const deploymentStatus = { healthy: false, timestamp: 1, canary: false, modifyIndex: 9 };
    world.push([changed(place, { deploymentStatus, clientSeq })]);
    await world.until("it is unhealthy", () => verdict(world, place) === false);
  }));

test("[H14] outside a deployment nobody builds on the verdict, and it stays", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { alloc: OUTSIDE, group: { migrate: MIGRATE } });
    await healthy(world, place);
    world.discovery.set({ status: "critical" });
    await world.until("it does not serve", () => serving(world, place) === false);
    assert.equal(verdict(world, place), true);
  }));

test("[H14] an operator who confirms what the node has said already is not contradicted by it", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    await healthy(world, place);
    const { clientSeq = 0, healthAt = 0 } = world.report(place.alloc.id) ?? {};
    const deploymentStatus = { healthy: true, timestamp: healthAt, canary: false, modifyIndex: 9 };
    const confirmed = changed(place, { deploymentStatus, clientSeq, judgedIn: "d1" });
    world.push([confirmed]);
    await settled(world, confirmed);
    world.discovery.set({ status: "critical" });
    await world.until("it does not serve", () => serving(world, place) === false);
    assert.equal(verdict(world, place), true, "the operator's word");
  }));

test("[H14] an operator's word counts, although the node has just taken back its own", () =>
  inWorld(async (world) => {
    const { heard, place } = await takenBack(world);
    const deploymentStatus = { healthy: true, timestamp: 1, canary: false, modifyIndex: 9 };
    const clientSeq = heard?.clientSeq ?? 0;
    world.push([changed(place, { deploymentStatus, clientSeq, judgedIn: "d1" })]);
    await world.until("it is healthy", () => verdict(world, place) === true);
    assert.equal(world.report(place.alloc.id)?.revoked, undefined);
  }));

test("[H14] an operator's word on an earlier deployment binds nobody in the next one", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { alloc: { judgedIn: "d0" } });
    await healthy(world, place);
    const deploymentStatus = { healthy: true, timestamp: 1, canary: false, modifyIndex: 9 };
    await settled(world, changed(place, { deploymentStatus, judgedIn: "d0" }));
    world.discovery.set({ status: "critical" });
    await world.until("it is taken back", () => verdict(world, place) === null);
  }));
