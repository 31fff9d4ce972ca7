/**
 * Rules of the Raft paper (§, extended version) and of Ongaro's thesis (T§) that no test of SPEC.md
 * states by itself. CONFORMANCE.md lists every rule of the paper with its test.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { TestCluster, testLimits } from "../testing/core-cluster.ts";
import { append, give, logOf, termsOf } from "../testing/core-logs.ts";
import type { CoreStatus } from "./options.ts";
import { RaftCore } from "./raft.ts";
import type { Message } from "./types.ts";

const THREE = ["a", "b", "c"] as const;
const FIVE = ["a", "b", "c", "d", "e"] as const;

function vote(
  from: string,
  to: string,
  term: number,
  log = { lastIndex: 1, lastTerm: 1 },
): Message {
  return { type: "vote", from, to, term, ...log, forced: false, leaderCrashed: "" };
}

/** What a member keeps and tells; who leads is not a promise. */
function marks(status: CoreStatus): Pick<CoreStatus, "term" | "vote" | "commit" | "lastIndex"> {
  const { term, vote: votedFor, commit, lastIndex } = status;
  return { term, vote: votedFor, commit, lastIndex };
}

test("§5.1 a member starts as a follower that knows no leader, with the term and vote it wrote", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  b.core.step(vote("c", "b", 7));
  b.turn();
  b.restart();
  const { role, leader, term, vote: votedFor } = b.core.status();
  assert.deepEqual(
    { role, leader, term, votedFor },
    {
      role: "follower",
      leader: "",
      term: 7,
      votedFor: "c",
    },
  );
  b.core.step(vote("a", "b", 7));
  const [reply] = b.turn();
  assert.ok(reply?.type === "voteReply" && !reply.granted, "not a second vote after the crash");
});

test("§5.1 an answer that belongs to an earlier term changes nothing", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const { core } = cluster.get("a");
  const before = core.status();
  const common = { from: "b", to: "a", term: before.term - 1 } as const;
  core.step({ type: "voteReply", ...common, granted: true });
  const place = { hintIndex: 0, hintTerm: 0, readSeq: 9 };
  core.step({ type: "appendReply", ...common, ok: true, index: before.lastIndex + 5, ...place });
  core.step({ type: "appendReply", ...common, ok: false, index: 1, ...place });
  core.step({ type: "heartbeatReply", ...common, readSeq: 9 });
  assert.deepEqual(core.status(), before);
  assert.deepEqual(cluster.get("a").turn(), []);
});

test("§5.2 a new leader tells everyone at once, and again and again while it is idle", () => {
  const cluster = new TestCluster(THREE);
  const a = cluster.get("a");
  cluster.elect("a");
  const first = a.sent.filter((m) => m.type === "append" && m.term === 2).map((m) => m.to);
  assert.deepEqual([...new Set(first)].sort(), ["b", "c"]);
  a.sent = [];
  const ticks = 3 * testLimits.electionTicksMax;
  cluster.tickAll(ticks);
  for (const to of ["b", "c"]) {
    const heartbeats = a.sent.filter((m) => m.type === "heartbeat" && m.to === to);
    assert.equal(heartbeats.length, ticks / testLimits.heartbeatTicks);
  }
  assert.equal(cluster.core("b").status().term, 2, "nobody campaigned meanwhile");
});

test("§5.2 a vote given starts the time-out anew, a vote refused does not", () => {
  const campaignsAfter = (message: Message): number => {
    const cluster = new TestCluster(THREE);
    const b = cluster.get("b");
    give(b, [1, 1]);
    for (let i = 0; i < testLimits.electionTicksMin - 1; i += 1) b.core.tick();
    b.core.step(message);
    b.turn();
    let ticks = 0;
    while (b.core.status().role === "follower" && ticks <= testLimits.electionTicksMax) {
      b.core.tick();
      ticks += 1;
    }
    return ticks;
  };
  const early = campaignsAfter(vote("c", "b", 1, { lastIndex: 1, lastTerm: 1 }));
  const late = campaignsAfter(vote("c", "b", 1, { lastIndex: 3, lastTerm: 1 }));
  assert.equal(late - early, testLimits.electionTicksMin - 1);
});

