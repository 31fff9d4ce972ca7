/** A node is given up between a plan and its entry in the log. */
import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import { mockId } from "@drover/model/testing";
import { type Command, CommandTag } from "@drover/state";
import { decodeMessage } from "@drover/wire";
import { Rollout } from "../testing/rollout.ts";
import { registerNode, settled } from "../testing/test-server.ts";
import { webJob } from "../testing/web-job.ts";
import { strandedEvals } from "./stranded-loop.ts";

type Write = (write: () => Promise<unknown>, nodeId: string) => Promise<unknown>;

/** `act` writes the first plan, which places on a node, and what it likes before or behind it. */
function aroundFirstPlan({ made: { log } }: Rollout, act: Write): void {
  const propose = log.propose.bind(log);
  log.propose = async (data) => {
    const command = decodeMessage(data) as Command;
    if (command.tag !== CommandTag.planApply) return await propose(data);
    log.propose = propose;
    const written = act(() => propose(data), command.plan.placements[0]?.nodeId ?? "");
    return (await written) as Awaited<ReturnType<typeof propose>>;
  };
}

test("I4 what is placed on a node that was given up meanwhile is placed anew", async () => {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" });
  aroundFirstPlan(rollout, async (write, nodeId) => {
    rollout.setNode(nodeId, "down");
    // Whoever looks at what the node's change concerns has looked before the plan is there.
    await settled();
    return await write();
  });
  await rollout.register(webJob({ count: 1 }));
  await settled();
  const [alloc, ...others] = rollout.live();
  assert.deepEqual(others, []);
  assert.equal(rollout.state.node(alloc?.nodeId ?? "")?.status, "ready");
  rollout.close();
});

test("I4 nor is it overlooked when its node is given up by who has not seen it yet", async () => {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" });
  aroundFirstPlan(rollout, async (write, nodeId) => {
    const written = write();
    rollout.made.apply({ tag: 11, nodeId, status: "down", event: null, evals: [] });
    return await written;
  });
  await rollout.register(webJob({ count: 1 }));
  await settled();
  const [alloc, ...others] = rollout.live();
  assert.deepEqual(others, []);
  assert.equal(rollout.state.node(alloc?.nodeId ?? "")?.status, "ready");
  rollout.close();
});

test("I4 a system job that was not known yet when a node came runs there", async () => {
  const rollout = await Rollout.start({ name: "a" });
  aroundFirstPlan(rollout, async (write) => {
    // Its evaluations were made before the job was there, and this plan before the node was.
    registerNode(rollout.made, { id: mockId("late"), name: "late" });
    return await write();
  });
  await rollout.register({ ...webJob(), type: "system" });
  await settled();
  const nodes = rollout.live().map((alloc) => alloc.nodeName);
  assert.deepEqual(nodes.sort(), ["a", "late"]);
  rollout.close();
});

test("I4 an evaluation from before may have been decided already", async () => {
  const rollout = await Rollout.start({ name: "a" });
  const { made } = rollout;
  await rollout.register(webJob({ count: 1 }));
  const [alloc] = rollout.live();
  assert.ok(alloc);
  made.log.follow(1);
  await rollout.evaluate();
  const before = rollout.state.index;
  rollout.made.apply({
    tag: 11,
    nodeId: alloc.nodeId,
    status: "down",
    event: null,
    evals: [],
  });
  const evalsSince = (index: number) =>
    strandedEvals(rollout.state, [alloc], new SeededRandom(1), () => index).length;
  assert.equal(evalsSince(before + 1), 1);
  assert.equal(evalsSince(before), 0);
  rollout.close();
});
