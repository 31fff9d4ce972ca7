import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test, { type TestContext } from "node:test";
import type { MemberId } from "../core/types.ts";
import { openLocalStorage } from "../wal/local-port.ts";
import { SimVfs } from "../wal/sim-vfs.ts";
import type {
  OpenRaftOptions,
  RaftError,
  RaftLimits,
  RaftNode,
  ReadMode,
  Transport,
  TransportHandler,
} from "./api.ts";
import { ClientSession } from "./client-session.ts";
import { openRaftNode } from "./open-raft-node.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "./testing.ts";

const FAST: Partial<RaftLimits> = {
  tickMs: 10,
  heartbeatTicks: 2,
  electionTicksMin: 15,
  electionTicksMax: 30,
};

interface Member {
  readonly node: RaftNode<number>;
  readonly machine: ListMachine;
  readonly dir: string;
}

class Cluster {
  readonly network = new MemoryNetwork();
  readonly root = mkdtempSync(join(tmpdir(), "raft-node-"));
  members: Member[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      await Promise.all(this.members.map((member) => member.node.stop({ transfer: false })));
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  async open(name: string, options: Partial<OpenRaftOptions<number>> = {}): Promise<Member> {
    const dir = join(this.root, name);
    const machine = new ListMachine();
    const node = await openRaftNode<number>({
      dataDir: dir,
      address: `${name}:1`,
      stateMachine: machine,
      transport: this.network.transport(),
      limits: FAST,
      ...options,
    });
    const member = { node, machine, dir };
    this.members.push(member);
    return member;
  }

  async form(names: readonly string[], options: Partial<OpenRaftOptions<number>> = {}) {
    const members = await Promise.all(names.map((name) => this.open(name, options)));
    const voters = members.map(({ node }, i) => ({ id: node.memberId, address: `${names[i]}:1` }));
    await Promise.all(members.map(({ node }) => node.bootstrap({ clusterId: "c1", voters })));
    return members;
  }

  async stop(member: Member): Promise<void> {
    await member.node.stop({ transfer: false });
    this.members = this.members.filter((other) => other !== member);
  }

  get nodes(): RaftNode<number>[] {
    return this.members.map((member) => member.node);
  }

  byId(id: MemberId): Member {
    const member = this.members.find((candidate) => candidate.node.memberId === id);
    assert.ok(member !== undefined, id);
    return member;
  }
}

test("one member in memory bootstraps, applies and answers with the result", async (t) => {
  const cluster = new Cluster(t);
  const [member] = await cluster.form(["a"], { storage: "memory" });
  assert.ok(member !== undefined);
  assert.equal(member.node.fresh, true);
  await waitForLeader(cluster.nodes);
  assert.equal((await member.node.propose(bytes("x"))).result, 1);
  assert.equal((await member.node.propose(bytes("y"))).result, 2);
  await member.node.readBarrier();
  assert.deepEqual(member.machine.items, ["x", "y"]);
});

test("three members replicate, restart from disk and go on", async (t) => {
  const cluster = new Cluster(t);
  const members = await cluster.form(["a", "b", "c"]);
  const leader = await waitForLeader(cluster.nodes);
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => leader.propose(bytes(`v${i}`))),
  );
  assert.deepEqual(
    results.map((r) => r.result),
    results.map((_, i) => i + 1),
  );
  const last = results.at(-1)?.index ?? 0;
  await Promise.all(cluster.nodes.map((node) => node.waitApplied(last)));
  for (const { machine } of members) assert.equal(machine.items.length, 200);

  const ids = cluster.nodes.map((node) => node.memberId).sort();
  for (const member of members) await cluster.stop(member);
  for (const name of ["a", "b", "c"]) await cluster.open(name);
  assert.deepEqual(cluster.nodes.map((node) => node.memberId).sort(), ids);
  assert.ok(cluster.nodes.every((node) => !node.fresh && node.clusterId === "c1"));
  const next = await waitForLeader(cluster.nodes);
  assert.equal((await next.propose(bytes("after"))).result, 201);
});

test("a follower refuses proposals naming the leader, and reads through it", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a", "b", "c"], { storage: "memory" });
  const leader = await waitForLeader(cluster.nodes);
  const follower = cluster.members.find(({ node }) => node !== leader);
  assert.ok(follower !== undefined);
  await leader.propose(bytes("x"));
  await follower.node.readBarrier();
  assert.deepEqual(follower.machine.items, ["x"]);
  const { leaderAddress } = leader.status();
  await assert.rejects(follower.node.propose(bytes("y")), { code: "not-leader", leaderAddress });
});

