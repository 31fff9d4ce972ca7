/** How long consumers have between a service's departure from the catalog and the signal. */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { changed, stopped, type Want, want } from "./testing/jobs.ts";
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

type Delays = { readonly group?: number; readonly task?: number };

async function running(world: World, delays: Delays = {}): Promise<Want> {
  const { group = 0, task = 0 } = delays;
  const over = { group: { shutdownDelay: group * SECOND }, task: { shutdownDelay: task * SECOND } };
  const place = want(world.nodeId, over);
  world.push([place]);
  await world.status(place.alloc.id, "running");
  await world.until("it is in the catalog", () => world.discovery.services.size === 1);
  return place;
}

function waiting(world: World, { alloc }: Want): { readonly wakeAt: number } | null {
  const record = world.agent.runner(alloc.id)?.record;
  const phase = record?.tasks.server?.phase;
  if (record?.stage.kind === "delaying") return record.stage;
  return phase?.kind === "delaying" ? phase : null;
}

/** It waits so long, with its delays one after the other. */
async function isSignalledAfter(world: World, place: Want, ...delaysMs: number[]): Promise<void> {
  for (const ms of delaysMs) {
    const wakeAt = world.clock.now() + ms;
    await world.until(`it waits until ${wakeAt}`, () => waiting(world, place)?.wakeAt === wakeAt);
    assert.ok(!world.driver.calls.includes("stop server"), "the signal came too early");
    world.clock.advance(ms);
  }
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

const BESIDE: Readonly<Record<string, { delays: Delays; waits: readonly number[] }>> = {
  "a longer shutdown delay": { delays: { task: 5 }, waits: [5_000] },
  "a shorter shutdown delay": { delays: { task: 1 }, waits: [GRACE_MS] },
  "a longer delay of its group": { delays: { group: 3 }, waits: [3_000] },
  "a shorter delay of its group": { delays: { group: 1 }, waits: [1_000, GRACE_MS - 1_000] },
  "both, one after the other": { delays: { group: 1, task: 3 }, waits: [1_000, 3_000] },
};

for (const [name, { delays, waits }] of Object.entries(BESIDE)) {
  test(`[T7] the grace for consumers runs beside what the job asks for: ${name}`, () =>
    inWorld(async (world) => {
      const place = await running(world, delays);
      world.push([stopped(place)]);
      await isSignalledAfter(world, place, ...waits);
    }));
}

test("[T7] an agent that was killed while a task had its grace goes on with what was left of it", () =>
  inWorld(async (world) => {
    const place = await running(world, { task: 5 });
    world.push([stopped(place)]);
    await world.until("it waits", () => waiting(world, place) !== null);
    world.clock.advance(4_000);
    await world.restart();
    world.push([stopped(place)], { complete: true });
    await isSignalledAfter(world, place, 1_000);
  }));

test("[T7] a stop without shutdown delay leaves consumers their grace", () =>
  inWorld(async (world) => {
    const place = await running(world, { group: 3, task: 5 });
    const { desiredTransition } = place.alloc;
    world.push([
      changed(place, {
        desiredStatus: "stop",
        desiredTransition: { ...desiredTransition, noShutdownDelay: true },
      }),
    ]);
    await isSignalledAfter(world, place, GRACE_MS);
  }));
