import assert from "node:assert/strict";
import test from "node:test";
import { decideRoles, takesPart } from "./decide-roles.ts";

test("one voter and one standby stay as they are: two voters are worse than one", () => {
  const input = { voters: ["a"], learners: ["b"], caughtUp: ["b"] };
  assert.deepEqual(decideRoles(input), { kind: "none" });
});

test("one voter and two caught-up standbys become three voters at once", () => {
  const input = { voters: ["a"], learners: ["b", "c"], caughtUp: ["b", "c"] };
  assert.deepEqual(decideRoles(input), { kind: "promote", ids: ["b", "c"] });
});

test("a standby that lags is not promoted, but looked at again", () => {
  const input = { voters: ["a"], learners: ["b", "c"], caughtUp: ["b"] };
  assert.deepEqual(decideRoles(input), { kind: "wait" });
  const two = { voters: ["a", "b"], learners: ["c"], caughtUp: [] };
  assert.deepEqual(decideRoles(two), { kind: "wait" });
});

test("three voters and two standbys are enough", () => {
  assert.equal(takesPart({ voters: ["a", "b", "c"], learners: ["d"] }), true);
  assert.equal(takesPart({ voters: ["a", "b", "c"], learners: ["d", "e"] }), false);
});