test("a proposal without a majority is unknown after its time-out", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a", "b", "c"], { storage: "memory" });
  const leader = await waitForLeader(cluster.nodes);
  cluster.network.cut.add(leader.memberId);
  const lost = leader.propose(bytes("lost"), { timeoutMs: 100 });
  await assert.rejects(lost, { code: "timeout-unknown" });
  await assert.rejects(leader.readBarrier({ timeoutMs: 100 }), { code: "timeout-unknown" });
});

test("[S1] a command of unknown outcome is proposed again to the next leader, and applied once", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a", "b", "c"], { limits: { ...FAST, snapshotEntries: 20 } });
  const first = await waitForLeader(cluster.nodes);
  const client = new ClientSession(await first.openSession());
  const session = client.next();
  await first.propose(bytes("before"));
  const { index } = await first.propose(bytes("once"), { session });
  // Its answer is lost together with the leader; by now the command is in a snapshot only.
  for (let i = 0; i < 50; i += 1) await first.propose(bytes(`v${i}`));
  const rest = cluster.nodes.filter((node) => node !== first);
  await waitUntil(() => rest.every((n) => n.status().snapshotIndex > index), "snapshots");
  await cluster.stop(cluster.byId(first.memberId));
  for (const node of rest) {
    const member = cluster.byId(node.memberId);
    await cluster.stop(member);
    await cluster.open(member.dir.split("/").at(-1) ?? "", { limits: FAST });
  }
  const next = await waitForLeader(cluster.nodes);
  const again = await next.propose(bytes("once"), { session });
  assert.deepEqual([again.index, again.result], [index, 2]);
  client.answered(session.seq);
  assert.equal((await next.propose(bytes("more"), { session: client.next() })).result, 53);
  const { items } = cluster.byId(next.memberId).machine;
  assert.equal(items.filter((item) => item === "once").length, 1);
});

test("[S3] a follower opens no session, and numbers that make no sense are refused", async (t) => {
  const cluster = new Cluster(t);
  const limits = { ...FAST, sessionsMax: 1 };
  await cluster.form(["a", "b", "c"], { storage: "memory", limits });
  const leader = await waitForLeader(cluster.nodes);
  const follower = cluster.nodes.find((node) => node !== leader);
  await assert.rejects(follower?.openSession() ?? Promise.resolve(), { code: "not-leader" });
  const old = await leader.openSession();
  const id = await leader.openSession();
  const lost = leader.propose(bytes("x"), { session: { id: old, seq: 1, acknowledged: 0 } });
  await assert.rejects(lost, { code: "session-expired" });
  for (const [seq, acknowledged] of [
    [0, 0],
    [1.5, 0],
    [2, 2],
  ] as const) {
    const wrong = leader.propose(bytes("x"), { session: { id, seq, acknowledged } });
    await assert.rejects(wrong, { code: "refused" });
  }
  assert.deepEqual(cluster.byId(leader.memberId).machine.items, []);
});

test("when the leader is gone another takes over and leadership events carry rising terms", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a", "b", "c"], { storage: "memory" });
  const first = await waitForLeader(cluster.nodes);
  await first.propose(bytes("kept"));
  const rest = cluster.nodes.filter((node) => node !== first);
  const terms: number[] = [];
  for (const node of rest) {
    node.on("leadership", ({ self, term }) => {
      if (self) terms.push(term);
    });
  }
  const before = first.status().term;
  cluster.network.cut.add(first.memberId);
  const second = await waitForLeader(rest);
  assert.equal((await second.propose(bytes("more"))).result, 2);
  assert.ok(terms.length >= 1 && terms.every((term) => term > before), `${terms} after ${before}`);
  cluster.network.cut.clear();
  await waitUntil(() => first.status().role === "follower", "the old leader to follow");
  await waitUntil(() => cluster.byId(first.memberId).machine.items.length === 2, "catching up");
});

test("members that apply the same do not take their snapshots at the same time", async (t) => {
  const cluster = new Cluster(t);
  const limits = { ...FAST, snapshotEntries: 600 };
  await cluster.form(["a", "b", "c"], { storage: "memory", limits });
  const leader = await waitForLeader(cluster.nodes);
  const [first, ...others] = cluster.nodes.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  assert.ok(first !== undefined);
  await Promise.all(Array.from({ length: 300 }, (_, i) => leader.propose(bytes(`v${i}`))));
  await waitUntil(() => first.status().snapshotIndex > 0, "the first one's snapshot");
  assert.deepEqual(
    others.map((node) => node.status().snapshotIndex),
    [0, 0],
  );
  await Promise.all(Array.from({ length: 400 }, (_, i) => leader.propose(bytes(`w${i}`))));
  await waitUntil(
    () => others.every((node) => node.status().snapshotIndex > 0),
    "the snapshots of the others",
  );
});

