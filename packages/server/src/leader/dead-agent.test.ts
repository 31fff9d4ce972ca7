/** A stop that nobody acknowledges: the agent that was to stop the allocation is dead. */
import assert from "node:assert/strict";
import test from "node:test";
import { NodeStatus } from "@drover/model";
import { mockJob, mockNode, mockTask, mockTaskGroup } from "@drover/model/testing";
import { Rollout } from "../testing/rollout.ts";
import { registerJob, registerNode, settled } from "../testing/test-server.ts";

const base = mockNode({ name: "a" });
const SMALL = { ...base.nodeResources, memory: { memoryMb: 100 } };

function web(image: string) {
  const group = mockTaskGroup({
    name: "web",
    count: 3,
    tasks: [mockTask({ driver: "mock_driver", config: { image } })],
  });
  const update = group.update && { ...group.update, maxParallel: 1 };
  return mockJob({ id: "web", taskGroups: [{ ...group, update }] });
}

/** One task that goes to node `a` only, and needs what a task of `web` holds there. */
function other() {
  const constraints = [{ lTarget: "$" + "{node.unique.name}", rTarget: "a", operand: "=" }];
  const group = mockTaskGroup({ name: "web", count: 1, update: null });
  return mockJob({ id: "other", constraints, taskGroups: [group] });
}

test("with the agent of a stopped allocation dead, the update goes on and its slot stays occupied until the node is lost", async () => {
  const rollout = await Rollout.start(
    { name: "a", nodeResources: SMALL },
    { name: "b" },
    { name: "c" },
  );
  const { made } = rollout;
  const nodeA = rollout.node("a").id;
  await rollout.register(web("1"));
  await rollout.playOut();
  const old = rollout.live().find((alloc) => alloc.nodeId === nodeA);
  assert.ok(old, "one of three runs on a");
  const setEligibility = async (eligibility: string) => {
    made.apply({ tag: 13, nodeId: nodeA, eligibility, event: null, evals: [] });
    await settled();
  };
  await setEligibility("ineligible");
  await rollout.register(web("2"));
  await rollout.playOut((nodeId) => nodeId === nodeA);
  assert.equal(rollout.deployment().status, "successful");
  const stopping = rollout.state.alloc(old.id);
  assert.deepEqual([stopping?.desiredStatus, stopping?.clientStatus], ["stop", "running"]);

  await setEligibility("eligible");
  registerJob(made, other());
  await settled();
  const placed = () => rollout.state.allocsByJob({ namespace: "default", id: "other" });
  assert.deepEqual(placed(), [], "what stops still holds its slot");

  // Nothing is heard of node a; the others go on beating.
  made.log.follow(2);
  made.log.lead(3);
  await settled();
  for (let at = 0; at < 310_000; at += 10_000) {
    await made.clock.advance(10_000);
    for (const name of ["b", "c"]) {
      const payload = { nodeId: rollout.node(name).id };
      await made.server.leaderCalls.call("node.heartbeat", payload, `${name} ${at}`);
    }
  }
  assert.equal(rollout.node("a").status, NodeStatus.down);
  assert.equal(rollout.state.alloc(old.id)?.clientStatus, "lost");
  registerNode(made, { name: "a", nodeResources: SMALL });
  await settled();
  assert.equal(placed().length, 1, "the slot is free");
  rollout.close();
});
