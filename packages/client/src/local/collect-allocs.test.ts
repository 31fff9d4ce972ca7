import assert from "node:assert/strict";
import test from "node:test";
import type { AllocRecord } from "../state/alloc-record.ts";
import { FakeClock } from "../testing/fakes.ts";
import { AllocCollector } from "./collect-allocs.ts";

const KEEP = 2;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A node with `count` ended allocations, a0 the oldest, and what was removed of them. */
function node(count: number) {
  const clock = new FakeClock();
  const removed: string[] = [];
  const broken = new Set<string>();
  const allocs = Array.from({ length: count }, (_, i) => {
    const id = `a${i}`;
    const tasks = { t: { state: { finishedAt: i + 1 } } };
    return {
      record: { alloc: { id }, stage: { kind: "done" }, tasks } as unknown as AllocRecord,
      removeFiles: async () => {
        if (broken.has(id)) throw new Error("device or resource busy");
        removed.push(id);
      },
    };
  });
  const log = () => undefined;
  const collector = new AllocCollector({ clock, log, allocs: () => allocs, keep: KEEP });
  return { clock, collector, removed, broken, allocs };
}

test("directories go when the node has settled, the oldest first, the latest stay", async () => {
  const { clock, collector, removed } = node(5);
  for (let i = 0; i < 3; i++) {
    collector.ended();
    clock.advance(900);
    await turn();
    assert.deepEqual(removed, [], "something ended less than a second ago");
  }
  clock.advance(100);
  await turn();
  assert.deepEqual(removed, ["a0", "a1", "a2"]);
});

test("where something ends all the time they go all the same", async () => {
  const { clock, collector, removed } = node(3);
  for (let at = 0; at < 30_000; at += 500) {
    collector.ended();
    clock.advance(500);
  }
  await turn();
  assert.deepEqual(removed, ["a0"]);
});

test("each directory is removed once, and one that would not go is tried again", async () => {
  const { clock, collector, removed, broken } = node(5);
  broken.add("a1");
  for (let i = 0; i < 3; i++) {
    collector.ended();
    clock.advance(1000);
    await turn();
    if (i === 1) broken.clear();
  }
  assert.deepEqual(removed, ["a0", "a2", "a1"]);
});

test("asked for, they go at once: one of them, or all", async () => {
  const { collector, removed } = node(4);
  await collector.collect(0, "a3");
  assert.deepEqual(removed, ["a3"]);
  await collector.collect(0);
  assert.deepEqual(removed, ["a3", "a0", "a1", "a2"]);
});

test("nothing is removed after the agent has stopped", async () => {
  const { clock, collector, removed } = node(5);
  collector.ended();
  collector.stop();
  clock.advance(60_000);
  await turn();
  assert.deepEqual(removed, []);
});
