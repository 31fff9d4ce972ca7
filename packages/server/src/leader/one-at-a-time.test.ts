/** What the loops that stop allocations take turns for. */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Command, CommandTag } from "@drover/state";
import { decodeMessage } from "@drover/wire";
import { drainNode } from "../operations/nodes.ts";
import { watch } from "../testing/rollout.ts";
import { settled } from "../testing/test-server.ts";
import { runningWeb, webJob } from "../testing/web-job.ts";
import { OneAtATime } from "./one-at-a-time.ts";

test("I2 a drain and an update do not both give away what only one of them can", async () => {
  const rollout = await runningWeb({ count: 2 });
  const seen = watch(rollout);
  const { log } = rollout.made;
  const propose = log.propose.bind(log);
  const held: (() => void)[] = [];
  // What stops allocations, or marks them for it, reaches the log when told.
  log.propose = async (data) => {
    const { tag } = decodeMessage(data) as Command;
    if (tag === CommandTag.planApply || tag === CommandTag.allocDesiredTransition) {
      await new Promise<void>((resolve) => held.push(resolve));
    }
    return await propose(data);
  };
  await rollout.register(webJob({ count: 2, image: "2" }));
  const [, other] = rollout.live();
  const spec = { deadline: 600 * SECOND, ignoreSystemJobs: false };
  const request = { spec, markEligible: false, meta: {}, token: "drain" };
  await drainNode(rollout.made.server, { id: other?.nodeId ?? "", ...request });
  for (let round = 0; round < 10; round += 1) {
    await settled();
    for (const release of held.splice(0)) release();
  }
  await settled();
  assert.equal(seen.leastServing, 1);
  rollout.close();
});

test("who must be alone waits for what others have begun to write, others do not", async () => {
  const order: string[] = [];
  const turns = new OneAtATime(async () => {});
  let land = () => {};
  const committed = new Promise<void>((resolve) => {
    land = resolve;
  });
  await turns.overlap(async () => ({ committed }));
  await turns.overlap(async () => ({ committed: Promise.resolve(void order.push("beside")) }));
  const alone = turns.run(async () => order.push("alone"));
  const after = turns.overlap(async () => ({
    committed: Promise.resolve(void order.push("after")),
  }));
  await settled();
  assert.deepEqual(order, ["beside"]);
  land();
  await Promise.all([alone, after]);
  assert.deepEqual(order, ["beside", "alone", "after"]);
});

test("after an unknown outcome the next turn waits for all that was written", async () => {
  const order: string[] = [];
  const turns = new OneAtATime(async () => order.push("log"));
  const lost = turns.run(async () => Promise.reject(new Error("no answer")));
  const next = turns.run(async () => order.push("next"));
  const last = turns.run(async () => order.push("last"));
  await assert.rejects(lost, /no answer/);
  await Promise.all([next, last]);
  assert.deepEqual(order, ["log", "next", "last"]);
});

test("nor is it alone before what it waited for is found out about", async () => {
  const order: string[] = [];
  const turns = new OneAtATime(async () => order.push("log"));
  let lose = (_: Error) => {};
  const committed = new Promise<void>((_, reject) => {
    lose = reject;
  });
  await turns.overlap(async () => ({ committed }));
  const alone = turns.run(async () => order.push("alone"));
  await settled();
  lose(new Error("no answer"));
  await alone;
  assert.deepEqual(order, ["log", "alone"]);
});