test("a member that is far behind catches up through a snapshot", async (t) => {
  const cluster = new Cluster(t);
  const limits = { ...FAST, snapshotEntries: 50, trailingEntries: 10 };
  await cluster.form(["a", "b", "c"], { limits });
  const leader = await waitForLeader(cluster.nodes);
  const slow = cluster.members.find(({ node }) => node !== leader);
  assert.ok(slow !== undefined);
  cluster.network.cut.add(slow.node.memberId);
  for (let i = 0; i < 300; i += 1) await leader.propose(bytes(`v${i}`));
  await waitUntil(() => leader.status().firstIndex > 100, "the leader to drop its old log");
  cluster.network.cut.clear();
  await waitUntil(() => slow.machine.items.length === 300, "the snapshot to be installed");
  assert.ok(slow.node.status().snapshotIndex > 100);
  const { items } = cluster.byId(leader.memberId).machine;
  assert.deepEqual(slow.machine.items, items);

  const name = slow.dir.split("/").at(-1) ?? "";
  await cluster.stop(slow);
  const again = await cluster.open(name, { limits });
  await waitUntil(() => again.machine.items.length === 300, "the state after a restart");
});

test("a second snapshot is refused from the moment that the log was dropped for the first", async (t) => {
  const cluster = new Cluster(t);
  const transport = cluster.network.transport();
  const handlers: TransportHandler[] = [];
  const start: Transport["start"] = (handler, self) => {
    handlers.push(handler);
    return transport.start(handler, self);
  };
  const shared = { ...transport, start };
  const { node, machine } = await cluster.open("a", { storage: "memory", transport: shared });
  await node.join({ clusterId: "c1" });
  const receive = async (index: number, term = 1): Promise<void> => {
    const lists = { votersOutgoing: [], learners: [], learnersNext: [] };
    const conf = { ...lists, voters: ["b"], autoLeave: false, addresses: {} };
    const meta = { index, term: 1, conf };
    const message = { type: "snapshot" as const, from: "b", to: node.memberId, term, meta };
    const from = () => Readable.from([bytes(`["at ${index}"]`)]);
    await handlers[0]?.receiveSnapshot(message, meta, { id: "", from });
  };
  await receive(10);
  await assert.rejects(receive(20), { code: "refused" });
  await waitUntil(() => machine.items.length === 1, "the first to be installed");
  await receive(20);
  await waitUntil(() => machine.items[0] === "at 20", "the next one");
  await assert.rejects(receive(30, 0), { code: "refused", message: /term is over/ });
});

test("a snapshot is due by bytes too, and keeps no more of the log than by bytes", async (t) => {
  const cluster = new Cluster(t);
  const limits = { ...FAST, snapshotLogBytes: 50_000, trailingBytes: 10_000 };
  const [member] = await cluster.form(["a"], { limits });
  assert.ok(member !== undefined);
  const leader = await waitForLeader(cluster.nodes);
  const text = "x".repeat(1_000);
  for (let i = 0; i < 60; i += 1) await leader.propose(bytes(text));
  await waitUntil(() => leader.status().snapshotIndex > 0, "a snapshot");
  await waitUntil(() => leader.status().firstIndex > 1, "the log to be cut");
  const { firstIndex, snapshotIndex } = leader.status();
  assert.ok(snapshotIndex - firstIndex + 1 <= 10, `${firstIndex} to ${snapshotIndex}`);

  // The state has 60 KB by now, so the next one is due when as much as half of it has come.
  await cluster.stop(member);
  const again = await cluster.open("a", { limits });
  await waitUntil(() => again.machine.items.length === 60, "the state after a restart");
  const from = again.node.status().firstIndex;
  assert.ok(snapshotIndex - from + 1 <= 10, `${from} to ${snapshotIndex} after a restart`);
});

test("members are added and removed, and leadership is handed over", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a"], { storage: "memory" });
  const first = await waitForLeader(cluster.nodes);
  await first.propose(bytes("x"));
  const added = await Promise.all(["b", "c"].map((n) => cluster.open(n, { storage: "memory" })));
  for (const { node } of added) await node.join({ clusterId: "c1" });
  const people = added.map(({ node }, i) => ({ id: node.memberId, address: `${"bc"[i]}:1` }));
  await first.changeMembership({ addLearners: people });
  await waitUntil(() => added.every(({ machine }) => machine.items.length === 1), "learners");
  await first.changeMembership({ addVoters: people });
  assert.equal(first.status().conf.voters.length, 3);
  const target = people[0]?.id ?? "";
  await first.transferLeadership(target);
  const second = cluster.byId(target).node;
  await waitUntil(() => second.status().role === "leader", "the target to lead");
  await second.changeMembership({ remove: [first.memberId] });
  assert.deepEqual(second.status().conf.voters.toSorted(), people.map((p) => p.id).toSorted());
  assert.equal((await second.propose(bytes("y"))).result, 2);
});

