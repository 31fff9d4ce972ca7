import assert from "node:assert/strict";
import test from "node:test";
import type { AgentIdentity, Upkeep } from "./identity.ts";
import { listMembers } from "./member-list.ts";

const CONF = { voters: ["a", "b", "c"], addresses: { a: "a:1", b: "b:1", c: "c:1", d: "d:1" } };

function agent(id: string, more: Partial<AgentIdentity> = {}): AgentIdentity {
  return {
    ...{ id, name: id, rpcAddr: `${id}:1`, httpAddr: `${id}:2`, datacenter: "dc1" },
    ...{ region: "global", server: true, client: true, level: 1, clusterId: "x", expect: 0 },
    ...{ known: [], leader: "a", term: 3, lastIndex: 9, peers: [], upkeep: null, ...CONF },
    ...more,
  };
}

const judged = (id: string, healthy: boolean) => {
  return { id, healthy, lastContactMs: 120.4, healthyForMs: 5_000 };
};
const upkeep: Upkeep = {
  reason: "no-standby-for-dead",
  members: [judged("a", true), judged("b", true), judged("c", false), judged("d", true)],
};

function list(own: AgentIdentity, heard: AgentIdentity[], alive: string[], inRaft = true) {
  return listMembers({
    own,
    heard,
    alive: new Set([own.id, ...alive]),
    voters: inRaft ? CONF.voters : [],
    standbys: inRaft ? ["d"] : [],
    leader: inRaft ? own.leader : "",
    now: 100_000,
  });
}

test("health is what the leader says, whoever is asked", () => {
  const others = [agent("a", { upkeep }), agent("c"), agent("d")];
  const members = list(agent("b"), others, ["a", "c", "d"]);
  assert.deepEqual(
    members.map((m) => [m.id, m.voter, m.healthy, m.lastContactMs, m.since]),
    [
      ["a", true, true, 120, 95_000],
      ["b", true, true, 120, 95_000],
      ["c", true, false, 120, 95_000],
      ["d", false, true, 120, 95_000],
    ],
  );
  assert.deepEqual(
    members.map((m) => m.upkeepReason),
    ["no-standby-for-dead", "", "", ""],
  );
});

test("an earlier leader's word counts no more, and without a leader nobody is healthy", () => {
  const late = agent("c", { upkeep, term: 2 });
  const a = list(agent("b"), [agent("a"), late], ["a"]).find((member) => member.id === "a");
  assert.deepEqual([a?.healthy, a?.since, a?.upkeepReason], [true, 0, ""]);
  const leaderless = { leader: "" };
  const members = list(agent("b", leaderless), [agent("a", leaderless)], ["a"]);
  assert.ok(members.every((member) => !member.healthy));
});

test("a server beside the cluster is in nobody's configuration, and knows it from the others", () => {
  const outside = agent("e", { voters: [], addresses: {}, leader: "" });
  const seenInside = list(agent("b"), [agent("a"), outside], ["a", "e"]);
  assert.deepEqual(
    seenInside.filter((m) => m.inRaft && m.server).map((m) => m.id),
    ["a", "b"],
  );
  const seenOutside = list(outside, [agent("a"), agent("d")], ["a", "d"], false);
  assert.deepEqual(
    seenOutside.map((m) => [m.id, m.voter, m.inRaft, m.leader]),
    [
      ["a", true, true, true],
      ["d", false, true, false],
      ["e", false, false, false],
    ],
  );
});

test("a voter that nobody hears of, as one whose machine came back empty, is listed and counts", () => {
  const anew = agent("c2", { rpcAddr: "c:1", voters: CONF.voters });
  const members = list(agent("a", { upkeep }), [agent("b"), anew, agent("d")], ["b", "c2", "d"]);
  const lost = members.find((member) => member.id === "c");
  assert.deepEqual(
    [lost?.name, lost?.rpcAddr, lost?.voter, lost?.inRaft, lost?.alive, lost?.healthy],
    ["(unknown)", "c:1", true, true, false, false],
  );
  // Only the configuration knows of it: nobody can ask it for anything.
  assert.deepEqual([lost?.server, lost?.client], [false, false]);
});

test("nobody leads by the word of those who do not answer", () => {
  const own = agent("a", { leader: "" });
  const dead = list(own, [agent("b"), agent("c")], []);
  assert.ok(dead.every((member) => !member.leader));
  const [b] = list(own, [agent("b", { leader: "b" }), agent("c")], ["b"]).filter((m) => m.leader);
  assert.equal(b?.id, "b");
});
