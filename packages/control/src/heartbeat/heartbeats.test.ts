import assert from "node:assert/strict";
import test from "node:test";
import { SECOND, SeededRandom } from "@drover/base";
import { type Allocation, Rule } from "@drover/model";
import { MOCK_NOW, mockAlloc, mockJob, mockNode, mockTaskGroup } from "@drover/model/testing";
import { FakeState } from "../testing/fake-state.ts";
import { decideMissed } from "./decide-missed.ts";
import { Heartbeats } from "./heartbeats.ts";

const OPTIONS = { minTtlMs: 1000, graceMs: 500, failoverTtlMs: 5000 };

/** Nodes n0… that have just been heard of, each with its deadline. */
function heard(count: number, options = {}) {
  const beats = new Heartbeats({ ...OPTIONS, ...options }, 0);
  const random = new SeededRandom(1);
  const deadlines = Array.from({ length: count }, (_, i) => {
    return beats.beat(`n${i}`, 0, random) + OPTIONS.graceMs;
  });
  return { beats, random, deadlines };
}

test("§9.1 the time to live is between the least and twice that", () => {
  const { deadlines } = heard(50);
  const ttls = deadlines.map((at) => at - OPTIONS.graceMs);
  assert.ok(ttls.every((ttl) => ttl >= 1000 && ttl < 2000));
  assert.ok(new Set(ttls).size > 20, "they part");
});

test("§9.1 many nodes beat less often", () => {
  const { beats, random } = heard(200, { maxPerSecond: 50 });
  assert.ok(beats.beat("n0", 0, random) >= 4000);
});

test("§9.1 a node is missed at its deadline, not before", () => {
  const { beats, deadlines } = heard(1);
  const [at = 0] = deadlines;
  assert.equal(beats.wakeAt(), at);
  assert.deepEqual(beats.expire(at - 1).missed, []);
  assert.deepEqual(beats.expire(at).missed, ["n0"]);
  assert.equal(beats.size, 0);
  assert.equal(beats.wakeAt(), null);
});

test("a beat moves the deadline", () => {
  const { beats, random, deadlines } = heard(1);
  const [at = 0] = deadlines;
  const ttl = beats.beat("n0", at - 1, random);
  assert.deepEqual(beats.expire(at).missed, []);
  assert.equal(beats.wakeAt(), at - 1 + ttl + OPTIONS.graceMs);
});

test("§9.1 a new leader gives every node the failover time", () => {
  const beats = new Heartbeats(OPTIONS, 100);
  beats.track("n0", 100);
  assert.equal(beats.wakeAt(), 5100);
  const ttl = beats.beat("n0", 200, new SeededRandom(1));
  beats.track("n0", 300);
  assert.equal(beats.wakeAt(), 200 + ttl + OPTIONS.graceMs);
});

test("§7 a pause of this loop above a second moves every deadline by it", () => {
  const { beats, deadlines } = heard(1);
  const [at = 0] = deadlines;
  const late = at + 1001;
  assert.deepEqual(beats.expire(late), { missed: [], held: [], shiftedMs: late });
  assert.equal(beats.wakeAt(), at + late);
  assert.deepEqual(beats.expire(at + late).missed, ["n0"]);
});

test("§7 being a second late is not a pause", () => {
  const { beats, deadlines } = heard(1);
  assert.deepEqual(beats.expire((deadlines[0] ?? 0) + 1000).missed, ["n0"]);
});

test("§7 a loop that was woken late but heard beats meanwhile judges at once", () => {
  const { beats, random, deadlines } = heard(2);
  beats.beat("n1", 9_900, random);
  assert.deepEqual(beats.expire(10_000).missed, ["n0"]);
  assert.ok((deadlines[0] ?? 0) < 9_000);
});

test("§7 one of three is believed, more than 30 % at once are held", () => {
  const one = heard(3);
  for (const id of ["n1", "n2"]) one.beats.beat(id, 1400, one.random);
  assert.deepEqual(one.beats.expire(one.deadlines[0] ?? 0).missed, ["n0"]);

  const all = heard(10, { lagMaxMs: 100_000 });
  const verdict = all.beats.expire(3000);
  assert.deepEqual([verdict.missed, verdict.held.length], [[], 10]);
  assert.ok(verdict.held.every(({ rule }) => rule === Rule.nodeHeartbeatHeld));
  assert.deepEqual(all.beats.expire(3001).held, [], "the alert is raised once");
});

test("§7 a held node that is heard of again is forgiven", () => {
  const { beats, random } = heard(4, { lagMaxMs: 100_000, holdMs: 10_000 });
  beats.expire(3000);
  for (const id of ["n0", "n1", "n2"]) beats.beat(id, 3500, random);
  assert.equal(beats.expire(4000).missed.length, 0);
  for (const id of ["n0", "n1", "n2"]) beats.beat(id, 12_900, random);
  assert.deepEqual(beats.expire(13_000).missed, ["n3"]);
});

