/** Who is woken by what the catalog shows, counted. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { mockId } from "@drover/model/testing";
import { AllocRunner } from "./runner/alloc-runner.ts";
import { changed, type Want, want } from "./testing/jobs.ts";
import { inWorld, type World } from "./testing/world.ts";

const ALLOCS = 50;

async function running(world: World): Promise<Want[]> {
  const places = Array.from({ length: ALLOCS }, (_, i) =>
    want(world.nodeId, { alloc: { id: mockId(`wakes ${i}`) }, port: 20_000 + i }),
  );
  world.push(places);
  for (const { alloc } of places) await world.status(alloc.id, "running");
  return places;
}

function servicesOf(world: World, { alloc }: Want): string[] {
  return [...world.discovery.services.keys()].filter((id) => id.includes(alloc.id));
}

/** Allocations whose runner was told that the catalog shows something else. */
function counting(t: TestContext): () => string[] {
  const { mock } = t.mock.method(AllocRunner.prototype, "catalogChanged");
  return () => {
    const woken = mock.calls.map((call) => (call.this as AllocRunner).record.alloc.id);
    mock.resetCalls();
    return woken;
  };
}

test("the result of a check wakes the runner of its own allocation, and no other", (t) =>
  inWorld(async (world) => {
    const woken = counting(t);
    const places = await running(world);
    const [first] = places;
    assert.ok(first);
    const [serviceId] = servicesOf(world, first);
    assert.ok(serviceId);
    woken();
    world.discovery.set({ serviceId, status: "critical" });
    assert.deepEqual(woken(), [first.alloc.id]);
    // Nothing is different from what was shown before.
    world.discovery.set({ serviceId, status: "critical" });
    assert.deepEqual(woken(), []);
    world.push([changed(first, { desiredStatus: "stop" })]);
    await world.status(first.alloc.id, "complete");
    assert.deepEqual(new Set(woken()), new Set([first.alloc.id]));
  }));

test("a catalog that goes or comes back wakes all of them", (t) =>
  inWorld(async (world) => {
    const woken = counting(t);
    const places = await running(world);
    woken();
    for (const visible of [false, true]) {
      world.discovery.set({ visible });
      assert.deepEqual(new Set(woken()), new Set(places.map(({ alloc }) => alloc.id)));
    }
  }));
