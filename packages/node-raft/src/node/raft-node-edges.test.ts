/** A member at its limits: what it refuses, what it tells, how it ends. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { EntryKind, type Message, type SnapshotMeta } from "../core/types.ts";
import { MemoryStorage } from "../wal/memory-storage.ts";
import type { SnapshotSink, StorageState } from "../wal/storage.ts";
import type { OpenRaftOptions, RaftLimits, RaftNode, Transport, TransportHandler } from "./api.ts";
import { openRaftNode } from "./open-raft-node.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "./testing.ts";

const FAST: Partial<RaftLimits> = {
  tickMs: 10,
  heartbeatTicks: 2,
  electionTicksMin: 15,
  electionTicksMax: 30,
};
const ENTRY_BYTES_MAX = 8 * 1024 * 1024;

class Cluster {
  readonly network = new MemoryNetwork();
  readonly nodes: RaftNode<number>[] = [];
  readonly log: string[] = [];

  constructor(t: TestContext) {
    t.after(() => Promise.all(this.nodes.map((node) => node.stop({ transfer: false }))));
  }

  async open(options: Partial<OpenRaftOptions<number>> = {}): Promise<RaftNode<number>> {
    const node = await openRaftNode<number>({
      dataDir: "",
      address: `${this.nodes.length}:1`,
      storage: "memory",
      stateMachine: new ListMachine(),
      transport: this.network.transport(),
      limits: FAST,
      log: (_level, message) => this.log.push(message),
      ...options,
    });
    this.nodes.push(node);
    return node;
  }

  async form(count: number, options: Partial<OpenRaftOptions<number>> = {}) {
    for (let i = 0; i < count; i += 1) await this.open(options);
    const voters = this.nodes.map(({ memberId }, i) => ({ id: memberId, address: `${i}:1` }));
    await Promise.all(this.nodes.map((node) => node.bootstrap({ clusterId: "c1", voters })));
    return await waitForLeader(this.nodes);
  }

  count(message: string): number {
    return this.log.filter((line) => line === message).length;
  }
}

test("a command beyond 8 MiB is refused, and one of 8 MiB is not", async (t) => {
  const leader = await new Cluster(t).form(1);
  const refused = leader.propose(new Uint8Array(ENTRY_BYTES_MAX + 1));
  await assert.rejects(refused, { code: "refused", message: /8388609 bytes; at most 8388608/ });
  assert.equal((await leader.propose(new Uint8Array(ENTRY_BYTES_MAX))).result, 1);
});

test("a leader that stops hands over first", async (t) => {
  const cluster = new Cluster(t);
  const leader = await cluster.form(3);
  await leader.propose(bytes("x"));
  await leader.stop();
  const rest = cluster.nodes.filter((node) => node !== leader);
  for (const node of rest) assert.notEqual(node.status().leader, leader.memberId);
});

test("whoever follows a leader hears of its new address", async (t) => {
  const cluster = new Cluster(t);
  const leader = await cluster.form(3);
  const follower = cluster.nodes.find((node) => node !== leader);
  await waitUntil(() => follower?.status().leader === leader.memberId, "the leader to be known");
  const heard: string[] = [];
  follower?.on("leadership", ({ leaderAddress }) => heard.push(leaderAddress));
  await leader.changeMembership({ addVoters: [{ id: leader.memberId, address: "moved:9" }] });
  await waitUntil(() => heard.at(-1) === "moved:9", "the address");
});

test("a proposal that a snapshot jumps over has an outcome that nobody knows, at once", async (t) => {
  const cluster = new Cluster(t);
  const limits = { ...FAST, snapshotEntries: 30, trailingEntries: 5 };
  const old = await cluster.form(3, { limits });
  await old.propose(bytes("x"));
  cluster.network.cut.add(old.memberId);
  const lost = old.propose(bytes("lost"), { timeoutMs: 60_000 });
  const outcome = assert.rejects(lost, { code: "timeout-unknown", message: /inside a snapshot/ });
  const next = await waitForLeader(cluster.nodes.filter((node) => node !== old));
  for (let i = 0; i < 120; i += 1) await next.propose(bytes(`${i}`));
  await waitUntil(() => next.status().firstIndex > 20, "the log to be cut");
  cluster.network.cut.clear();
  await outcome;
});

test("a snapshot of what one is there of is not taken again", async (t) => {
  const cluster = new Cluster(t);
  let files = 0;
  class CountingStorage extends MemoryStorage {
    override createSnapshot(meta: SnapshotMeta): Promise<SnapshotSink> {
      files += 1;
      return super.createSnapshot(meta);
    }
  }
  const leader = await cluster.form(1, { storage: new CountingStorage() });
  await leader.propose(bytes("x"));
  const first = await leader.snapshot();
  assert.equal(await leader.snapshot(), first);
  assert.equal(files, 1);
  await leader.propose(bytes("y"));
  assert.ok((await leader.snapshot()).index > first.index);
});

test("the larger the state, the more of the log is worth a snapshot", async (t) => {
  const cluster = new Cluster(t);
  const leader = await cluster.form(1, { limits: { ...FAST, snapshotLogBytes: 10_000 } });
  const text = "x".repeat(5_000);
  for (let i = 0; i < 40; i += 1) {
    await leader.propose(bytes(text));
    const taken = cluster.count("snapshot taken");
    const ticked = performance.now() + 25;
    await waitUntil(
      () => performance.now() > ticked || cluster.count("snapshot taken") > taken,
      "two ticks",
    );
  }
  // Of 10, 20, 30, 45, 70, 105 and 160 KB or so; every 10 KB it would be twenty.
  const taken = cluster.count("snapshot taken");
  assert.ok(taken >= 3 && taken <= 10, `${taken} snapshots`);
});

/** A member that has known for long that its state is not the majority's, with a log of that size. */
class Quarantined extends MemoryStorage {
  readonly #logBytes: number;

  constructor(logBytes: number) {
    super();
    this.#logBytes = logBytes;
  }

  override async open(): Promise<StorageState> {
    const quarantine = { after: 0, index: 64, digest: "bad", agreedDigest: "good" };
    const data = new Uint8Array(this.#logBytes);
    const entries = [{ index: 1, term: 1, kind: EntryKind.normal, data }];
    const hardState = { term: 1, vote: "" as const, commit: 0 };
    const common = { memberId: "a", clusterId: "c1", snapshot: null, notes: [] };
    return await Promise.resolve({ ...common, hardState, entries, quarantine });
  }
}

test("[H8] a member in quarantine takes entries until its log is full", async (t) => {
  for (const [logBytes, lastIndex] of [
    [1, 2],
    [256 * 1024 * 1024, 1],
  ] as const) {
    const cluster = new Cluster(t);
    const network = cluster.network.transport();
    const handlers: TransportHandler[] = [];
    const start: Transport["start"] = (handler, self) => {
      handlers.push(handler);
      return network.start(handler, self);
    };
    const transport = { ...network, start };
    const node = await cluster.open({ transport, storage: new Quarantined(logBytes) });
    const entries = [{ index: 2, term: 1, kind: EntryKind.normal, data: new Uint8Array(1) }];
    const place = { prevIndex: 1, prevTerm: 1, commit: 0, readSeq: 0, entries };
    const append: Message = { type: "append", from: "b", to: "a", term: 1, ...place };
    handlers[0]?.receive([append]);
    await waitUntil(() => node.status().role !== "leader", "a turn");
    assert.equal(node.status().lastIndex, lastIndex, `${logBytes} bytes`);
  }
});