test("§7 nodes that stay silent for as long as they are held are given up", () => {
  const { beats } = heard(3, { lagMaxMs: 100_000, holdMs: 10_000 });
  beats.expire(3000);
  assert.equal(beats.wakeAt(), 13_000);
  assert.deepEqual([...beats.expire(13_000).missed].sort(), ["n0", "n1", "n2"]);
});

test("§7 nodes that fall silent one by one within the window add up", () => {
  const { beats, deadlines } = heard(6, { windowMs: 10_000 });
  const inOrder = [...deadlines].sort((a, b) => a - b);
  const missed = inOrder.map((at) => beats.expire(at).missed.length);
  assert.deepEqual(missed, [1, 1, 0, 0, 0, 0]);
});

test("§7 in a cluster of three a second node that falls silent is believed too", () => {
  const { beats, deadlines } = heard(3, { windowMs: 10_000 });
  const inOrder = [...deadlines].sort((a, b) => a - b);
  assert.deepEqual(
    inOrder.map((at) => beats.expire(at).missed.length),
    [1, 1, 0],
  );
});

test("§7 a node that came back does not count against the next one", () => {
  const { beats, deadlines, random } = heard(3, { windowMs: 60_000 });
  const first = Math.min(...deadlines);
  const [gone = ""] = beats.expire(first).missed;
  beats.beat(gone, first, random);
  const second = beats.wakeAt() ?? 0;
  assert.equal(beats.expire(second).missed.length, 1);
  const third = beats.wakeAt() ?? 0;
  assert.equal(beats.expire(third).missed.length, 1);
});

function missedNode(over: Partial<Allocation>, lostAfter: number, status = "ready") {
  const state = new FakeState();
  const node = mockNode({ status });
  const disconnect = { lostAfter, stopOnClientAfter: null, replace: true, reconcile: "best_score" };
  const job = mockJob({ taskGroups: [mockTaskGroup({ disconnect })] });
  state.putJob(job);
  state.putNode(node);
  state.putAlloc(mockAlloc({ nodeId: node.id, clientStatus: "running", ...over }, { job }));
  return decideMissed({ nodeId: node.id, now: MOCK_NOW }, state);
}

test("§9.1 a node is disconnected while one of its allocations may come back", () => {
  assert.deepEqual(missedNode({}, 6 * SECOND), {
    kind: "mark",
    status: "disconnected",
    recheckAt: MOCK_NOW + 6000,
  });
});

test("§9.1 it is down when none may", () => {
  const down = { kind: "mark", status: "down", recheckAt: null };
  assert.deepEqual(missedNode({}, 0), down);
  assert.deepEqual(missedNode({ desiredStatus: "stop" }, 6 * SECOND), down);
  assert.deepEqual(missedNode({ clientStatus: "failed" }, 6 * SECOND), down, "it has ended");
  assert.deepEqual(missedNode({ clientStatus: "failed" }, 6 * SECOND, "disconnected"), down);
  assert.deepEqual(missedNode({}, 6 * SECOND, "down"), down);
  const since = (at: number) => ({
    clientStatus: "unknown",
    allocStates: [
      { field: 0, value: "unknown", time: 1 },
      { field: 0, value: "running", time: 2 },
      { field: 0, value: "unknown", time: at },
      { field: 0, value: "unknown", time: at + 1 },
    ],
  });
  assert.deepEqual(missedNode(since(MOCK_NOW - 6000), 6 * SECOND, "disconnected"), down);
  const decision = missedNode(since(MOCK_NOW - 5000), 6 * SECOND, "disconnected");
  assert.equal(decision.kind, "wait");
  assert.equal(decision.kind === "wait" && decision.reason.rule, Rule.nodeDisconnected);
  assert.equal(decision.kind === "wait" && decision.reason.wakesAt, MOCK_NOW + 1000);
});

test("I4 an overdue node says until when it is waited for, and one that is heard of nothing", () => {
  const { beats, deadlines } = heard(4, {});
  const [first = 0] = deadlines;
  const ids = Array.from({ length: 4 }, (_, i) => `n${i}`);
  const whys = (at: number) => ids.map((id) => beats.why(id, at)?.rule ?? null);
  assert.deepEqual(whys(0), [null, null, null, null]);
  const reasons = ids.map((id) => beats.why(id, first)).filter((each) => each !== null);
  assert.ok(reasons.some((each) => each.rule === Rule.nodeHeartbeat && each.wakesAt === first));
  assert.equal(beats.why("stranger", first), null);
});
