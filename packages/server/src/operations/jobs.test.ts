/** What users ask of jobs and allocations, over a whole server in memory. */
import assert from "node:assert/strict";
import test from "node:test";
import type { ScalingPolicy } from "@drover/model";
import { mockJob, mockTaskGroup } from "@drover/model/testing";
import { RejectCode } from "@drover/state";
import { registerJob, registerNode, settled, testServer } from "../testing/test-server.ts";
import { stopAllocation } from "./deployments.ts";
import { scaleJob, unwrap } from "./jobs.ts";

const REF = { namespace: "default", id: "a" };

/** Job `a`, one to five of it, in the middle of its first deployment. */
async function deploying() {
  const made = testServer();
  made.log.lead(1);
  await settled();
  registerNode(made);
  const scaling = { min: 1, max: 5 } as ScalingPolicy;
  registerJob(made, mockJob({ id: "a", taskGroups: [mockTaskGroup({ scaling })] }));
  await settled();
  return made;
}

test("a count out of bounds is refused as such, though a deployment is under way", async () => {
  const made = await deploying();
  const group = made.store.snapshot().job(REF)?.taskGroups[0]?.name ?? "";
  const scale = (count: number) =>
    scaleJob(made.server, {
      ...REF,
      group,
      count,
      message: "",
      error: false,
      meta: null,
      token: `to-${count}`,
    });
  await assert.rejects(scale(9), /greater than scaling policy maximum: 9 > 5/);
  await assert.rejects(scale(0), /less than scaling policy minimum: 0 < 1/);
  await assert.rejects(scale(2), /blocked due to active deployment/);
  made.server.close();
});

test("stopping an allocation says all that was asked of it, and what was not", async () => {
  const made = await deploying();
  const [alloc] = [...made.store.snapshot().allocsByJob(REF)];
  const request = { id: alloc?.id ?? "", noShutdownDelay: false, reschedule: false, token: "t" };
  await stopAllocation(made.server, request);
  const { desiredTransition } = made.store.snapshot().alloc(request.id) ?? {};
  assert.equal(desiredTransition?.migrate, true);
  assert.equal(desiredTransition?.noShutdownDelay, false);
  assert.equal(desiredTransition?.reschedule, false);
  made.server.close();
});

test("a command that there was no room for is answered with 429", () => {
  const result = { ok: false, index: 9, code: RejectCode.overloaded, message: "many" } as const;
  assert.throws(() => unwrap(result), { name: "ApiError", status: 429, message: "many" });
});
