/** Rules H1 and H4 to H9 of SPEC.md on real drivers, logs and state machines. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Message } from "../core/types.ts";
import { inspectMember, recoverCluster } from "../wal/recover-cluster.ts";
import type { Quarantine } from "../wal/storage.ts";
import type { Committed, RaftNode } from "./api.ts";
import { Applier } from "./applier.ts";
import { openRaftNode } from "./open-raft-node.ts";
import { realTimers } from "./real-world.ts";
import { SessionMachine } from "./session-machine.ts";
import { describeQuarantine, StateWatch } from "./state-watch.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "./testing.ts";

const LIMITS = { tickMs: 10, heartbeatTicks: 2, electionTicksMin: 15, electionTicksMax: 30 };

/** A running digest, and a way to make it wrong. */
class ChainMachine extends ListMachine {
  chain = 0;

  override apply(entries: readonly Committed[]): readonly number[] {
    for (const { data } of entries) {
      for (const byte of data) this.chain = (Math.imul(this.chain, 31) + byte) | 0;
    }
    return super.apply(entries);
  }

  digest(): string {
    return String(this.chain);
  }
}

interface Member {
  readonly name: string;
  readonly node: RaftNode<number>;
  readonly machine: ChainMachine;
}

class Cluster {
  readonly network = new MemoryNetwork();
  readonly root = mkdtempSync(join(tmpdir(), "raft-quarantine-"));
  readonly members = new Map<string, Member>();
  readonly heard: [string, Quarantine][] = [];
  readonly log: string[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      await Promise.all([...this.members.values()].map(({ node }) => this.#stop(node)));
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  #stop(node: RaftNode<number>): Promise<void> {
    return node.stop({ transfer: false });
  }

  async open(name: string): Promise<Member> {
    const machine = new ChainMachine();
    const node = await openRaftNode<number>({
      dataDir: join(this.root, name),
      address: `${name}:1`,
      stateMachine: machine,
      transport: this.network.transport(),
      limits: LIMITS,
      log: (level, message) => level === "error" && this.log.push(`${name}: ${message}`),
    });
    node.on("quarantine", (why) => this.heard.push([name, why]));
    const member = { name, node, machine };
    this.members.set(name, member);
    return member;
  }

  async form(): Promise<Member> {
    const opened = await Promise.all(["a", "b", "c"].map((name) => this.open(name)));
    const voters = opened.map(({ name, node }) => ({ id: node.memberId, address: `${name}:1` }));
    await Promise.all(opened.map(({ node }) => node.bootstrap({ clusterId: "c1", voters })));
    return this.leader();
  }

  async leader(): Promise<Member> {
    const all = [...this.members.values()];
    const node = await waitForLeader(all.map((member) => member.node));
    const member = all.find((one) => one.node === node);
    assert.ok(member !== undefined);
    return member;
  }

  async write(count: number): Promise<void> {
    const { node } = await this.leader();
    await Promise.all(Array.from({ length: count }, (_, i) => node.propose(bytes(`w${i}`))));
  }

  async restart(member: Member): Promise<Member> {
    await this.#stop(member.node);
    return await this.open(member.name);
  }

  /** Answers the directory that is left. */
  async stop(member: Member): Promise<string> {
    await this.#stop(member.node);
    this.members.delete(member.name);
    return join(this.root, member.name);
  }

  others(member: Member): Member[] {
    return [...this.members.values()].filter(({ name }) => name !== member.name);
  }
}

const isQuarantined = ({ node }: Member): boolean => node.status().quarantine !== null;

test("[H5] a follower whose state differs serves no more, and not after a restart", async (t) => {
  const cluster = new Cluster(t);
  const leader = await cluster.form();
  await cluster.write(100);
  const [victim, other] = cluster.others(leader);
  assert.ok(victim !== undefined && other !== undefined);
  await waitUntil(() => victim.node.status().applied >= 100, "the victim to have them");
  const wrongAfter = victim.node.status().applied;
  victim.machine.chain += 1;
  await cluster.write(100);
  await waitUntil(() => isQuarantined(victim), "the quarantine");
  const why = victim.node.status().quarantine;
  assert.ok(why !== null);
  assert.ok(why.after <= wrongAfter && wrongAfter < why.index, JSON.stringify(why));
  assert.equal(why.index % 64, 0);
  assert.deepEqual(cluster.heard, [[victim.name, why]]);
  assert.ok(cluster.log.some((line) => line === `${victim.name}: ${describeQuarantine(why)}`));
  // Reads are refused, and say whom to ask.
  const refused = { code: "quarantined", leaderAddress: `${leader.name}:1` };
  await assert.rejects(victim.node.readBarrier(), refused);
  await assert.rejects(victim.node.readBarrier({ mode: "stale" }), refused);
  await assert.rejects(victim.node.waitApplied(1), refused);
  await assert.rejects(victim.node.snapshot(), { code: "quarantined" });
  // The leader knows, and the log goes on being kept there; nothing is applied.
  const { memberId } = victim.node;
  await waitUntil(() => leader.node.status().quarantined.includes(memberId), "the leader to know");
  const applied = victim.machine.items.length;
  await cluster.write(10);
  const { commit } = leader.node.status();
  await waitUntil(() => victim.node.status().lastIndex >= commit, "the log to be kept");
  assert.equal(victim.machine.items.length, applied);
  assert.deepEqual([leader, other].map(isQuarantined), [false, false]);

  const again = await cluster.restart(victim);
  assert.deepEqual(again.node.status().quarantine, why);
  assert.deepEqual(again.machine.items, [], "what it kept is not even looked at");
  await assert.rejects(again.node.readBarrier(), { code: "quarantined" });
});

test("[H6] a leader whose state differs hands over, and never leads again", async (t) => {
  const cluster = new Cluster(t);
  const victim = await cluster.form();
  await cluster.write(10);
  victim.machine.chain += 1;
  const ended = Array.from({ length: 200 }, (_, i) => victim.node.propose(bytes(`x${i}`)));
  const outcomes = await Promise.allSettled(ended);
  await waitUntil(() => isQuarantined(victim), "the quarantine");
  assert.ok(outcomes.length === 200, "every proposal has an outcome");
  await waitUntil(() => victim.node.status().role !== "leader", "the victim to lead no more");
  const rest = cluster.others(victim).map(({ node }) => node);
  const second = await waitForLeader(rest);
  assert.deepEqual(
    rest.map((node) => node.status().quarantine),
    [null, null],
  );
  // It votes and keeps the log: with one of the others gone, writes go on.
  const gone = rest.find((node) => node !== second);
  assert.ok(gone !== undefined);
  cluster.network.cut.add(gone.memberId);
  await second.propose(bytes("kept by two"));
  // And it is nobody's heir.
  await assert.rejects(second.transferLeadership(victim.node.memberId), { name: "RaftError" });
  assert.notEqual(victim.node.status().role, "leader");
});

test("[H1] what is applied at once ends at a checkpoint", () => {
  const calls: number[] = [];
  const reached: number[] = [];
  const applier = new Applier<number>(
    {
      machine: new SessionMachine<number>({
        apply: (entries) => {
          calls.push(entries.length);
          return entries.map(() => 0);
        },
        snapshot: () => assert.fail("no snapshot here"),
        restore: () => assert.fail("nothing to restore"),
      }),
      timers: realTimers,
      upTo: (next) => Math.ceil(next / 64) * 64,
      applied: () => undefined,
      reached: (index) => reached.push(index),
      again: () => assert.fail("in one go"),
    },
    10,
  );
  const kind = 0 as const;
  const entry = (_: unknown, i: number) => ({ index: 11 + i, term: 1, kind, data: bytes("") });
  applier.add(Array.from({ length: 150 }, entry));
  applier.run();
  assert.deepEqual(calls, [54, 64, 32]);
  assert.deepEqual(reached, [64, 128, 160]);
});

test("[H8] a quarantined member's log is bounded", () => {
  const why = { after: 64, index: 128, digest: "x", agreedDigest: "y" };
  const watch = new StateWatch({
    self: "a",
    stateMachine: {},
    storage: { quarantine: () => Promise.resolve() },
    log: () => undefined,
    quarantine: why,
    logBytes: 255 * 1024 * 1024,
    onQuarantine: () => assert.fail("it is not new"),
    onFatal: (error) => assert.fail(error),
  });
  const conf = { voters: ["a"], votersOutgoing: [], learners: [], learnersNext: [] };
  const entries = [{ index: 9, term: 1, kind: 0 as const, data: new Uint8Array(700 * 1024) }];
  const place = { prevIndex: 8, prevTerm: 1, commit: 8, readSeq: 0, entries };
  const append: Message = { type: "append", from: "b", to: "a", term: 1, ...place };
  assert.equal(watch.isFull(), false);
  for (let i = 0; i < 2; i += 1) watch.hear(append, { ...conf, autoLeave: false, addresses: {} });
  assert.equal(watch.isFull(), true);
});

test("[H7] who said it is in quarantine is taken for nothing else, until it is a member no more", () => {
  const watch = new StateWatch({
    self: "a",
    stateMachine: {},
    storage: { quarantine: () => Promise.resolve() },
    log: () => undefined,
    quarantine: null,
    logBytes: 0,
    onQuarantine: () => assert.fail("not us"),
    onFatal: (error) => assert.fail(error),
  });
  const lists = { votersOutgoing: [], learners: [], learnersNext: [] };
  const conf = { ...lists, voters: ["a", "b", "c"], autoLeave: false, addresses: {} };
  const reply: Message = { type: "heartbeatReply", from: "b", to: "a", term: 1, readSeq: 0 };
  watch.hear({ ...reply, quarantined: true }, conf);
  // Said before, heard after.
  watch.hear(reply, conf);
  watch.tick(conf);
  assert.deepEqual([...watch.others], ["b"]);
  watch.tick({ ...conf, voters: ["a", "c"] });
  assert.deepEqual([...watch.others], []);
});

test("[H9] its directory is recovered only despite the quarantine, and its state made anew", async (t) => {
  const cluster = new Cluster(t);
  const leader = await cluster.form();
  const [victim] = cluster.others(leader);
  assert.ok(victim !== undefined);
  victim.machine.chain += 1;
  await cluster.write(200);
  await waitUntil(() => isQuarantined(victim), "the quarantine");
  const { commit } = leader.node.status();
  await waitUntil(() => victim.node.status().lastIndex >= commit, "the log to be kept");
  const right = leader.machine.chain;
  for (const member of cluster.others(victim)) await cluster.stop(member);
  const dir = await cluster.stop(victim);

  const before = inspectMember(dir);
  assert.deepEqual(before.quarantine, victim.node.status().quarantine);
  assert.match(before.notes.join(), /in quarantine: its state was not the majority's, first seen/);
  const voters = [{ id: before.memberId, address: `${victim.name}:1` }];
  assert.throws(() => recoverCluster(dir, voters), {
    code: "refused",
    message: /in quarantine.*[Rr]ecover another one.*despite the quarantine.*from the whole log$/,
  });
  assert.deepEqual(inspectMember(dir), before, "nothing has changed");

  recoverCluster(dir, voters, { despiteQuarantine: true });
  assert.equal(inspectMember(dir).quarantine, null);
  const alone = await cluster.open(victim.name);
  await waitForLeader([alone.node]);
  await alone.node.readBarrier();
  assert.equal(alone.machine.items.length, 200);
  assert.equal(alone.machine.chain, right);
});
