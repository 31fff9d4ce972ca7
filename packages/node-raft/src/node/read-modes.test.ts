/** The three ways to read, on members in one process; rules L5 to L8 of SPEC.md. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import test, { type TestContext } from "node:test";
import type {
  Committed,
  OpenRaftOptions,
  RaftLimits,
  RaftNode,
  RaftTimers,
  Transport,
  TransportHandler,
} from "./api.ts";
import { openRaftNode } from "./open-raft-node.ts";
import { realTimers } from "./real-world.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "./testing.ts";

const LIMITS: Partial<RaftLimits> = {
  tickMs: 20,
  heartbeatTicks: 1,
  electionTicksMin: 15,
  electionTicksMax: 30,
};

class Members {
  readonly network = new MemoryNetwork();
  readonly nodes: RaftNode<number>[] = [];

  constructor(t: TestContext) {
    t.after(() => Promise.all(this.nodes.map((node) => node.stop({ transfer: false }))));
  }

  async form(count: number, options: Partial<OpenRaftOptions<number>> = {}) {
    for (let i = 0; i < count; i += 1) {
      const fixed = { dataDir: "", address: `${i}:1`, storage: "memory" as const, limits: LIMITS };
      const parts = { stateMachine: new ListMachine(), transport: this.network.transport() };
      this.nodes.push(await openRaftNode<number>({ ...fixed, ...parts, ...options }));
    }
    const voters = this.nodes.map(({ memberId }, i) => ({ id: memberId, address: `${i}:1` }));
    await Promise.all(this.nodes.map((node) => node.bootstrap({ clusterId: "c", voters })));
    return await waitForLeader(this.nodes);
  }
}

/** What the leader sends meanwhile. */
async function sentBy(network: MemoryNetwork, act: () => Promise<unknown>): Promise<number> {
  const before = network.sent;
  await act();
  return network.sent - before;
}

test("[L1] T§6.4.1 a leader with a lease reads without a message, and one cut off for long asks", async (t) => {
  const members = new Members(t);
  const leader = await members.form(3, { leases: true });
  const { index } = await leader.propose(bytes("x"));
  const byLease = () => leader.readBarrier({ mode: "lease", timeoutMs: 200 });
  let last = await byLease();
  await waitUntil(() => {
    void byLease().then((point) => {
      last = point;
    });
    return last.mode === "lease";
  }, "a lease");
  assert.ok(last.index >= index);
  assert.equal(await sentBy(members.network, byLease), 0);
  const follower = members.nodes.find((node) => node !== leader);
  assert.equal((await follower?.readBarrier({ mode: "lease" }))?.mode, "linearizable");
  members.network.cut.add(leader.memberId);
  await waitForLeader(members.nodes.filter((node) => node !== leader));
  await assert.rejects(byLease(), { code: "timeout-unknown" });
});

/** Takes its time, as long as it is told to. */
class SlowMachine extends ListMachine {
  msEach = 0;

  override apply(entries: readonly Committed[]): readonly number[] {
    const until = performance.now() + this.msEach * entries.length;
    while (performance.now() < until);
    return super.apply(entries);
  }
}

test("[L6] a read by a lease waits for what is committed and not applied yet", async (t) => {
  const members = new Members(t);
  const stateMachine = new SlowMachine();
  const leader = await members.form(1, { leases: true, stateMachine });
  const byLease = () => leader.readBarrier({ mode: "lease" });
  await leader.propose(bytes("x"));
  await waitUntilAsync(async () => (await byLease()).mode === "lease");
  stateMachine.msEach = 0.1;
  const written = Promise.all(Array.from({ length: 600 }, (_, i) => leader.propose(bytes(`${i}`))));
  await waitUntil(() => leader.status().commit > leader.status().applied, "a backlog");
  const { commit } = leader.status();
  const { index, mode } = await byLease();
  assert.ok(mode === "lease" && index >= commit, `${mode} at ${index}`);
  assert.ok(leader.status().applied >= index, `${leader.status().applied} of ${index} applied`);
  await written;
});

test("[L2] a leader whose machine was frozen without its clock noticing asks the quorum", async (t) => {
  let leapMs = 0;
  const timers: RaftTimers = { ...realTimers, wall: () => Date.now() + leapMs };
  const members = new Members(t);
  const leader = await members.form(1, { leases: true, timers });
  await leader.propose(bytes("x"));
  await waitUntil(() => leader.status().applied >= 2, "the write");
  const mode = async () => (await leader.readBarrier({ mode: "lease" })).mode;
  await waitUntilAsync(async () => (await mode()) === "lease");
  leapMs = 60_000;
  assert.equal(await mode(), "linearizable");
  await waitUntilAsync(async () => (await mode()) === "lease");
});

