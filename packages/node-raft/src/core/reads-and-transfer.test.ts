/** Rules I1 to I4 and T1 to T4 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { bytesOf, TestCluster, testLimits } from "../testing/core-cluster.ts";
import type { Message } from "./types.ts";

const THREE = ["a", "b", "c"] as const;

function elected(ids: readonly string[] = THREE): TestCluster {
  const cluster = new TestCluster(ids);
  cluster.elect("a");
  return cluster;
}

test("[I1] §8, T§6.4, row 6: no read is answered before an entry of the leader's term is committed", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "append";
  cluster.elect("a");
  cluster.core("a").readIndex(1);
  cluster.tickAll(3);
  assert.deepEqual(cluster.get("a").reads, []);
  cluster.heal();
  cluster.tickAll(3);
  const { commit } = cluster.core("a").status();
  assert.deepEqual(cluster.get("a").reads, [{ requestId: 1, index: commit }]);
});

test("[I2] §8, T§6.4 a quorum's echo answers all reads of a turn with one round", () => {
  const cluster = elected();
  cluster.propose("a", "x");
  cluster.settle();
  cluster.get("a").sent = [];
  cluster.core("a").readIndex(1);
  cluster.core("a").readIndex(2);
  cluster.settle();
  const { commit } = cluster.core("a").status();
  assert.deepEqual(cluster.get("a").reads, [
    { requestId: 1, index: commit },
    { requestId: 2, index: commit },
  ]);
  assert.equal(cluster.get("a").sent.filter((m) => m.type === "heartbeat").length, 2);
});

test("[I2] T§6.4 a leader that nobody hears answers nothing, and says so when it gives up", () => {
  const cluster = elected();
  cluster.isolate("a");
  cluster.core("a").readIndex(1);
  cluster.settle();
  assert.deepEqual(cluster.get("a").reads, []);
  cluster.tick("a", 2 * testLimits.electionTicksMin);
  assert.deepEqual(cluster.get("a").reads, []);
  assert.deepEqual(cluster.get("a").readsFailed, [1]);
});

test("[I2] a single voter answers at once", () => {
  const cluster = elected(["a"]);
  cluster.core("a").readIndex(1);
  cluster.settle();
  assert.equal(cluster.get("a").reads.length, 1);
});

test("[I3] T§6.4, row 7: an echo of an earlier token answers no later read", () => {
  const cluster = elected();
  const echoes: Message[] = [];
  cluster.lose = (m) => {
    if (m.type === "heartbeatReply") echoes.push(m);
    return m.type === "heartbeatReply";
  };
  cluster.core("a").readIndex(1);
  cluster.settle();
  cluster.core("a").readIndex(2);
  cluster.settle();
  const first = echoes.find((m) => m.type === "heartbeatReply" && m.readSeq === 1);
  assert.ok(first !== undefined);
  cluster.heal();
  cluster.core("a").step(first);
  cluster.get("a").turn();
  assert.deepEqual(
    cluster.get("a").reads.map((read) => read.requestId),
    [1],
  );
});

test("[I4] T§6.4 a follower asks the leader", () => {
  const cluster = elected();
  cluster.propose("a", "x");
  cluster.settle();
  cluster.core("b").readIndex(7);
  cluster.settle();
  assert.deepEqual(cluster.get("b").reads, [
    { requestId: 7, index: cluster.core("a").status().commit },
  ]);
});

test("[I4] a follower's read fails when the request is lost or the leader changes", () => {
  const cluster = elected();
  cluster.lose = (m) => m.type === "readIndex";
  cluster.core("b").readIndex(1);
  cluster.tickAll(testLimits.electionTicksMin + 1);
  assert.deepEqual(cluster.get("b").readsFailed, [1]);
  cluster.core("b").readIndex(2);
  cluster.settle();
  cluster.isolate("a");
  cluster.elect("c");
  assert.deepEqual(cluster.get("b").readsFailed, [1, 2]);
  const alone = new TestCluster(THREE);
  alone.core("a").readIndex(3);
  alone.settle();
  assert.deepEqual(alone.get("a").readsFailed, [3]);
});

test("[I4] row 7: a reply to a request of a former life answers nothing", () => {
  const cluster = elected();
  const replies: Message[] = [];
  cluster.lose = (m) => {
    if (m.type === "readIndexReply") replies.push(m);
    return m.type === "readIndexReply";
  };
  const b = cluster.get("b");
  b.core.readIndex(1);
  cluster.settle();
  b.restart();
  cluster.tickAll(2);
  b.core.readIndex(1);
  const [old] = replies;
  assert.ok(old !== undefined);
  const [, again] = b.sent.filter((m) => m.type === "readIndex");
  assert.equal(again, undefined);
  b.core.step({ ...old, requestId: 1 } as Message);
  b.turn();
  assert.deepEqual(b.reads, []);
});

test("[T1] T§3.10 the target campaigns at once, without pre-vote and against the lease", () => {
  const cluster = elected();
  assert.deepEqual(cluster.core("a").transferLeader("c"), { kind: "accepted", to: "c" });
  cluster.settle();
  assert.equal(cluster.core("c").status().role, "leader");
  assert.equal(cluster.core("a").status().role, "follower");
  assert.ok(!cluster.get("c").sent.some((m) => m.type === "preVote"));
});

test("[T1] T§3.10 the target is brought up to date first", () => {
  const cluster = elected();
  cluster.lose = (m) => m.type === "append" && m.to === "c";
  cluster.propose("a", "x");
  cluster.settle();
  cluster.core("a").transferLeader("c");
  cluster.settle();
  assert.equal(cluster.core("a").status().role, "leader");
  cluster.heal();
  cluster.tick("a", testLimits.heartbeatTicks);
  assert.equal(cluster.core("c").status().role, "leader");
  assert.deepEqual(cluster.get("c").texts(), ["x"]);
});

test("[T2] T§3.10, row 20: proposals are refused meanwhile, for one election time-out at most", () => {
  const cluster = elected();
  cluster.lose = (m) => m.type === "timeoutNow";
  cluster.core("a").transferLeader("c");
  cluster.settle();
  const refused = cluster.core("a").propose([bytesOf("x")]);
  assert.ok(refused.kind === "refused" && refused.reason === "transferring");
  for (let i = 0; i < testLimits.electionTicksMin; i += 1) cluster.tick("a");
  assert.equal(cluster.core("a").propose([bytesOf("x")]).kind, "accepted");
});

test("[T3] T§3.10, row 20: a target that cannot campaign refuses, which ends the transfer", () => {
  const cluster = elected();
  const c = cluster.get("c");
  c.diskHeld = true;
  cluster.propose("a", "x");
  cluster.settle();
  for (let i = 0; i < testLimits.electionTicksMin + 2; i += 1) {
    c.core.tick();
    cluster.tick("a");
  }
  cluster.core("c").step({ type: "timeoutNow", from: "a", to: "c", term: 2 });
  const refusal = c.turn().find((m) => m.type === "transferRefused");
  assert.ok(refusal !== undefined);
  cluster.core("a").transferLeader("c");
  assert.equal(cluster.core("a").status().transferTo, "c");
  cluster.core("a").step(refusal);
  assert.equal(cluster.core("a").status().transferTo, "");
});

test("[T4] T§3.10, row 20: only a voter that is being replicated to can be a target", () => {
  const cluster = elected();
  cluster.add("d");
  cluster.core("a").proposeConf({ addLearners: [{ id: "d", address: "d:1" }] });
  cluster.settle();
  const reason = (id: string, to: string) => {
    const result = cluster.core(id).transferLeader(to);
    return result.kind === "refused" ? result.reason : result.kind;
  };
  assert.equal(reason("b", "c"), "not-leader");
  assert.equal(reason("a", "d"), "not-a-voter");
  assert.equal(reason("a", "zz"), "not-a-voter");
  cluster.core("a").unreachable("c");
  assert.equal(reason("a", "c"), "not-caught-up");
  assert.equal(reason("a", "b"), "accepted");
  assert.equal(reason("a", "b"), "transferring");
});
