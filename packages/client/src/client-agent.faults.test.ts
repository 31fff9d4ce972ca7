import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { SECOND } from "@drover/base";
import { mockId } from "@drover/model/testing";
import { AllocJournal } from "./state/alloc-journal.ts";
import type { AllocRecord } from "./state/alloc-record.ts";
import type { AllocStore } from "./state/alloc-store.ts";
import { changed, stopped, want } from "./testing/jobs.ts";
import { inWorld, World } from "./testing/world.ts";

/**
 * Dies at the n-th write: just before it, or with the file written. It accepts nothing from then
 * on, so nothing more is acted on.
 */
class DyingStore implements AllocStore {
  readonly #inner: AllocStore;
  readonly #deathAt: number;
  readonly #written: boolean;
  writes = 0;
  dead = false;

  constructor(inner: AllocStore, death: { at: number; written: boolean }) {
    this.#inner = inner;
    this.#deathAt = death.at;
    this.#written = death.written;
  }

  load() {
    return this.#inner.load();
  }

  async write(record: AllocRecord): Promise<void> {
    this.writes++;
    if (this.dead) throw new Error("killed");
    if (this.writes < this.#deathAt) return this.#inner.write(record);
    if (this.#written) await this.#inner.write(record);
    this.dead = true;
    throw new Error("killed");
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  remove(allocId: string): Promise<void> {
    return this.dead ? Promise.reject(new Error("killed")) : this.#inner.remove(allocId);
  }
}

/** Push, healthy, stop; dies once on the way. Answers how many writes there were. */
async function liveThrough(death: { at: number; written: boolean }): Promise<number> {
  const world = await World.create();
  const label = JSON.stringify(death);
  try {
    const store = new DyingStore(storeOf(world), death);
    await world.restart(store);
    const place = want(world.nodeId);
    const { id } = place.alloc;
    let wanted = place;
    const reach = async (what: string, holds: () => boolean): Promise<void> => {
      world.push([wanted], { complete: true });
      await world.until(`${label} ${what}`, () => store.dead || holds());
      if (!store.dead || holds()) return;
      await world.restart();
      store.dead = false;
      world.push([wanted], { complete: true });
      await world.until(`${label} ${what} after the crash`, holds);
    };
    await reach("runs", () => world.report(id)?.clientStatus === "running");
    await reach("healthy", () => {
      if (!store.dead) world.tick(1_000);
      return world.report(id)?.healthy === true;
    });
    assert.equal(world.driver.running().length, 1, label);
    wanted = stopped(place);
    await reach("complete", () => world.report(id)?.clientStatus === "complete");
    await reach("nothing is left", () => {
      return world.driver.tasks.size === 0 && world.discovery.services.size === 0;
    });
    assert.equal(world.driver.created, 1, `${label}: never a twin, never a second process`);
    return store.writes;
  } finally {
    await world.close();
  }
}

function storeOf(world: World): AllocStore {
  return new AllocJournal(join(world.dataDir, "client", "allocs.log"));
}

test("[T1 T2] an agent killed at any write goes on where it was, without a twin or an orphan", async () => {
  const writes = await liveThrough({ at: Number.POSITIVE_INFINITY, written: true });
  assert.ok(writes >= 8, `the scenario writes ${writes} times`);
  for (let at = 1; at <= writes; at++) {
    await liveThrough({ at, written: true });
    await liveThrough({ at, written: false });
  }
});

test("an exit that happened while the agent was away is reported with its code", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { job: { type: "batch" } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    await world.agent.stop();
    world.driver.finish(`${id}/server`, 0);
    await world.restart();
    await world.status(id, "complete");
    const event = world.report(id)?.taskStates.server?.events.find((e) => e.type === "Terminated");
    assert.equal(event?.details.exit_code, "0");
    assert.equal(world.driver.created, 1);
  }));

/** Holds writes back as long as `held` is set, as a busy disk does. */
class BusyStore implements AllocStore {
  readonly #inner: AllocStore;
  held: Promise<void> | null = null;
  waiting = 0;
  /** Of the server task, in the order of the writes. */
  readonly phases: string[] = [];

  constructor(inner: AllocStore) {
    this.#inner = inner;
  }

  load() {
    return this.#inner.load();
  }

  async write(record: AllocRecord): Promise<void> {
    this.waiting += 1;
    this.phases.push(record.tasks.server?.phase.kind ?? "");
    await this.held;
    this.waiting -= 1;
    return this.#inner.write(record);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  remove(allocId: string): Promise<void> {
    return this.#inner.remove(allocId);
  }
}

for (const [waits, phases] of [
  [false, ["starting", "running"]],
  [true, ["setup", "starting", "running"]],
] as const) {
  test(`a setup ${waits ? "that waits is" : "that waits for nobody is not"} written down`, () =>
    inWorld(async (world) => {
      const store = new BusyStore(storeOf(world));
      await world.restart(store);
      let present = () => {};
      if (waits) {
        world.driver.prepareGate = new Promise((resolve) => {
          present = resolve;
        });
      }
      const place = want(world.nodeId);
      world.push([place]);
      if (waits) await world.until("it is written down", () => store.phases.includes("setup"));
      present();
      await world.status(place.alloc.id, "running");
      assert.deepEqual(store.phases, phases);
    }));
}

test("an exit that is still being written down makes nothing healthy", () =>
  inWorld(async (world) => {
    const store = new BusyStore(storeOf(world));
    await world.restart(store);
    const place = want(world.nodeId, { task: { services: [] } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    await world.until("nothing is being written", () => store.waiting === 0);
    let free = () => {};
    store.held = new Promise((resolve) => {
      free = resolve;
    });
    world.driver.finish(`${id}/server`, 1);
    await world.until("the exit is being written", () => store.waiting > 0);
    world.clock.advance(60_000);
    free();
    store.held = null;
    await world.until("it is pending", () => world.report(id)?.clientStatus === "pending");
    assert.notEqual(world.report(id)?.healthy, true);
  }));

test("an allocation that the servers gave up as unknown is reported anew", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    const seq = world.report(id)?.clientSeq ?? 0;
    const alloc = { ...place.alloc, clientStatus: "unknown", clientSeq: seq, modifyIndex: 900 };
    world.push([{ ...place, alloc }], { complete: true });
    await world.until("it is heard again", () => (world.report(id)?.clientSeq ?? 0) > seq);
    assert.equal(world.report(id)?.clientStatus, "running");
  }));

test("a task that vanished without a trace is restarted by its policy", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    await world.agent.stop();
    world.driver.tasks.clear();
    await world.restart();
    await world.until("a restart waits", () => world.report(id)?.taskStates.server?.restarts === 1);
    world.clock.advance(20_000);
    await world.until("it runs again", () => world.driver.running().length === 1);
  }));

