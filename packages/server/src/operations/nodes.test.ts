import assert from "node:assert/strict";
import test from "node:test";
import { mockJob } from "@drover/model/testing";
import { registerJob, registerNode, settled, testServer } from "../testing/test-server.ts";
import { drainNode } from "./nodes.ts";

test("ending a drain makes evaluations and an event only where something changes", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  const node = registerNode(made);
  registerJob(made, mockJob({ id: "a" }));
  await settled();
  const drain = (token: string, ends: boolean, markEligible = false) => {
    const spec = ends ? null : { deadline: 0, ignoreSystemJobs: false };
    return drainNode(made.server, { id: node.id, spec, markEligible, meta: {}, token });
  };
  const events = () =>
    made.store
      .snapshot()
      .node(node.id)
      ?.events.map((each) => each.message);
  await drain("1", false);
  assert.deepEqual((await drain("2", true)).evalIds, [], "it stays ineligible");
  const before = events();
  assert.equal(before?.at(-1), "Node drain disabled");
  const { evalIds } = await drain("3", true, true);
  assert.equal(evalIds.length, 1, "its jobs may use it again");
  assert.deepEqual(events(), before, "the drain had ended already");
  made.server.close();
});
