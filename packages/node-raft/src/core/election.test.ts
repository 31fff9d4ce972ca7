/** Rules E1 to E16 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { TestCluster, testLimits } from "../testing/core-cluster.ts";
import type { Entry, Message } from "./types.ts";
import { EntryKind } from "./types.ts";

const THREE = ["a", "b", "c"] as const;

function appendFrom(leader: string, to: string, term: number): Message {
  const place = { prevIndex: 1, prevTerm: 1, entries: [], commit: 1, readSeq: 0 };
  return { type: "append", from: leader, to, term, ...place };
}

function voteFrom(
  from: string,
  to: string,
  term: number,
  change: Partial<Message & { type: "vote" }> = {},
): Message {
  const log = { lastIndex: 1, lastTerm: 1, forced: false, leaderCrashed: "" as const };
  return { type: "vote", from, to, term, ...log, ...change };
}

function granted(messages: readonly Message[]): boolean[] {
  return messages.flatMap((m) => (m.type === "voteReply" ? [m.granted] : []));
}

test("[E1] §5.1 a higher term makes any role a follower", () => {
  for (const role of ["follower", "preCandidate", "candidate", "leader"] as const) {
    const cluster = new TestCluster(THREE);
    const a = cluster.get("a");
    if (role === "leader") cluster.elect("a");
    cluster.lose = (m) => role === "preCandidate" || m.type === "voteReply";
    while (role !== "leader" && role !== "follower" && a.core.status().role !== role) {
      cluster.tickAll();
    }
    assert.equal(a.core.status().role, role);
    a.core.step(appendFrom("b", "a", 9));
    const { role: now, term, leader } = a.core.status();
    assert.deepEqual({ now, term, leader }, { now: "follower", term: 9, leader: "b" }, role);
  }
});

test("[E2] §5.1 a request of a lower term changes nothing and is answered with the newer one", () => {
  const cluster = new TestCluster(THREE);
  const a = cluster.get("a");
  a.core.step(appendFrom("b", "a", 5));
  a.turn();
  for (const stale of [appendFrom("c", "a", 4), voteFrom("c", "a", 4)]) {
    a.core.step(stale);
    const replies = a.turn();
    assert.equal(a.core.status().leader, "b", stale.type);
    assert.deepEqual(
      replies.map(({ to, term }) => ({ to, term })),
      [{ to: "c", term: 5 }],
      stale.type,
    );
  }
});

test("[E3] §5.2, T§9.6 a time-out asks for pre-votes and changes neither term nor vote", () => {
  const cluster = new TestCluster(THREE);
  const a = cluster.get("a");
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) a.core.tick();
  const sent = a.turn();
  assert.deepEqual(
    sent.map((m) => [m.type, m.to, m.term]),
    [
      ["preVote", "b", 2],
      ["preVote", "c", 2],
    ],
  );
  const { role, term, vote } = a.core.status();
  assert.deepEqual({ role, term, vote }, { role: "preCandidate", term: 1, vote: "" });
  const b = cluster.get("b");
  for (const message of sent) if (message.to === "b") b.core.step(message);
  b.turn();
  assert.deepEqual([b.core.status().term, b.core.status().vote], [1, ""]);
});

test("[E4] §5.2, T§9.6 a quorum of pre-votes starts the election in the next term", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "vote";
  const a = cluster.get("a");
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) a.core.tick();
  cluster.settle();
  const { role, term, vote } = a.core.status();
  assert.deepEqual({ role, term, vote }, { role: "candidate", term: 2, vote: "a" });
});

test("[E5] §5.2 one vote in a term, and the same answer to the same candidate", () => {
  const cluster = new TestCluster(THREE);
  const a = cluster.get("a");
  const answers = ["b", "c", "b"].flatMap((from) => {
    a.core.step(voteFrom(from, "a", 2));
    return granted(a.turn());
  });
  assert.deepEqual(answers, [true, false, true]);
  a.restart();
  a.core.step(voteFrom("c", "a", 2));
  assert.deepEqual(granted(a.turn()), [false], "also after a restart");
});

test("[E6] §5.2, §8 a majority makes a leader, which appends an empty entry", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.from === "c" || m.to === "c";
  cluster.elect("a");
  const { disk } = cluster.get("a");
  const last = disk.entries.at(-1);
  assert.deepEqual([last?.kind, last?.term, last?.index], [EntryKind.noop, 2, 2]);
  assert.equal(cluster.core("b").status().leader, "a");
});

test("[E7] §5.2 a candidate without a majority tries again in a later term", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "voteReply";
  const a = cluster.get("a");
  cluster.tickAll(200);
  assert.ok(a.core.status().term > 2);
  assert.ok(new Set(a.sent.filter((m) => m.type === "vote").map((m) => m.term)).size > 1);
});

test("[E7] §5.2 a candidate refused by a quorum gives up at once", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "vote";
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) cluster.core("a").tick();
  cluster.settle();
  for (const from of ["b", "c"]) {
    cluster.core("a").step({ type: "voteReply", from, to: "a", term: 2, granted: false });
  }
  assert.equal(cluster.core("a").status().role, "follower");
});

test("[E8] §5.2 a candidate follows the leader of its own term", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "vote";
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) cluster.core("a").tick();
  cluster.settle();
  assert.equal(cluster.core("a").status().role, "candidate");
  cluster.core("a").step(appendFrom("b", "a", 2));
  const { role, term, leader } = cluster.core("a").status();
  assert.deepEqual({ role, term, leader }, { role: "follower", term: 2, leader: "b" });
});

test("[E9] §5.4.1 the vote goes to a log at least as up to date", () => {
  // Ours ends at index 3 of term 2.
  const table: [lastIndex: number, lastTerm: number, expected: boolean][] = [
    [3, 2, true],
    [4, 2, true],
    [2, 2, false],
    [1, 3, true],
    [9, 1, false],
  ];
  for (const [lastIndex, lastTerm, expected] of table) {
    for (const type of ["vote", "preVote"] as const) {
      const cluster = new TestCluster(THREE);
      const a = cluster.get("a");
      const entry = (index: number): Entry => {
        return { index, term: 2, kind: EntryKind.noop, data: new Uint8Array(0) };
      };
      a.disk.entries.push(entry(2), entry(3));
      a.disk.hardState = { term: 2, vote: "", commit: 1 };
      a.restart();
      a.core.step({ ...voteFrom("b", "a", 4, { lastIndex, lastTerm }), type } as Message);
      const reply = a.turn().find((m) => m.type === "voteReply" || m.type === "preVoteReply");
      assert.ok(reply?.type === `${type}Reply` && "granted" in reply);
      assert.equal(reply.granted, expected, `${type} for ${lastIndex} of term ${lastTerm}`);
    }
  }
});

test("[E10] T§4.2.3 requests are ignored while a leader is heard, unless forced", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const b = cluster.get("b");
  const newer = { lastIndex: 99, lastTerm: 2 };
  for (const type of ["vote", "preVote"] as const) {
    b.core.step({ ...voteFrom("c", "b", 7, newer), type } as Message);
    assert.deepEqual(b.turn(), [], type);
    assert.equal(b.core.status().term, 2, type);
  }
  b.core.step(voteFrom("c", "b", 7, { ...newer, forced: true }));
  assert.deepEqual(granted(b.turn()), [true]);
});

test("[E10] T§4.2.3 after a silence of an election time-out they are answered", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const b = cluster.get("b");
  for (let i = 0; i < testLimits.electionTicksMin; i += 1) b.core.tick();
  b.turn();
  b.core.step(voteFrom("c", "b", 7, { lastIndex: 99, lastTerm: 2 }));
  assert.deepEqual(granted(b.turn()), [true]);
});

test("[E11] two members that saw the leader crash elect another without waiting", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("a");
  for (const id of ["b", "c"]) cluster.core(id).peerCrashed("a");
  cluster.settle();
  assert.equal(cluster.core("b").status().role, "leader");
  assert.equal(cluster.core("c").status().leader, "b");
});

test("[E11] those that saw it take turns, a tick apart", () => {
  const cluster = new TestCluster(["a", "b", "c", "d", "e"]);
  cluster.elect("a");
  cluster.settle();
  cluster.lose = () => true;
  for (const id of ["b", "c", "d", "e"]) cluster.core(id).peerCrashed("a");
  const waiting = () =>
    ["b", "c", "d", "e"].filter((id) => cluster.core(id).status().leader !== "");
  const seen = [waiting()];
  for (let i = 0; i < 3; i += 1) {
    for (const id of ["b", "c", "d", "e"]) cluster.tick(id);
    seen.push(waiting());
  }
  assert.deepEqual(seen, [["c", "d", "e"], ["d", "e"], ["e"], []]);
});

test("[E11] one that did not see it keeps to the leader, until it sees it too", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.core("b").peerCrashed("a");
  cluster.settle();
  assert.equal(cluster.core("b").status().role, "preCandidate");
  assert.equal(cluster.core("c").status().leader, "a");
  cluster.isolate("a");
  cluster.core("c").peerCrashed("a");
  cluster.tick("b");
  assert.equal(cluster.core("b").status().role, "leader");
});

test("[E11] a leader that is heard again takes the hint back", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.core("c").peerCrashed("a");
  cluster.tick("a", testLimits.heartbeatTicks);
  for (let i = 0; i < 5; i += 1) cluster.tick("c");
  assert.equal(cluster.core("c").status().leader, "a");
  assert.equal(cluster.core("c").status().role, "follower");
});

test("[E12] row 3: a learner votes and never campaigns", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.add("d");
  const change = cluster.core("a").proposeConf({ addLearners: [{ id: "d", address: "d:1" }] });
  assert.equal(change.kind, "accepted");
  cluster.settle();
  cluster.isolate("d");
  for (let i = 0; i < 50; i += 1) cluster.tick("d");
  assert.equal(cluster.core("d").status().role, "learner");
  assert.equal(cluster.core("d").status().term, 2);
  const { lastIndex } = cluster.core("d").status();
  cluster.core("d").step(voteFrom("b", "d", 7, { lastIndex, lastTerm: 2 }));
  assert.deepEqual(granted(cluster.get("d").turn()), [true]);
});

test("[E13] §5.2 a vote is sent when it is on disk", () => {
  const cluster = new TestCluster(THREE);
  const a = cluster.get("a");
  a.diskHeld = true;
  a.core.step(voteFrom("b", "a", 2));
  assert.deepEqual(granted(a.turn()), []);
  assert.deepEqual(granted(a.releaseDisk()), [true]);
  assert.equal(a.disk.hardState?.vote, "b");
});

test("[E13] §5.2, row 9: requests for votes and the own vote wait for the disk", () => {
  const cluster = new TestCluster(["a"]);
  const a = cluster.get("a");
  a.diskHeld = true;
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) a.core.tick();
  a.turn();
  assert.equal(a.core.status().role, "candidate");
  a.releaseDisk();
  assert.equal(a.core.status().role, "leader");

  const three = new TestCluster(THREE);
  three.get("a").diskHeld = true;
  for (let i = 0; i < testLimits.electionTicksMax; i += 1) three.core("a").tick();
  three.settle();
  assert.equal(three.core("a").status().role, "candidate");
  assert.ok(!three.get("a").sent.some((m) => m.type === "vote"));
});

test("[E14] T§6.2 a leader that hears no quorum steps down", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("a");
  cluster.tick("a", 2 * testLimits.electionTicksMin);
  assert.equal(cluster.core("a").status().role, "follower");
  const pair = new TestCluster(THREE);
  pair.elect("a");
  pair.isolate("c");
  for (let i = 0; i < 5 * testLimits.electionTicksMin; i += 1) pair.tick("a");
  assert.equal(pair.core("a").status().role, "leader", "one of two peers is enough");
});

test("[E14] T§6.2 a new leader that nobody hears steps down after one time-out", () => {
  const cluster = new TestCluster(THREE);
  const { electionTicksMin } = testLimits;
  // Its election is the last that comes through.
  cluster.lose = (m) => m.type === "append" || m.type === "heartbeat";
  cluster.elect("a");
  for (let i = 1; i < electionTicksMin; i += 1) cluster.tick("a");
  assert.equal(cluster.core("a").status().role, "leader");
  cluster.tick("a");
  assert.equal(cluster.core("a").status().role, "follower");
});

test("[E15] row 18: a leader whose disk hangs steps down and does not campaign", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const a = cluster.get("a");
  a.diskHeld = true;
  cluster.propose("a", "x");
  cluster.settle();
  for (let i = 0; i < 100; i += 1) cluster.tick("a");
  assert.equal(a.core.status().role, "follower");
  assert.equal(a.core.status().term, 2);
});

test("[E16] T§4.2.2 a member campaigns until its removal is committed", () => {
  const cluster = new TestCluster(["a"]);
  cluster.elect("a");
  cluster.add("b");
  const change = { addVoters: [{ id: "b", address: "b:1" }], remove: ["a"] };
  // b gets everything but the entry that completes its taking over.
  const joint = cluster.core("a").status().lastIndex + 1;
  cluster.lose = (m) => m.type === "append" && m.entries.some((entry) => entry.index > joint);
  assert.equal(cluster.core("a").proposeConf(change).kind, "accepted");
  cluster.settle();
  assert.deepEqual(cluster.core("a").status().conf.voters, ["b"]);
  assert.equal(cluster.core("a").status().commit, joint);
  cluster.get("a").restart();
  cluster.heal();
  cluster.tickAll(100);
  assert.equal(cluster.core("b").status().role, "leader");
  assert.deepEqual(cluster.core("b").status().conf.voters, ["b"]);
  const { term } = cluster.core("a").status();
  cluster.isolate("a");
  for (let i = 0; i < 100; i += 1) cluster.tick("a");
  assert.equal(cluster.core("a").status().term, term, "removed for good, it keeps still");
});

test("[H6] a member that stands aside votes and never campaigns", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("b");
  const a = cluster.get("a");
  a.core.standAside(new Set());
  cluster.isolate("a");
  for (let i = 0; i < 100; i += 1) cluster.tick("a");
  assert.equal(a.core.status().role, "follower");
  assert.equal(a.core.status().term, 2);
  cluster.heal();
  const sent = cluster.core("b").transferLeader("a");
  assert.equal(sent.kind, "accepted");
  cluster.settle();
  assert.equal(cluster.core("b").status().role, "leader", "the transfer was refused");
  cluster.isolate("b");
  cluster.tickAll(100);
  assert.equal(cluster.core("c").status().role, "leader", "elected by the vote of a");
});

test("[H6] a leader that stands aside hands over at once, not to those that it should avoid", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.core("a").standAside(new Set(["b"]));
  cluster.settle();
  assert.equal(cluster.core("a").status().role, "follower");
  assert.equal(cluster.core("c").status().role, "leader", "without any time-out");
});