test("[L1] leases are asked for, and refused where they cannot be kept", async (t) => {
  const members = new Members(t);
  const leader = await members.form(1);
  await assert.rejects(leader.readBarrier({ mode: "lease" }), { code: "refused" });
  const { wall, ...blind } = realTimers;
  assert.ok(wall !== undefined);
  await assert.rejects(new Members(t).form(1, { leases: true, timers: blind }), {
    code: "refused",
  });
  const limits = { ...LIMITS, electionTicksMin: 2 };
  await assert.rejects(new Members(t).form(1, { leases: true, limits }), { code: "refused" });
});

test("[L7] a stale read says how old its state may be, from when the leader was asked", async (t) => {
  const members = new Members(t);
  const leader = await members.form(3);
  const follower = members.nodes.find((node) => node !== leader);
  assert.ok(follower !== undefined);
  const { index } = await leader.propose(bytes("x"));
  const first = await follower.readBarrier({ mode: "stale" });
  assert.deepEqual([first.mode, first.ageMs], ["stale", Number.POSITIVE_INFINITY]);
  const askedAt = performance.now();
  await follower.readBarrier();
  members.network.cut.add(follower.memberId);
  await waitUntil(() => performance.now() > askedAt + 50, "some time");
  const stale = await follower.readBarrier({ mode: "stale" });
  assert.ok(stale.index >= index);
  // The wall clock counts whole milliseconds.
  const most = performance.now() - askedAt + 2;
  assert.ok(stale.ageMs >= 50 && stale.ageMs <= most, `${stale.ageMs} of ${most}`);
});

test("[L8] a state that may be too old is refused, and the leader is asked for a newer one", async (t) => {
  const members = new Members(t);
  const leader = await members.form(3);
  const follower = members.nodes.find((node) => node !== leader);
  assert.ok(follower !== undefined);
  await leader.propose(bytes("x"));
  const wanted = { mode: "stale" as const, maxStalenessMs: 500 };
  // Nothing was read there yet: it asks, once.
  const fresh = await follower.readBarrier(wanted);
  assert.ok(fresh.ageMs <= 500 && fresh.index >= 2, `${fresh.ageMs}`);
  members.network.cut.add(follower.memberId);
  await waitUntilAsync(async () => {
    const point = await follower.readBarrier({ mode: "stale" });
    return point.ageMs > 500;
  });
  const refused = follower.readBarrier({ ...wanted, timeoutMs: 50 });
  await assert.rejects(refused, { code: "too-stale", message: /ms old, and no more than 500/ });
});

test("[L8] whoever keeps reading what may be so old finds it new enough, without waiting", async (t) => {
  const members = new Members(t);
  const leader = await members.form(3);
  const follower = members.nodes.find((node) => node !== leader);
  assert.ok(follower !== undefined);
  const wanted = { mode: "stale" as const, maxStalenessMs: 400 };
  await follower.readBarrier(wanted);
  const ageMs = async () => (await follower.readBarrier({ mode: "stale" })).ageMs;
  await waitUntilAsync(async () => (await ageMs()) > 250);
  const { ageMs: before } = await follower.readBarrier(wanted);
  assert.ok(before > 200, `it was not asked for that: ${before}`);
  // That read had the leader asked for the next ones.
  await waitUntilAsync(async () => (await ageMs()) < 200);
});

test("[L5] there is nothing to read while a snapshot is being installed", async (t) => {
  const gate: (() => void)[] = [];
  class GatedMachine extends ListMachine {
    override async restore(...given: Parameters<ListMachine["restore"]>): Promise<void> {
      await new Promise<void>((resolve) => gate.push(resolve));
      await super.restore(...given);
    }
  }
  const handlers: TransportHandler[] = [];
  const stateMachine = new GatedMachine();
  const network = new MemoryNetwork().transport();
  const start: Transport["start"] = (handler, self) => {
    handlers.push(handler);
    return network.start(handler, self);
  };
  const transport = { ...network, start };
  const given = { dataDir: "", address: "a:1", storage: "memory" as const, limits: LIMITS };
  const node = await openRaftNode<number>({ ...given, stateMachine, transport });
  t.after(() => node.stop({ transfer: false }));
  await node.join({ clusterId: "c" });
  const lists = { voters: ["b"], votersOutgoing: [], learners: [], learnersNext: [] };
  const meta = { index: 9, term: 1, conf: { ...lists, autoLeave: false, addresses: {} } };
  const message = { type: "snapshot" as const, from: "b", to: node.memberId, term: 1, meta };
  const from = () => Readable.from([bytes('["new"]')]);
  await handlers[0]?.receiveSnapshot(message, meta, { id: "", from });
  await waitUntil(() => gate.length === 1, "the installation");
  let read = "";
  const reading = node.readBarrier({ mode: "stale" }).then(({ index }) => {
    read = `${index}: ${stateMachine.items.join()}`;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(read, "");
  gate[0]?.();
  await reading;
  assert.equal(read, "9: new");
});

async function waitUntilAsync(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, "not in 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