test("§5.2 time-outs lie between their limits and are drawn anew for each election", () => {
  const draws: number[] = [];
  const bound = testLimits.electionTicksMax - testLimits.electionTicksMin + 1;
  let next = 0;
  const random = {
    int: (limit: number) => {
      // Other numbers than time-outs are drawn too.
      if (limit !== bound) return 0;
      next = (next + 5) % bound;
      draws.push(next);
      return next;
    },
  };
  const { disk } = new TestCluster(THREE).get("a");
  const initial = { ...disk, entries: [...disk.entries] };
  const core = new RaftCore({ id: "a", limits: testLimits, random, initial });
  for (let election = 0; election < 6; election += 1) {
    const drawn = testLimits.electionTicksMin + (draws.at(-1) as number);
    const known = draws.length;
    let ticks = 0;
    while (draws.length === known && ticks <= testLimits.electionTicksMax) {
      core.tick();
      ticks += 1;
    }
    assert.equal(ticks, drawn);
  }
});

test("§5.2 a split vote elects nobody, and a later election does", () => {
  const cluster = new TestCluster(["a", "b", "c", "d"]);
  // Each candidate reaches one supporter only.
  const supporters: Record<string, string> = { a: "c", b: "d" };
  cluster.lose = (m) => m.type === "vote" && m.term === 2 && supporters[m.from] !== m.to;
  for (const id of ["a", "b"]) {
    cluster.core(id).step({ type: "timeoutNow", from: "c", to: id, term: 1 });
  }
  cluster.settle();
  const leaders = () =>
    [...cluster.members.values()].filter((m) => m.core.status().role === "leader");
  assert.deepEqual(cluster.core("c").status().vote, "a");
  assert.deepEqual(cluster.core("d").status().vote, "b");
  assert.equal(leaders().length, 0);
  cluster.heal();
  cluster.tickAll(4 * testLimits.electionTicksMax);
  assert.equal(leaders().length, 1);
  assert.ok((leaders()[0]?.core.status().term ?? 0) > 2);
});

test("§5.3 what a follower does with each request to append", () => {
  const has = [1, 1, 2];
  const cases = [
    { what: "nothing new", from: [4, 2], entries: [], commit: 1, log: has, committed: 1 },
    { what: "one more", from: [4, 2], entries: [5, 2], commit: 1, log: [1, 1, 2, 2], committed: 1 },
    { what: "no such index", from: [5, 2], entries: [6, 2], commit: 5, log: has, refused: 5 },
    { what: "another term", from: [4, 1], entries: [5, 3], commit: 5, log: has, refused: 4 },
    { what: "known", from: [2, 1], entries: [3, 1], commit: 1, log: has, committed: 1 },
    { what: "conflict", from: [3, 1], entries: [4, 3], commit: 1, log: [1, 1, 3], committed: 1 },
    { what: "early one", from: [2, 1], entries: [3, 3], commit: 1, log: [1, 3], committed: 1 },
    { what: "leader's commit", from: [4, 2], entries: [], commit: 3, log: has, committed: 3 },
    { what: "more than it has", from: [4, 2], entries: [], commit: 9, log: has, committed: 4 },
    { what: "not the old rest", from: [2, 1], entries: [], commit: 4, log: has, committed: 2 },
  ] as const;
  for (const { what, from, entries, commit, log, ...outcome } of cases) {
    const b = new TestCluster(THREE).get("b");
    give(b, has, { term: 3 });
    const [prevIndex, prevTerm] = from;
    const sent = entries.length === 0 ? [] : logOf([...Array(entries[0] - 2).fill(0), entries[1]]);
    const place = { prevIndex, prevTerm, commit, entries: sent.slice(-1) };
    b.core.step(append("b", 3, place));
    const [reply] = b.turn();
    assert.deepEqual(termsOf(b), log, what);
    assert.ok(reply?.type === "appendReply", what);
    if ("refused" in outcome) {
      assert.deepEqual([reply.ok, reply.index], [false, outcome.refused], what);
      assert.equal(b.core.status().commit, 1, what);
    } else {
      assert.deepEqual([reply.ok, reply.index], [true, prevIndex + entries.length / 2], what);
      assert.equal(b.core.status().commit, outcome.committed, what);
    }
  }
});

