/** The three ways to read, on members in one process; rules L5 to L8 of SPEC.md. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { OpenRaftOptions, RaftLimits, RaftNode, RaftTimers } from "./api.ts";
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

async function waitUntilAsync(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, "not in 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
