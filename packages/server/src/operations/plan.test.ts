import assert from "node:assert/strict";
import test from "node:test";
import type { JobInput } from "@drover/model";
import { mockJob } from "@drover/model/testing";
import { endOf } from "@drover/scheduler";
import { registerNode, settled, testServer } from "../testing/test-server.ts";
import { planJob } from "./plan.ts";

test("a dry run says what would be placed, and changes and proposes nothing", async () => {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  await settled();
  const before = made.store.snapshot();
  const commands = made.log.commands.length;
  const input = mockJob({ id: "new" }) as unknown as JobInput;
  const planned = endOf(planJob(made.server, input));
  assert.ok(planned.plan.placements.length > 0);
  await settled();
  const after = made.store.snapshot();
  assert.equal(after.index, before.index);
  assert.equal(after.chain, before.chain, "the hash of everything that was ever written");
  assert.equal(after.job({ namespace: "default", id: "new" }), undefined);
  assert.deepEqual([...after.evaluations()], [...before.evaluations()]);
  assert.equal(made.log.commands.length, commands);
  made.server.close();
});