test("§5.3 a leader never changes what is in its own log", () => {
  const cluster = new TestCluster(THREE);
  give(cluster.get("a"), [1, 2, 2]);
  give(cluster.get("b"), [1, 1]);
  give(cluster.get("c"), [1, 1]);
  cluster.elect("a");
  cluster.propose("a", "x");
  cluster.settle();
  assert.deepEqual(termsOf(cluster.get("a")).slice(0, 3), [1, 2, 2]);
  for (const id of THREE) assert.deepEqual(cluster.get(id).disk, cluster.get("a").disk, id);
});

test("§5.3 a follower that cannot be reached is tried again until it has everything", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  for (let i = 0; i < 40; i += 1) {
    cluster.propose("a", `${i}`);
    cluster.tickAll(1);
  }
  assert.equal(cluster.get("c").texts().length, 0);
  cluster.heal();
  cluster.tickAll(3);
  assert.deepEqual(cluster.get("c").texts(), cluster.get("a").texts());
});

test("§5.4.2 figure 8: an entry of an earlier term on a majority can still be replaced", () => {
  const cluster = new TestCluster(FIVE);
  give(cluster.get("a"), [2], { term: 4 });
  give(cluster.get("b"), [2], { term: 4 });
  give(cluster.get("c"), [2], { term: 4 });
  give(cluster.get("d"), [], { term: 4 });
  give(cluster.get("e"), [3], { term: 4 });
  // e lacks the entry that three hold, and wins: its last term is the higher one.
  cluster.elect("e");
  cluster.settle();
  for (const id of FIVE) assert.deepEqual(termsOf(cluster.get(id)), [3, 5], id);
});

test("§5.4.2 figure 8: with an entry of its own term on a majority a leader commits both", () => {
  const cluster = new TestCluster(FIVE);
  for (const id of ["a", "b", "c"]) give(cluster.get(id), [2, 4], { term: 4 });
  give(cluster.get("d"), [], { term: 4 });
  give(cluster.get("e"), [3], { term: 4 });
  assert.throws(() => cluster.elect("e"), /was not elected/);
  cluster.elect("a");
  cluster.settle();
  for (const id of FIVE) assert.deepEqual(termsOf(cluster.get(id)).slice(0, 2), [2, 4], id);
});

test("§5.4.3 whoever is elected holds what was committed", () => {
  for (const lost of FIVE.filter((id) => id !== "a")) {
    const cluster = new TestCluster(FIVE);
    cluster.elect("a");
    cluster.isolate(lost);
    cluster.propose("a", "kept");
    cluster.settle();
    // The leader is gone for good, and the one that missed the entry is back.
    cluster.lose = (m) => m.from === "a" || m.to === "a";
    cluster.tickAll(4 * testLimits.electionTicksMax);
    const leaders = FIVE.filter((id) => id !== "a" && cluster.core(id).status().role === "leader");
    assert.equal(leaders.length, 1, `without ${lost}`);
    assert.notEqual(leaders[0], "a");
    for (const id of FIVE.slice(1)) assert.deepEqual(cluster.get(id).texts(), ["kept"], id);
  }
});