test("stopping the agent leaves its tasks alone", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    world.push([place]);
    await world.status(place.alloc.id, "running");
    await world.agent.stop();
    assert.equal(world.driver.running().length, 1);
    assert.ok(!world.driver.calls.includes("stop server"));
  }));

test("agent restart counted as failure: its tasks neither restart nor fail, however often", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    for (let i = 0; i < 5; i++) {
      await world.restart();
      world.push([place], { complete: true });
      await world.status(id, "running");
    }
    const [state] = Object.values(world.report(id)?.taskStates ?? {});
    assert.deepEqual([state?.restarts, state?.failed, state?.state], [0, false, "running"]);
    assert.equal(world.driver.calls.filter((call) => call.startsWith("start")).length, 1);
  }));

test("a development agent takes its tasks along", async () => {
  const world = await World.create({ killTasksOnStop: true });
  const place = want(world.nodeId);
  world.push([place]);
  await world.status(place.alloc.id, "running");
  await world.agent.stop();
  assert.equal(world.driver.tasks.size, 0);
  await world.close();
});

test("a development agent that stops takes no replacements of what it has stopped", async () => {
  const world = await World.create({ killTasksOnStop: true });
  const place = want(world.nodeId, { group: { shutdownDelay: SECOND } });
  world.push([place]);
  await world.status(place.alloc.id, "running");
  const stopping = world.agent.stop();
  const stage = () => world.agent.runner(place.alloc.id)?.record.stage.kind;
  await world.until("it is on its way down", () => stage() === "delaying");
  world.push([want(world.nodeId, { alloc: { id: mockId("replacement") }, port: 20_002 })]);
  world.clock.advance(1_000);
  await stopping;
  assert.deepEqual(world.agent.allocIds, [place.alloc.id]);
  await world.close();
});

