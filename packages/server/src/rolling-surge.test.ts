/**
 * max_surge and the way back (DESIGN §12.2, §12.7), with a whole server: every evaluation comes
 * from a report, a command or a loop, as in a cluster.
 */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, Job } from "@drover/model";
import { mockTask } from "@drover/model/testing";
import { revertJob } from "./operations/jobs.ts";
import { drainNode } from "./operations/nodes.ts";
import { Rollout, watch } from "./testing/rollout.ts";
import { registerNode, settled } from "./testing/test-server.ts";
import { runningWeb, type WebShape, webJob } from "./testing/web-job.ts";

const SURGE: WebShape = { update: { maxSurge: 1, autoRevert: true } };
const REF = { namespace: "default", id: "web" };

function idsOf(allocs: readonly Allocation[]): string[] {
  return allocs.map((alloc) => alloc.id).sort();
}

test("X4 X7 an update with max_surge serves in full at every log entry and ends by itself", async () => {
  const rollout = await runningWeb(SURGE);
  const seen = watch(rollout);
  await rollout.register(webJob({ ...SURGE, image: "2" }));
  await rollout.playOut();
  assert.deepEqual(seen, { leastServing: 3, mostDesired: 4 });
  assert.equal(rollout.deployment().status, "successful");
  assert.equal(rollout.live().length, 3);
  assert.ok(rollout.live().every((alloc) => alloc.jobVersion === 1));
  rollout.close();
});

test("X5 a surge that is bad is taken back, and nothing that served was touched", async () => {
  const rollout = await runningWeb(SURGE);
  const before = idsOf(rollout.live());
  const seen = watch(rollout);
  await rollout.register(webJob({ ...SURGE, image: "2" }));
  const [bad] = rollout.live().filter((alloc) => alloc.jobVersion === 1);
  assert.ok(bad);
  await rollout.report(bad, { healthy: false, unretryableError: "no such entrypoint" });
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  assert.deepEqual(idsOf(rollout.live()), before);
  assert.equal(seen.leastServing, 3);
  rollout.close();
});

test("X6 a drain with max_surge serves in full and ends, the last of it by its own report", async () => {
  const rollout = await Rollout.start({ name: "here" });
  await rollout.register(webJob(SURGE));
  await rollout.playOut();
  registerNode(rollout.made, { name: "there" });
  await settled();
  const seen = watch(rollout);
  const { id } = rollout.node("here");
  const spec = { deadline: 0, ignoreSystemJobs: false };
  await drainNode(rollout.made.server, { id, spec, markEligible: true, meta: {}, token: "d" });
  await settled();
  for (let round = 0; round < 20; round++) {
    await rollout.playOut();
    await rollout.made.clock.advance(20_000);
  }
  assert.ok(rollout.live().every((alloc) => alloc.nodeId === rollout.node("there").id));
  assert.equal(rollout.live().length, 3);
  assert.deepEqual(seen, { leastServing: 3, mostDesired: 4 });
  assert.equal(rollout.node("here").drainStrategy, null);
  rollout.close();
});

function dockerWeb(image: string, update: WebShape["update"] = {}): Job {
  const tasks = [mockTask({ driver: "docker", config: { image } })];
  return webJob({ count: 6, update: { maxParallel: 2, ...update }, group: { tasks } });
}

const DIGESTS = { "app:1": "sha256:first" };

/** Version 0 ran an image with a digest; version 1 runs another. */
async function withDigests(update: WebShape["update"] = {}): Promise<Rollout> {
  const rollout = await Rollout.start({ name: "a" }, { name: "b" }, { name: "c" });
  await rollout.register(dockerWeb("app:1", update));
  await rollout.report(rollout.live()[0] as Allocation, { imageDigests: DIGESTS });
  await rollout.playOut();
  await rollout.register(dockerWeb("app:2", update));
  return rollout;
}

const current = (rollout: Rollout) => rollout.state.job(REF) as Job;

test("§12.7 a revert runs the digest that its version ran, wherever the tag has gone", async () => {
  const rollout = await withDigests();
  await rollout.playOut();
  assert.deepEqual(current(rollout).imageDigests, {});
  await revertJob(rollout.made.server, {
    ...REF,
    version: 0,
    enforcePriorVersion: null,
    token: "back",
  });
  await settled();
  assert.equal(current(rollout).version, 2);
  assert.deepEqual(current(rollout).imageDigests, DIGESTS);
  rollout.close();
});

test("§12.7 so does an automatic revert, without canaries and with the healthy ones kept", async () => {
  const update = { autoRevert: true, canary: 2 };
  const rollout = await withDigests(update);
  const kept = idsOf(rollout.live().filter((alloc) => alloc.jobVersion === 0));
  const [canary] = rollout.live().filter((alloc) => alloc.jobVersion === 1);
  assert.ok(canary);
  await rollout.report(canary, { healthy: false, unretryableError: "no such entrypoint" });
  assert.equal(current(rollout).version, 2);
  assert.deepEqual(current(rollout).imageDigests, DIGESTS);
  assert.equal(rollout.deployment().taskGroups.web?.desiredCanaries, 0);
  await rollout.playOut();
  assert.deepEqual(idsOf(rollout.live()), kept);
  assert.equal(rollout.deployment().status, "successful");
  rollout.close();
});
