/** Updates of system jobs over a whole server: each node counts, as long as it is there. */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Job, JobType } from "@drover/model";
import { drainNode } from "./operations/nodes.ts";
import { Rollout } from "./testing/rollout.ts";
import { settled } from "./testing/test-server.ts";
import { PROGRESS_MS, webJob } from "./testing/web-job.ts";

function systemJob(image: string, maxParallel = 3): Job {
  const update = { maxParallel, autoRevert: true };
  return { ...webJob({ image, count: 1, update }), type: JobType.system };
}

/** Version 0 runs everywhere and version 1 has been started everywhere. */
async function updating(): Promise<Rollout> {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" }, { name: "c" });
  await rollout.register(systemJob("1"));
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  await rollout.register(systemJob("2"));
  assert.deepEqual(
    rollout.live().map(({ jobVersion }) => jobVersion),
    [1, 1, 1],
  );
  return rollout;
}

async function endsWithSuccess(rollout: Rollout): Promise<void> {
  await rollout.made.clock.advance(2 * PROGRESS_MS);
  const { status, statusDescription } = rollout.deployment();
  assert.equal(status, "successful", statusDescription);
  assert.deepEqual(
    rollout.live().map(({ jobVersion, nodeName }) => `${nodeName} ${jobVersion}`),
    ["a 1", "b 1"],
  );
  rollout.close();
}

test("Y7 a node that dies in the middle does not fail the update of the others", async () => {
  const rollout = await updating();
  const dead = rollout.node("c").id;
  rollout.setNode(dead, "down");
  await settled();
  await rollout.playOut((id) => id === dead);
  await endsWithSuccess(rollout);
});

test("Y7 nor does one that is drained", async () => {
  const rollout = await updating();
  const spec = { deadline: 600 * SECOND, ignoreSystemJobs: false };
  const request = { spec, markEligible: false, meta: {}, token: "drain" };
  await drainNode(rollout.made.server, { id: rollout.node("c").id, ...request });
  await settled();
  await rollout.playOut();
  await endsWithSuccess(rollout);
});

for (const healthy of [null, false]) {
  const told = healthy === null ? "nobody has judged" : "was found unhealthy";
  test(`Y5 one that failed, and ${told}, holds nothing up once another runs`, async () => {
    const rollout = await Rollout.start({ name: "a" }, { name: "b" });
    await rollout.register(systemJob("1", 1));
    await rollout.playOut();
    await rollout.register(systemJob("2", 1));
    const [first] = rollout.live().filter(({ jobVersion }) => jobVersion === 1);
    assert.ok(first);
    if (healthy !== null) await rollout.report(first, { healthy });
    await rollout.report(first, { clientStatus: "failed", healthy });
    await rollout.playOut();
    const { status, statusDescription } = rollout.deployment();
    assert.equal(status, "successful", statusDescription);
    assert.deepEqual(
      rollout.live().map(({ jobVersion }) => jobVersion),
      [1, 1],
    );
    rollout.close();
  });
}
