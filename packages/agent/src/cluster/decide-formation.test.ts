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
    clusterId: "",
    expect: 3,
    known: ["a", "b", "c"],
    voters: [],
    leader: "",
    term: 0,
    lastIndex: 0,
    peers: [],
    ...fields,
  };
}

const [a, b, c] = [identity("a"), identity("b"), identity("c")];

test("three that name the same three form a cluster of them", () => {
  const decision = decideFormation(a, [c, b]);
  assert.deepEqual(decision, {
    kind: "form",
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

test("one that has formed already with us among its voters lets us form too", () => {
  const formed = identity("b", { clusterId: "x", voters: ["a", "b", "c"], known: [] });
  assert.equal(decideFormation(a, [formed, c]).kind, "form");
});

test("a cluster that does not count on us is joined", () => {
  const formed = identity("z", { clusterId: "x", voters: ["z"] });
  assert.deepEqual(decideFormation(a, [formed]), {
    kind: "join",
    through: "z:4647",
    clusterId: "x",
  });
});
