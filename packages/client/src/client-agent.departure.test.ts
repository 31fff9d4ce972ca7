/** How long consumers have between a service's departure from the catalog and the signal. */
import assert from "node:assert/strict";
import test from "node:test";
import { stopped, type Want, want } from "./testing/jobs.ts";
import { World } from "./testing/world.ts";

const GRACE_MS = 2_000;

async function inWorld(act: (world: World) => Promise<void>): Promise<void> {
  const world = await World.create({ consumerGraceMs: GRACE_MS });
  try {
    await act(world);
  } finally {
    await world.close();
  }
}

function stageOf(world: World, { alloc }: Want): string {
  return world.agent.runner(alloc.id)?.record.stage.kind ?? "";
}

async function running(world: World): Promise<Want> {
  const place = want(world.nodeId, { task: { shutdownDelay: 0 } });
  world.push([place]);
  await world.status(place.alloc.id, "running");
  await world.until("it is in the catalog", () => world.discovery.services.size === 1);
  return place;
}

/** It waits so long. */
async function isSignalledAfter(world: World, place: Want, graceMs: number): Promise<void> {
  await world.until("it waits for consumers", () => stageOf(world, place) === "delaying");
  const { stage } = world.agent.runner(place.alloc.id)?.record ?? {};
  assert.deepEqual(stage, { kind: "delaying", wakeAt: world.clock.now() + graceMs });
  assert.ok(!world.driver.calls.includes("stop server"), "the signal came too early");
  world.clock.advance(graceMs);
  await world.status(place.alloc.id, "complete");
}

test("[T7] what served until a moment ago gives its consumers the rest of the grace", () =>
  inWorld(async (world) => {
    const place = await running(world);
    // A check that failed once: who lags behind the catalog uses it as before.
    world.discovery.set({ status: "critical" });
    world.clock.advance(500);
    world.push([stopped(place)]);
    await isSignalledAfter(world, place, GRACE_MS - 500);
  }));

test("[T7] what has not served for as long as the grace gets none", () =>
  inWorld(async (world) => {
    const place = await running(world);
    world.discovery.set({ status: "critical" });
    world.clock.advance(GRACE_MS);
    world.push([stopped(place)]);
    await world.status(place.alloc.id, "complete");
  }));

test("[T7] what serves again after a failed check gives the whole grace", () =>
  inWorld(async (world) => {
    const place = await running(world);
    world.discovery.set({ status: "critical" });
    world.clock.advance(1_500);
    world.discovery.set({ status: "passing" });
    world.clock.advance(10_000);
    world.push([stopped(place)]);
    await isSignalledAfter(world, place, GRACE_MS);
  }));

test("[T7] an agent that was killed on the way out of the catalog gives the grace all the same", () =>
  inWorld(async (world) => {
    const place = await running(world);
    world.discovery.confirmGate = new Promise(() => undefined);
    world.push([stopped(place)]);
    await world.until("it has left", () => world.discovery.services.size === 0);
    assert.equal(stageOf(world, place), "leaving");
    world.discovery.confirmGate = null;
    await world.restart();
    world.push([stopped(place)], { complete: true });
    await isSignalledAfter(world, place, GRACE_MS);
  }));

test("[T7] a check that failed while the agent was away may have failed a moment ago", () =>
  inWorld(async (world) => {
    const place = await running(world);
    world.discovery.defaultStatus = "critical";
    await world.restart();
    world.push([stopped(place)], { complete: true });
    await isSignalledAfter(world, place, GRACE_MS);
  }));