test("wrong arguments are refused and harm nobody", async (t) => {
  const cluster = new Cluster(t);
  const [a, b] = await Promise.all(["a", "b"].map((name) => cluster.open(name)));
  assert.ok(a !== undefined && b !== undefined);
  const voters = [a, b].map(({ node }, i) => ({ id: node.memberId, address: `${"ab"[i]}:1` }));
  const fatal: Error[] = [];
  for (const { node } of [a, b]) node.on("fatal", (error) => fatal.push(error));
  const refused = { name: "RaftError", code: "refused" };
  await assert.rejects(a.node.bootstrap({ clusterId: "", voters }), refused);
  await assert.rejects(b.node.join({ clusterId: "" }), refused);
  await Promise.all([a, b].map(({ node }) => node.bootstrap({ clusterId: "c1", voters })));
  const leader = await waitForLeader([a.node, b.node]);
  const follower = leader === a.node ? b.node : a.node;
  const elsewhere = { code: "not-leader", leaderAddress: leader === a.node ? "a:1" : "b:1" };
  await leader.propose(bytes("x"));
  await follower.readBarrier();
  await assert.rejects(follower.transferLeadership(), elsewhere);
  await assert.rejects(leader.transferLeadership(leader.memberId), /leads already/);
  await assert.rejects(leader.transferLeadership("nobody"), refused);
  const wrong = { mode: "fresh" as ReadMode };
  await assert.rejects(async () => leader.readBarrier(wrong), refused);
  assert.equal((await leader.propose(bytes("y"))).result, 2);
  assert.deepEqual(fatal, []);
});

test("a disk that fails a sync is fatal and nothing more is promised", async (t) => {
  const cluster = new Cluster(t);
  const vfs = new SimVfs();
  const storage = openLocalStorage(vfs, { dataDir: "/d" });
  const [member] = await cluster.form(["a"], { storage });
  assert.ok(member !== undefined);
  await waitForLeader(cluster.nodes);
  await member.node.propose(bytes("x"));
  let fatal: Error | null = null;
  member.node.on("fatal", (error) => {
    fatal = error;
  });
  vfs.fault = (operation) => (operation === "sync" ? new Error("EIO") : null);
  await assert.rejects(member.node.propose(bytes("y")), { code: "timeout-unknown" });
  assert.match(String(fatal), /EIO/);
  vfs.fault = null;
  await assert.rejects(member.node.propose(bytes("z")), { code: "stopped" });
});

test("a leader whose disk hangs is replaced, and follows when the disk works again", async (t) => {
  const cluster = new Cluster(t);
  const hung = new Map<string, () => void>();
  let hang = "";
  const members: Member[] = [];
  for (const name of ["a", "b", "c"]) {
    const storage = openLocalStorage(new SimVfs(), { dataDir: "/d" }, (work) => {
      if (hang === name) hung.set(name, work);
      else setImmediate(work);
    });
    members.push(await cluster.open(name, { storage }));
  }
  const voters = members.map(({ node }) => ({ id: node.memberId, address: "" }));
  await Promise.all(members.map(({ node }) => node.bootstrap({ clusterId: "c1", voters })));
  const first = await waitForLeader(cluster.nodes);
  await first.propose(bytes("x"));
  hang = "abc"[members.findIndex(({ node }) => node === first)] ?? "";
  const stuck = Promise.allSettled([first.propose(bytes("y"), { timeoutMs: 60_000 })]);
  const rest = cluster.nodes.filter((node) => node !== first);
  const second = await waitForLeader(rest);
  assert.equal(
    (await second.propose(bytes("z"))).result,
    cluster.byId(second.memberId).machine.items.length,
  );
  await waitUntil(() => first.status().role !== "leader", "the old leader to step down");
  const works = [...hung.values()];
  hang = "";
  for (const work of works) work();
  const count = cluster.byId(second.memberId).machine.items.length;
  await waitUntil(() => cluster.byId(first.memberId).machine.items.length === count, "catching up");
  await stuck;
});

test("a data directory that cannot be made is named, without a stack", async (t) => {
  const cluster = new Cluster(t);
  writeFileSync(join(cluster.root, "file"), "");
  const dataDir = join(cluster.root, "file", "raft");
  await assert.rejects(cluster.open("a", { dataDir }), (error: RaftError) => {
    assert.equal(error.code, "io");
    assert.match(error.message, /file\/raft: the directory cannot be opened \(ENOTDIR[^\n]*\)$/);
    return true;
  });
});

test("a data directory in use is refused, naming its owner", async (t) => {
  const cluster = new Cluster(t);
  await cluster.form(["a"]);
  await assert.rejects(cluster.open("a"), { code: "io", message: /in use by process \d+/ });
});