test("a job may end its allocations by time", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId, { group: { maxRunDuration: 60 * SECOND } });
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.clock.advance(30_000);
    await world.restart();
    await world.status(id, "running");
    world.clock.advance(29_999);
    assert.equal(world.driver.running().length, 1);
    world.clock.advance(1);
    await world.status(id, "complete");
    assert.equal(world.report(id)?.clientDescription, "allocation exceeded max_run_duration");
  }));

test("without a server, only jobs that ask for it are stopped, after their time", () =>
  inWorld(async (world) => {
    const asks = want(world.nodeId, {
      alloc: { id: mockId("asks") },
      group: { stopAfterClientDisconnect: 60 * SECOND },
    });
    const stays = want(world.nodeId, { alloc: { id: mockId("stays") }, port: 20_002 });
    world.push([asks, stays]);
    await world.status(asks.alloc.id, "running");
    await world.status(stays.alloc.id, "running");
    world.link.disconnect();
    world.clock.advance(59_000);
    assert.equal(world.driver.running().length, 2);
    world.clock.advance(1_000_000);
    await world.until("one is stopped", () => world.driver.tasks.size === 1);
    assert.deepEqual(world.driver.running(), [`${stays.alloc.id}/server`]);
    world.link.connect();
    await world.status(asks.alloc.id, "complete");
  }));

test("a node keeps its id, and another data directory has another", () =>
  inWorld(async (world) => {
    const { id, secretId } = world.agent.node;
    await world.restart();
    assert.equal(world.agent.node.id, id);
    assert.equal(world.agent.node.secretId, secretId);
    const other = await World.create();
    assert.notEqual(other.agent.node.id, id);
    await other.close();
  }));

test("[A5 A6] absence stops nothing, a tombstone does", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place], { complete: true });
    await world.status(id, "running");
    world.push([], { complete: true });
    // By the time another one runs, what the empty push asks for has been done.
    const other = want(world.nodeId, { alloc: { id: mockId("another") }, port: 20_002 });
    world.push([other]);
    await world.status(other.alloc.id, "running");
    world.clock.advance(60_000);
    assert.equal(world.driver.running().length, 2);
    world.push([], { removed: [id, other.alloc.id] });
    const isKnown = (one: string) => world.agent.runner(one) !== undefined;
    await world.until("they are forgotten", () => ![id, other.alloc.id].some(isKnown));
    assert.equal(world.driver.tasks.size, 0);
    const store = storeOf(world);
    assert.deepEqual((await store.load()).records, []);
    await store.close();
  }));

test("[S1] a push from the past, of another epoch or another cluster, is refused", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place], { index: 500, epoch: 2 });
    await world.status(id, "running");
    world.push([stopped(place)], { index: 499, epoch: 2 });
    world.push([stopped(place)], { index: 900, epoch: 1 });
    world.link.push({
      clusterId: "other",
      epoch: 9,
      index: 999,
      complete: true,
      allocs: [],
      removed: [id],
    });
    world.clock.advance(60_000);
    assert.equal(world.driver.running().length, 1);
    assert.equal(world.logs.filter((line) => line.includes("push from the past")).length, 3);
    world.push([stopped(place)], { index: 3, epoch: 3 });
    await world.status(id, "complete");
  }));

test("[S1] what a push says of an allocation is refused when older than what is known of it", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const newer = changed(place, {});
    world.push([newer]);
    await world.status(place.alloc.id, "running");
    const older = { ...place, alloc: { ...place.alloc, desiredStatus: "stop" } };
    world.push([older]);
    const other = want(world.nodeId, { alloc: { id: mockId("another") }, port: 20_002 });
    world.push([other]);
    await world.status(other.alloc.id, "running");
    assert.equal(world.agent.runner(place.alloc.id)?.record.alloc.desiredStatus, "run");
  }));

test("the highest index seen goes into the next session", () =>
  inWorld(async (world) => {
    world.push([], { index: 700, epoch: 4 });
    await world.restart();
    await world.until("a session is open", () => world.link.sessions.length === 1);
    const request = world.link.sessions[0];
    assert.equal(request?.seenIndex, 700);
    assert.equal(request?.seenEpoch, 4);
    assert.equal(request?.clusterId, "c1");
  }));

