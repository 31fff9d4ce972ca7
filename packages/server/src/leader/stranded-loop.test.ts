/** A node is given up between a plan and its entry in the log. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Command, CommandTag } from "@drover/state";
import { decodeMessage } from "@drover/wire";
import { Rollout } from "../testing/rollout.ts";
import { settled } from "../testing/test-server.ts";
import { webJob } from "../testing/web-job.ts";

test("I4 what is placed on a node that was given up meanwhile is placed anew", async () => {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" });
  const { log } = rollout.made;
  const propose = log.propose.bind(log);
  log.propose = async (data) => {
    const command = decodeMessage(data) as Command;
    if (command.tag === CommandTag.planApply) {
      log.propose = propose;
      const [placed] = command.plan.placements;
      rollout.setNode(placed?.nodeId ?? "", "down");
    }
    return await propose(data);
  };
  await rollout.register(webJob({ count: 1 }));
  await settled();
  const [alloc, ...others] = rollout.live();
  assert.deepEqual(others, []);
  assert.equal(rollout.state.node(alloc?.nodeId ?? "")?.status, "ready");
  rollout.close();
});

test("I4 nor is it overlooked when its node is given up by who has not seen it yet", async () => {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" });
  const { log } = rollout.made;
  const propose = log.propose.bind(log);
  log.propose = async (data) => {
    const command = decodeMessage(data) as Command;
    if (command.tag !== CommandTag.planApply) return await propose(data);
    log.propose = propose;
    const nodeId = command.plan.placements[0]?.nodeId ?? "";
    // Decided before the plan is applied, and behind it in the log.
    const written = propose(data);
    rollout.made.apply({ tag: 11, nodeId, status: "down", event: null, evals: [] });
    return await written;
  };
  await rollout.register(webJob({ count: 1 }));
  await settled();
  const [alloc, ...others] = rollout.live();
  assert.deepEqual(others, []);
  assert.equal(rollout.state.node(alloc?.nodeId ?? "")?.status, "ready");
  rollout.close();
});
