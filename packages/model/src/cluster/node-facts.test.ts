import assert from "node:assert/strict";
import test from "node:test";
import { mockNode } from "../testing/factories.ts";
import { nodeFactsHash } from "./node-facts.ts";

test("the facts of a node are what its client says, in whichever order", () => {
  const driver = { detected: true, healthy: true, healthDescription: "", attributes: {} };
  const node = mockNode({
    attributes: { a: "1", b: "2" },
    drivers: { x: { ...driver, updateTime: 1 } },
  });
  const same = {
    ...structuredClone(node),
    attributes: { b: "2", a: "1" },
    drivers: { x: { ...driver, updateTime: 2 } },
    status: "down",
    schedulingEligibility: "ineligible",
    computedClass: "another",
    modifyIndex: 99,
  };
  assert.equal(nodeFactsHash(same), nodeFactsHash(node));
  const ill = { ...node, drivers: { x: { ...driver, healthy: false, updateTime: 1 } } };
  assert.notEqual(nodeFactsHash(ill), nodeFactsHash(node));
  assert.notEqual(nodeFactsHash({ ...node, attributes: { a: "1" } }), nodeFactsHash(node));
});
