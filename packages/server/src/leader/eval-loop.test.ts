import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import { EvalStatus, EvalTrigger, JobType } from "@drover/model";
import { mockEval } from "@drover/model/testing";
import { exhausted } from "./eval-loop.ts";
import { namedFollowups } from "./eval-outcome.ts";

test("§6.1 an evaluation that only met conflicts fails, and a blocked one tries again", () => {
  const evaluation = mockEval({ type: JobType.service, deploymentId: "d" });
  const [failed, blocked, ...more] = exhausted(evaluation, 5, new SeededRandom(1));
  assert.deepEqual(more, []);
  assert.equal(failed?.status, EvalStatus.failed);
  assert.equal(failed?.statusDescription, "maximum attempts reached (5)");
  assert.equal(failed?.blockedEval, blocked?.id);
  assert.equal(blocked?.status, EvalStatus.blocked);
  assert.equal(blocked?.triggeredBy, EvalTrigger.maxPlanAttempts);
  assert.equal(blocked?.statusDescription, "created due to placement conflicts");
  assert.equal(blocked?.previousEval, evaluation.id);
});

test("§6.1 a system job's evaluation leaves nothing blocked behind", () => {
  const evaluation = mockEval({ type: JobType.system });
  assert.deepEqual(
    exhausted(evaluation, 5, new SeededRandom(1)).map((each) => each.status),
    [EvalStatus.failed],
  );
});

test("what a plan in part says to wait for is written with it, and nothing else", () => {
  const followups = [mockEval({ id: "named" }), mockEval({ id: "of what was left out" })];
  const attributeUpdates = [{ allocId: "a", followupEvalId: "named" }, { allocId: "b" }];
  const written = namedFollowups({ stops: [], placements: [], attributeUpdates }, followups);
  assert.deepEqual(
    written.map(({ id }) => id),
    ["named"],
  );
});