test("§5.5 a request that arrives twice does no more than once", () => {
  const requests: Message[] = [
    append("b", 2, { entries: logOf([2, 2]) }),
    vote("c", "b", 3, { lastIndex: 9, lastTerm: 2 }),
    { type: "heartbeat", from: "c", to: "b", term: 3, commit: 2, readSeq: 0 },
  ];
  const b = new TestCluster(THREE).get("b");
  for (const request of requests) {
    b.core.step(request);
    const first = b.turn();
    const before = { ...marks(b.core.status()), log: termsOf(b) };
    b.core.step(request);
    assert.deepEqual(b.turn(), first, request.type);
    assert.deepEqual({ ...marks(b.core.status()), log: termsOf(b) }, before, request.type);
  }
  assert.equal(b.applied.length, 2, "each entry was applied once");
});

test("§6 the newest configuration in the log counts, committed or not, on every member", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.add("d");
  const d = [{ id: "d", address: "d:1" }];
  cluster.lose = (m) => m.type === "appendReply" || m.to === "c";
  assert.equal(cluster.core("a").proposeConf({ addVoters: d }).kind, "accepted");
  cluster.settle();
  for (const id of ["a", "b"]) {
    const { conf, confIndex, commit } = cluster.core(id).status();
    assert.ok(confIndex > commit, id);
    assert.deepEqual(conf.voters, ["a", "b", "c", "d"], id);
    assert.deepEqual(conf.votersOutgoing, ["a", "b", "c"], id);
  }
  assert.deepEqual(cluster.core("c").status().conf.voters, ["a", "b", "c"]);
});

test("§7 a snapshot that contradicts the log takes the place of all of it", () => {
  const b = new TestCluster(THREE).get("b");
  give(b, [2, 2, 2]);
  const meta = { index: 3, term: 3, conf: b.core.status().conf };
  b.core.step({ type: "snapshot", from: "a", to: "b", term: 4, meta });
  const [reply] = b.turn();
  assert.ok(reply?.type === "appendReply" && reply.ok && reply.index === 3);
  assert.deepEqual(b.disk.entries, []);
  assert.equal(b.disk.snapshot?.index, 3);
  const { firstIndex, lastIndex, commit } = b.core.status();
  assert.deepEqual([firstIndex, lastIndex, commit], [4, 3, 3]);
});

test("§7 what follows the end of a snapshot in the log is kept", () => {
  const b = new TestCluster(THREE).get("b");
  give(b, [2, 2, 2]);
  const meta = { index: 3, term: 2, conf: b.core.status().conf };
  b.core.step({ type: "snapshot", from: "a", to: "b", term: 4, meta });
  b.turn();
  assert.deepEqual(termsOf(b), [2, 2, 2]);
  assert.equal(b.core.status().commit, 3);
});

test("§7 a snapshot of a leader whose term is over is refused", () => {
  const b = new TestCluster(THREE).get("b");
  give(b, [2], { term: 5 });
  const meta = { index: 9, term: 4, conf: b.core.status().conf };
  b.core.step({ type: "snapshot", from: "a", to: "b", term: 4, meta });
  const replies = b.turn();
  assert.deepEqual(
    replies.map(({ term }) => term),
    [5],
  );
  assert.deepEqual([b.disk.snapshot, termsOf(b)], [null, [2]]);
});

test("§7 each member takes snapshots by itself, and the others need not know", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.propose("a", "x", "y");
  cluster.tickAll(2);
  const b = cluster.get("b");
  b.compact(b.core.status().applied);
  cluster.get("a").sent = [];
  cluster.propose("a", "z");
  cluster.settle();
  assert.ok(cluster.get("a").sent.every((m) => m.type !== "snapshot"));
  assert.deepEqual(b.texts(), ["x", "y", "z"]);
  assert.equal(cluster.core("a").status().firstIndex, 1);
});

test("T§9.6 a member that was cut off comes back without unseating the leader", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const { term } = cluster.core("a").status();
  cluster.isolate("c");
  cluster.tickAll(10 * testLimits.electionTicksMax);
  assert.equal(cluster.core("c").status().term, term, "it asked in vain and stayed in its term");
  cluster.heal();
  cluster.tickAll(2 * testLimits.electionTicksMax);
  for (const id of THREE) {
    const { leader, term: now } = cluster.core(id).status();
    assert.deepEqual([leader, now], ["a", term], id);
  }
});
