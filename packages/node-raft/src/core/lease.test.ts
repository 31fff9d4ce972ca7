/** Rules L3 to L6 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { TestCluster, testLimits } from "../testing/core-cluster.ts";
import type { Message } from "./types.ts";

const THREE = ["a", "b", "c"] as const;
const { electionTicksMin } = testLimits;

function elected(keeps: (id: string) => boolean = () => true): TestCluster {
  const cluster = new TestCluster(THREE, {}, keeps);
  cluster.elect("a");
  cluster.settle();
  return cluster;
}

function confirmed(cluster: TestCluster): number {
  const status = cluster.core("a").lease();
  assert.ok(status !== null);
  return status.confirmed;
}

function voteFor(from: string, to: string, term: number, forced = false): Message {
  const log = { lastIndex: 100, lastTerm: term - 1 };
  return { type: "vote", from, to, term, ...log, forced, leaderCrashed: "" };
}

test("[L3] T§6.4.1 each heartbeat has a token, confirmed by a quorum that keeps leases", () => {
  const cluster = elected();
  cluster.tick("a", testLimits.heartbeatTicks);
  cluster.settle();
  const before = confirmed(cluster);
  cluster.tick("a", testLimits.heartbeatTicks);
  cluster.settle();
  assert.ok(confirmed(cluster) > before && before > 0, `${before}, ${confirmed(cluster)}`);
  cluster.isolate("a");
  const last = confirmed(cluster);
  cluster.tick("a", testLimits.heartbeatTicks);
  cluster.settle();
  assert.equal(confirmed(cluster), last);
});

test("[L3] members without leases count towards none, and a leader without has none", () => {
  const alone = elected((id) => id === "a");
  alone.tick("a", 3);
  alone.settle();
  assert.equal(confirmed(alone), 0);
  assert.equal(
    elected((id) => id !== "a")
      .core("a")
      .lease(),
    null,
  );
});

test("[L4] nobody is elected within a time-out of the leader's last message, whatever the term", () => {
  const cluster = elected();
  cluster.isolate("a", "c");
  const b = cluster.core("b");
  const { term } = b.status();
  // An answer from a later term, and b knows no leader any more.
  b.step({ type: "heartbeatReply", from: "c", to: "b", term: term + 3, readSeq: 0 });
  for (const vote of [voteFor("c", "b", term + 3), voteFor("c", "b", term + 4)]) {
    b.step(vote);
    cluster.get("b").turn();
    assert.equal(b.status().vote, "", `${vote.term}`);
  }
  cluster.tick("b", electionTicksMin);
  b.step(voteFor("c", "b", term + 5));
  cluster.get("b").turn();
  assert.equal(b.status().vote, "c");
});

test("[L4] one that starts again has not forgotten what it promised; a transfer is exempt", () => {
  const cluster = elected();
  const member = cluster.get("b");
  const { term } = member.core.status();
  member.restart();
  member.core.step(voteFor("c", "b", term + 1));
  member.turn();
  assert.equal(member.core.status().term, term);
  member.core.step(voteFor("c", "b", term + 1, true));
  member.turn();
  assert.equal(member.core.status().vote, "c");
});

test("[L5] a member that keeps leases takes no crash hint", () => {
  const cluster = elected();
  const { term } = cluster.core("b").status();
  cluster.isolate("a");
  for (const id of ["b", "c"]) cluster.core(id).peerCrashed("a");
  cluster.tickAll(2);
  assert.equal(cluster.core("b").status().term, term);
  assert.equal(cluster.core("b").status().leader, "a");
});

test("[L6] no lease before the own term's entry is committed, nor once another may campaign", () => {
  const cluster = new TestCluster(THREE, {}, () => true);
  cluster.lose = (message) => message.type === "append";
  cluster.elect("a");
  assert.equal(cluster.core("a").status().role, "leader");
  assert.equal(cluster.core("a").lease(), null);
  cluster.heal();
  cluster.tickAll(3);
  assert.notEqual(cluster.core("a").lease(), null);
  cluster.lose = (message) => message.type === "timeoutNow";
  assert.equal(cluster.core("a").transferLeader("b").kind, "accepted");
  assert.equal(cluster.core("a").lease(), null);
  cluster.tickAll(electionTicksMin + 1);
  assert.equal(cluster.core("a").status().role, "leader");
  assert.equal(cluster.core("a").lease(), null);
});
