import assert from "node:assert/strict";
import test from "node:test";
import { decideFormation } from "./decide-formation.ts";
import type { AgentIdentity } from "./identity.ts";

function identity(id: string, fields: Partial<AgentIdentity> = {}): AgentIdentity {
  return {
    id,
    name: id,
    rpcAddr: `${id}:4647`,
    httpAddr: `${id}:4646`,
    datacenter: "dc1",
    region: "global",
    server: true,
    client: true,
    level: 1,
    upkeep: null,
    clusterId: "",
    expect: 3,
    known: ["a", "b", "c"],
    voters: [],
    addresses: {},
    leader: "",
    term: 0,
    lastIndex: 0,
    peers: [],
    ...fields,
  };
}

/** Derived from the ids a, b and c. */
const CLUSTER = "205830ca-5b23-bbe3-9ab5-10cfddc1dff2";

const [a, b, c] = [identity("a"), identity("b"), identity("c")];

test("three that name the same three form a cluster of them", () => {
  const decision = decideFormation(a, [c, b]);
  assert.deepEqual(decision, {
    kind: "form",
    clusterId: CLUSTER,
    voters: [
      { id: "a", address: "a:4647" },
      { id: "b", address: "b:4647" },
      { id: "c", address: "c:4647" },
    ],
  });
});

test("one alone forms its own cluster when it expects one", () => {
  assert.equal(decideFormation(identity("a", { expect: 1, known: ["a"] }), []).kind, "form");
});

test("two of three wait", () => {
  assert.deepEqual(decideFormation(a, [b]), {
    kind: "wait",
    reason: "2 of 3 servers are known",
  });
});

test("a server that knows another set holds the formation back", () => {
  const behind = identity("c", { known: ["b", "c"] });
  assert.equal(decideFormation(a, [b, behind]).kind, "wait");
});

test("a fourth one keeps three from forming: the sets differ", () => {
  assert.equal(decideFormation(a, [b, c, identity("d")]).kind, "wait");
});

test("different expectations are named", () => {
  const decision = decideFormation(a, [b, identity("c", { expect: 5 })]);
  assert.match(decision.kind === "wait" ? decision.reason : "", /expects 5 servers/);
});

const ADDRESSES = { a: "a:4647", b: "b:4647", c: "c:4647" };

function formedBy(id: string): AgentIdentity {
  return identity(id, {
    clusterId: CLUSTER,
    voters: ["a", "b", "c"],
    addresses: ADDRESSES,
    known: [],
  });
}

test("when one has formed the cluster with us, we follow, whatever the others know", () => {
  // The third one has seen that the first formed: it does not count it among the fresh ones.
  const third = identity("c", { known: ["a", "c"] });
  const expected = decideFormation(a, [b, c]);
  assert.equal(expected.kind, "form");
  assert.deepEqual(decideFormation(a, [formedBy("b"), third]), expected);
  assert.deepEqual(decideFormation(a, [formedBy("b")]), expected);
  const begunAnew = identity("d", { known: ["a", "d"] });
  assert.deepEqual(decideFormation(a, [formedBy("b"), begunAnew]), expected);
});

test("a cluster whose voters have changed since is joined, not formed again", () => {
  const grown = identity("z", { clusterId: CLUSTER, voters: ["a", "y", "z"] });
  assert.equal(decideFormation(a, [grown]).kind, "join");
});

test("between two clusters nothing is guessed", () => {
  const decision = decideFormation(a, [
    identity("y", { clusterId: "one", voters: ["y"] }),
    identity("z", { clusterId: "two", voters: ["z"] }),
  ]);
  assert.match(decision.kind === "wait" ? decision.reason : "", /y and z .*different clusters/);
});

test("a cluster that does not count on us is joined", () => {
  const formed = identity("z", { clusterId: "x", voters: ["z"] });
  assert.deepEqual(decideFormation(a, [formed]), {
    kind: "join",
    through: "z:4647",
    clusterId: "x",
  });
});