test("an allocation of another node is not run", () =>
  inWorld(async (world) => {
    world.push([want(mockId("somebody else"))], { complete: true });
    world.clock.advance(1_000);
    assert.deepEqual(world.agent.allocIds, []);
  }));

test("[S3] updates that were not acknowledged are sent again, with numbers that only grow", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    const before = world.report(id)?.clientSeq ?? 0;
    world.link.updateError = new Error("no leader");
    world.clock.advance(10_000);
    await world.until("the send fails", () => {
      return world.logs.some((line) => line.includes("were not accepted"));
    });
    assert.equal(world.report(id)?.healthy, null);
    world.link.updateError = null;
    world.link.disconnect();
    world.link.connect();
    await world.until("it is healthy", () => world.report(id)?.healthy === true);
    assert.ok((world.report(id)?.clientSeq ?? 0) > before);
  }));

test("after a restart everything is reported again", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    const before = world.report(id)?.clientSeq ?? 0;
    await world.restart();
    await world.status(id, "running");
    assert.ok((world.report(id)?.clientSeq ?? 0) >= before);
  }));

test("[S4] tasks without an allocation are reaped after the first complete push, only our own", () =>
  inWorld(async (world) => {
    const place = want(world.nodeId);
    world.push([place], { complete: true });
    await world.status(place.alloc.id, "running");
    const ours = { ...(world.driver.identities()[0] as object), allocId: mockId("orphan") };
    world.driver.plant({ ...ours } as never);
    world.driver.plant({ ...ours, nodeId: mockId("other node"), allocId: mockId("x") } as never);
    await world.restart();
    await world.until("a session is open", () => world.agent.connected);
    assert.equal(world.driver.tasks.size, 3, "nothing is reaped before a complete push");
    world.push([place], { complete: true });
    await world.until("the orphan is gone", () => world.driver.tasks.size === 2);
    assert.ok(world.driver.identities().some((id) => id.nodeId === mockId("other node")));
    assert.ok(world.driver.identities().some((id) => id.allocId === place.alloc.id));
  }));

test("a node that the servers know wrongly is told again", () =>
  inWorld(async (world) => {
    await world.until("a session is open", () => world.agent.connected);
    world.clock.advance(5_000);
    await world.until("one heartbeat", () => world.link.heartbeats === 1);
    assert.equal(world.link.nodes.length, 0);
    world.link.isStale = true;
    world.clock.advance(5_000);
    await world.until("it is told", () => world.link.nodes.length === 1);
    assert.deepEqual(world.link.nodes[0], world.agent.node);
  }));

test("heartbeats go at half the time to live, and a missed one changes the server", () =>
  inWorld(async (world) => {
    await world.until("a session is open", () => world.agent.connected);
    world.clock.advance(4_999);
    assert.equal(world.link.heartbeats, 0);
    world.clock.advance(1);
    await world.until("one heartbeat", () => world.link.heartbeats === 1);
    world.link.heartbeatError = new Error("timeout");
    await world.until("the server is dropped", () => {
      world.tick(5_000);
      return world.link.drops.length === 1;
    });
  }));

test("[H6] health is proven again after a restart of the agent, with a new deadline", () =>
  inWorld(async (world) => {
    world.discovery.defaultStatus = "critical";
    const place = want(world.nodeId);
    const { id } = place.alloc;
    world.push([place]);
    await world.status(id, "running");
    world.clock.advance(290_000);
    await world.restart();
    await world.until("it is watched", () => world.driver.calls.includes("recover server"));
    world.clock.advance(200_000);
    world.discovery.set({ status: "passing" });
    await world.until("it is judged", () => {
      world.tick(1_000);
      return world.report(id)?.healthy != null;
    });
    assert.equal(world.report(id)?.healthy, true);
  }));

test("an allocation that waits for a catalog says what the catalog does not do", () =>
  inWorld(async (world) => {
    world.discovery.set({ visible: false });
    const place = want(world.nodeId);
    world.push([place]);
    await world.status(place.alloc.id, "running");
    world.discovery.says = "Consul: no answer within 10 s";
    await world.until("it says why", () => world.agent.allocWhy(place.alloc.id).length > 0);
    const [reason] = world.agent.allocWhy(place.alloc.id);
    assert.equal(reason?.evidence.catalog, world.discovery.says);
  }));
