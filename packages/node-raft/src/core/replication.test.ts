/** Rules R1 to R16 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { bytesOf, TestCluster, type TestMember, testLimits } from "../testing/core-cluster.ts";
import { type AppendMessage, append, give, logOf, termsOf } from "../testing/core-logs.ts";
import { RaftAssertionError } from "./assert.ts";
import type { MemberId, Message } from "./types.ts";

const THREE = ["a", "b", "c"] as const;

function appends(member: TestMember, to: MemberId): AppendMessage[] {
  return member.sent.flatMap((m) => (m.type === "append" && m.to === to ? [m] : []));
}

test("[R1] §5.3 what the leader appends goes to everyone after what precedes it", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const { lastIndex, term } = cluster.core("a").status();
  cluster.get("a").sent = [];
  cluster.propose("a", "x", "y");
  cluster.get("a").turn();
  for (const to of ["b", "c"]) {
    const [message] = appends(cluster.get("a"), to);
    assert.equal(message?.prevIndex, lastIndex);
    assert.equal(message?.prevTerm, term);
    assert.deepEqual(
      message?.entries.map((entry) => entry.index),
      [lastIndex + 1, lastIndex + 2],
    );
  }
});

test("[R2] §5.3 an entry on a majority is committed and applied in order everywhere", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  cluster.propose("a", "x");
  cluster.propose("a", "y");
  cluster.settle();
  assert.deepEqual(cluster.get("a").texts(), ["x", "y"]);
  assert.deepEqual(cluster.get("b").texts(), ["x", "y"]);
  assert.deepEqual(cluster.get("c").texts(), []);
  cluster.heal();
  cluster.tickAll(3);
  assert.deepEqual(cluster.get("c").texts(), ["x", "y"]);
  cluster.isolate("a");
  cluster.propose("a", "z");
  cluster.settle();
  assert.deepEqual(cluster.get("a").texts(), ["x", "y"], "alone it commits nothing");
});

test("[R3] T§10.2.1, row 9: the leader's own copy counts, and is applied, when it is on disk", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  const a = cluster.get("a");
  const { commit } = a.core.status();
  a.diskHeld = true;
  cluster.propose("a", "x");
  cluster.settle();
  assert.equal(a.core.status().commit, commit, "only one copy is on a disk");
  cluster.heal();
  cluster.tickAll(2);
  assert.equal(a.core.status().commit, commit + 1, "two others are");
  assert.deepEqual(a.texts(), [], "but not ours");
  a.releaseDisk();
  a.diskHeld = false;
  cluster.settle();
  assert.deepEqual(a.texts(), ["x"]);
});

test("[R4] §5.4.2 entries of earlier terms are committed only with one of the own", () => {
  const cluster = new TestCluster(THREE);
  for (const id of THREE) give(cluster.get(id), id === "a" ? [2, 2] : []);
  // Figure 8: the old entries reach everyone, the leader's own does not.
  cluster.lose = (m) => m.type === "append" && m.entries.some((entry) => entry.term > 2);
  cluster.elect("a");
  cluster.tickAll(3);
  for (const id of ["b", "c"]) cluster.core(id).step(append(id, 3, { entries: logOf([2, 2]) }));
  cluster.settle();
  assert.deepEqual(termsOf(cluster.get("b")), [2, 2]);
  assert.equal(cluster.core("a").status().progress.b?.match, 3);
  assert.equal(cluster.core("a").status().commit, 1);
  cluster.heal();
  cluster.tickAll(3);
  assert.equal(cluster.core("a").status().commit, 4);
});

test("[R5] §5.3 followers of figure 7 are brought to the leader's log", () => {
  const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followers = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  for (const terms of followers) {
    const cluster = new TestCluster(THREE);
    give(cluster.get("a"), leader, { term: 8 });
    give(cluster.get("b"), [], { term: 8 });
    give(cluster.get("c"), terms, { term: 8 });
    // b elects a: the log of c may be longer.
    cluster.lose = (m) => m.to === "c" || m.from === "c";
    cluster.elect("a");
    cluster.heal();
    cluster.get("c").sent = [];
    cluster.tickAll(3);
    assert.deepEqual(termsOf(cluster.get("c")), [...leader, 9], `${terms}`);
    const refusals = cluster.get("c").sent.filter((m) => m.type === "appendReply" && !m.ok);
    const termsInDoubt = new Set(terms.filter((term) => !leader.includes(term))).size + 2;
    assert.ok(refusals.length <= termsInDoubt, `${terms}: ${refusals.length} refusals`);
  }
});

test("[R6] row 21: an old message leaves the entries behind it", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  b.core.step(append("b", 2, { entries: logOf([2, 2, 2]) }));
  b.turn();
  b.core.step(append("b", 2, { entries: logOf([2]) }));
  b.core.step(append("b", 2, {}));
  b.turn();
  assert.deepEqual(termsOf(b), [2, 2, 2]);
  b.core.step(append("b", 3, { entries: logOf([2, 3]) }));
  b.turn();
  assert.deepEqual(termsOf(b), [2, 3]);
});

test("[R6] row 21: what is committed is never removed", () => {
  const cluster = new TestCluster(THREE);
  const { core } = cluster.get("b");
  core.step(append("b", 2, { entries: logOf([2, 2]), commit: 3 }));
  const conflicting = append("b", 3, { entries: logOf([3]) });
  core.step(conflicting);
  assert.equal(core.status().lastIndex, 3, "before the commit index nothing is looked at");
});

test("[R7] row 12: a heartbeat tells no more than the member is known to hold", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const { match } = cluster.core("a").status().progress.c ?? { match: -1 };
  cluster.isolate("c");
  cluster.propose("a", "x");
  cluster.settle();
  cluster.get("a").sent = [];
  cluster.tick("a", testLimits.heartbeatTicks);
  const beats = cluster.get("a").sent.flatMap((m) => (m.type === "heartbeat" ? [m] : []));
  assert.equal(beats.find((m) => m.to === "c")?.commit, match);
  assert.equal(beats.find((m) => m.to === "b")?.commit, match + 1);
});

test("[R7] row 12: a member that lost what it had confirmed stops", () => {
  const cluster = new TestCluster(THREE);
  const message: Message = {
    type: "heartbeat",
    from: "a",
    to: "b",
    term: 2,
    commit: 5,
    readSeq: 0,
  };
  assert.throws(() => cluster.core("b").step(message), RaftAssertionError);
});

test("[R8] T§10.2.2 the window is bounded in messages and in bytes", () => {
  for (const limits of [{ inflightMessagesMax: 3 }, { inflightBytesMax: 30 }]) {
    const cluster = new TestCluster(THREE, { ...limits, messageBytesMax: 10 });
    cluster.elect("a");
    cluster.lose = (m) => m.type === "appendReply";
    cluster.get("a").sent = [];
    for (let i = 0; i < 10; i += 1) cluster.propose("a", "0123456789");
    cluster.settle();
    const withEntries = appends(cluster.get("a"), "b").filter((m) => m.entries.length > 0);
    assert.equal(withEntries.length, 3, JSON.stringify(limits));
  }
});

test("[R9] §5.3, row 19: a window of lost messages is found out by the next heartbeat", () => {
  const cluster = new TestCluster(THREE, { inflightMessagesMax: 2, messageBytesMax: 10 });
  cluster.elect("a");
  cluster.lose = (m) => m.type === "append";
  for (let i = 0; i < 5; i += 1) cluster.propose("a", "0123456789");
  cluster.settle();
  assert.deepEqual(cluster.get("b").texts(), []);
  cluster.heal();
  cluster.tick("a", testLimits.heartbeatTicks);
  assert.equal(cluster.get("b").texts().length, 5);
});

test("[R10] a member being probed gets one message per heartbeat", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  cluster.core("a").unreachable("c");
  cluster.settle();
  assert.equal(cluster.core("a").status().progress.c?.state, "probe");
  cluster.get("a").sent = [];
  for (let i = 0; i < 5; i += 1) {
    cluster.propose("a", "x");
    cluster.settle();
  }
  assert.ok(appends(cluster.get("a"), "c").length <= 1);
});

test("[R11] uncommitted bytes are bounded, but for a single large entry", () => {
  const cluster = new TestCluster(THREE, { uncommittedBytesMax: 10 });
  cluster.elect("a");
  cluster.isolate("a");
  const { core } = cluster.get("a");
  assert.equal(core.propose([bytesOf("x".repeat(100))]).kind, "accepted");
  const refused = core.propose([bytesOf("y")]);
  assert.ok(refused.kind === "refused" && refused.reason === "uncommitted-limit");
  cluster.heal();
  cluster.tickAll(3);
  assert.equal(core.propose([bytesOf("12345")]).kind, "accepted");
  assert.equal(core.propose([bytesOf("12345")]).kind, "accepted");
  assert.equal(core.propose([bytesOf("6")]).kind, "refused");
});

test("[R11] §8 only the leader takes proposals and says who that is", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  const refused = cluster.core("b").propose([bytesOf("x")]);
  assert.deepEqual(refused, { kind: "refused", reason: "not-leader", leader: "a" });
});

test("[R12] §7 a member that needs compacted entries gets a snapshot and then the log", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  cluster.propose("a", "x", "y", "z");
  cluster.settle();
  const { applied } = cluster.core("a").status();
  cluster.get("a").compact(applied - 1);
  cluster.heal();
  cluster.tickAll(3);
  const { core, disk } = cluster.get("c");
  assert.equal(disk.snapshot?.index, applied);
  assert.equal(core.status().firstIndex, applied + 1);
  assert.deepEqual(core.status().conf.voters, ["a", "b", "c"]);
  assert.equal(cluster.core("a").status().progress.c?.state, "replicate");
  cluster.propose("a", "later");
  cluster.settle();
  assert.deepEqual(cluster.get("c").texts(), ["later"]);
  cluster.get("c").restart();
  cluster.tickAll(3);
  assert.deepEqual(cluster.get("c").texts(), ["later"], "it continues after the snapshot");
});

test("[R12] a snapshot that was not delivered is sent again", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.isolate("c");
  cluster.propose("a", "x");
  cluster.settle();
  cluster.get("a").compact(cluster.core("a").status().applied);
  cluster.heal();
  let lost = 0;
  const { deliver } = cluster;
  cluster.deliver = (message) => {
    if (message.type !== "snapshot" || lost > 0) {
      deliver.call(cluster, message);
      return;
    }
    lost += 1;
    cluster.core("a").snapshotSent("c", false);
  };
  cluster.tickAll(10);
  assert.equal(lost, 1);
  assert.equal(cluster.core("c").status().commit, cluster.core("a").status().commit);
});

test("[R13] §7 a snapshot that the log covers is not installed", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  b.core.step(append("b", 2, { entries: logOf([2, 2]) }));
  b.turn();
  const conf = b.core.status().conf;
  const meta = { index: 3, term: 2, conf };
  b.core.step({ type: "snapshot", from: "a", to: "b", term: 2, meta });
  b.turn();
  assert.equal(b.disk.snapshot, null);
  assert.equal(b.core.status().commit, 3, "but it tells what is committed");
  b.core.step({ type: "snapshot", from: "a", to: "b", term: 2, meta: { ...meta, index: 2 } });
  const [reply] = b.turn();
  assert.ok(reply?.type === "appendReply" && reply.ok);
  assert.equal(reply.index, 3);
});

test("[R14] row 12: an acknowledgement is sent when the entries are on disk", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  b.diskHeld = true;
  b.core.step(append("b", 2, { entries: logOf([2]) }));
  assert.deepEqual(b.turn(), []);
  b.core.step(append("b", 2, { prevIndex: 2, prevTerm: 2 }));
  assert.deepEqual(b.turn(), [], "nor is one that rests on an earlier write");
  assert.deepEqual(
    b.releaseDisk().map((m) => m.type),
    ["appendReply", "appendReply"],
  );
});

test("[R15] a confirmed write says nothing about entries that replaced it", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  b.diskHeld = true;
  const from = (leader: MemberId, term: number, terms: number[]) => {
    b.core.step({ ...append("b", term, { entries: logOf(terms) }), from: leader });
    b.turn();
  };
  // The same entry again, after another in its place: its first write must not vouch for it.
  from("a", 2, [2]);
  from("c", 3, [3]);
  from("a", 4, [2]);
  b.releaseDisk(1);
  assert.equal(b.core.status().stable, 1);
  b.releaseDisk(1);
  assert.equal(b.core.status().stable, 1);
  b.releaseDisk(1);
  assert.equal(b.core.status().stable, 2);
});

test("[R16] §5.5 a restart continues from what was on disk", () => {
  const cluster = new TestCluster(THREE);
  cluster.elect("a");
  cluster.propose("a", "x");
  cluster.settle();
  const before = cluster.core("b").status();
  cluster.get("b").restart();
  const after = cluster.core("b").status();
  for (const key of ["term", "vote", "lastIndex", "confIndex"] as const) {
    assert.equal(after[key], before[key], key);
  }
  cluster.tickAll(3);
  assert.deepEqual(cluster.get("b").texts(), ["x"]);
});

test("[R16] a log that does not continue the snapshot restarts after it", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  const { conf } = b.core.status();
  b.disk.entries.push(...logOf([2, 2]));
  b.disk.hardState = { term: 5, vote: "", commit: 1 };
  b.disk.snapshot = { index: 9, term: 4, conf };
  b.restart();
  b.turn();
  assert.deepEqual(b.disk.entries, []);
  const { firstIndex, lastIndex, commit } = b.core.status();
  assert.deepEqual({ firstIndex, lastIndex, commit }, { firstIndex: 10, lastIndex: 9, commit: 9 });
});
