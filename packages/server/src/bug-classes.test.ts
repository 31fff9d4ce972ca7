/**
 * Bug classes that orchestrators are known for, on a whole server whose clients do as the test says
 * (docs/bug-classes.md lists all of them and where each is held).
 */
import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { type Allocation, ClientStatus, isDeploymentActive } from "@drover/model";
import { mockTaskGroup } from "@drover/model/testing";
import { failDeployment, pauseDeployment, promoteDeployment } from "./operations/deployments.ts";
import { Rollout, watch } from "./testing/rollout.ts";
import { settled } from "./testing/test-server.ts";
import { PROGRESS_MS, runningWeb, webJob } from "./testing/web-job.ts";

const ofVersion = (rollout: Rollout, version: number) =>
  rollout.live().filter((alloc) => alloc.jobVersion === version);

type Fate = (rollout: Rollout) => Promise<void>;

const ends: readonly [string, Fate][] = [
  ["its clients never say a word", async () => {}],
  [
    "its allocations run and never become healthy",
    async (rollout) => {
      for (const alloc of ofVersion(rollout, 1)) await rollout.report(alloc, {});
    },
  ],
  [
    "its allocations are unhealthy",
    async (rollout) => {
      for (const alloc of ofVersion(rollout, 1)) await rollout.report(alloc, { healthy: false });
    },
  ],
  [
    "its allocations fail again and again",
    async (rollout) => {
      for (let round = 0; round < 40; round++) {
        for (const alloc of ofVersion(rollout, 1)) {
          await rollout.report(alloc, { clientStatus: ClientStatus.failed, healthy: false });
        }
        await rollout.made.clock.advance(5_000);
      }
    },
  ],
  [
    "it becomes healthy and unhealthy in turns",
    async (rollout) => {
      for (let round = 0; round < 40; round++) {
        for (const alloc of ofVersion(rollout, 1)) {
          await rollout.report(alloc, { healthy: round % 2 === 0 });
        }
        await rollout.made.clock.advance(7_000);
      }
    },
  ],
  [
    "its allocations are stopped and nobody acknowledges",
    async (rollout) => {
      for (const alloc of ofVersion(rollout, 1)) {
        const transitions = { [alloc.id]: { migrate: true } };
        rollout.made.apply({ tag: 8, transitions, evals: [] });
      }
    },
  ],
  [
    "an operator marks it failed",
    async (rollout) => {
      const { id } = rollout.deployment();
      await failDeployment(rollout.made.server, { id, token: "fail" });
    },
  ],
];

for (const [what, fate] of ends) {
  test(`deployment stuck running: it ends although ${what}`, async () => {
    const rollout = await runningWeb();
    await rollout.register(webJob({ image: "2" }));
    await fate(rollout);
    await rollout.made.clock.advance(4 * PROGRESS_MS);
    assert.equal(isDeploymentActive(rollout.deployment()), false, rollout.deployment().status);
    rollout.close();
  });
}

test("deployment stuck running: it ends although there is no place for it", async () => {
  const rollout = await Rollout.start();
  await rollout.register(webJob());
  await rollout.made.clock.advance(PROGRESS_MS);
  assert.equal(rollout.deployment().status, "failed");
  rollout.close();
});

test("revert loop: when the version that is returned to fails as well, it holds", async () => {
  const rollout = await runningWeb({ update: { autoRevert: true } });
  const bad = webJob({ image: "2", update: { autoRevert: true } });
  await rollout.register(bad);
  for (let round = 0; round < 30; round++) {
    for (const alloc of rollout.live()) {
      if (alloc.deploymentStatus?.healthy === true) continue;
      await rollout.report(alloc, { clientStatus: ClientStatus.failed, healthy: false });
    }
    await rollout.made.clock.advance(PROGRESS_MS);
  }
  assert.ok((rollout.state.job({ namespace: "default", id: "web" })?.version ?? 9) <= 2);
  assert.equal(isDeploymentActive(rollout.deployment()), false);
  rollout.close();
});

test("revert that kills healthy ones: what still runs the old version in health is kept", async () => {
  const rollout = await runningWeb({ update: { autoRevert: true } });
  const before = rollout.live().map((alloc) => alloc.id);
  await rollout.register(webJob({ image: "2", update: { autoRevert: true } }));
  const [first] = ofVersion(rollout, 1) as [Allocation];
  const kept = before.filter((id) => id !== first.previousAllocation);
  const seen = watch(rollout);
  await rollout.report(first, { healthy: false, unretryableError: "no such entrypoint" });
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  const now = rollout.live().map((alloc) => alloc.id);
  assert.ok(
    kept.every((id) => now.includes(id)),
    "none of the healthy ones was replaced",
  );
  assert.equal(seen.leastServing, 2);
  rollout.close();
});

test("duplicates after a partition: of a name that runs twice one is stopped", async () => {
  const rollout = await runningWeb();
  const cutOff = rollout.live()[0] as Allocation;
  const { id } = rollout.state.node(cutOff.nodeId) ?? { id: "" };
  const isCutOff = (nodeId: string) => nodeId === id;
  rollout.setNode(id, "down");
  await settled();
  await rollout.playOut(isCutOff);
  assert.equal(rollout.live().length, 3);
  rollout.setNode(id, "ready");
  await rollout.report(cutOff, { clientStatus: ClientStatus.running });
  const back = rollout.state.alloc(cutOff.id);
  assert.equal(back?.desiredStatus, "stop", "its node is told to stop it");
  assert.deepEqual(
    rollout
      .live()
      .map((alloc) => alloc.name)
      .sort(),
    ["web.web[0]", "web.web[1]", "web.web[2]"],
  );
  rollout.close();
});

test("unbounded placement on reconnect: a node that comes and goes is replaced once each time", async () => {
  const disconnect = {
    lostAfter: 3_600 * SECOND,
    replace: true,
    reconcile: "keep_original",
    stopOnClientAfter: null,
  };
  const policy = { attempts: 0, unlimited: true, delay: 0, delayFunction: "constant" };
  const base = mockTaskGroup({ name: "web" }).reschedulePolicy;
  const reschedulePolicy = base && { ...base, ...policy };
  const rollout = await runningWeb({ group: { disconnect, reschedulePolicy } });
  const away = rollout.live()[0] as Allocation;
  const isAway = (nodeId: string) => nodeId === away.nodeId;
  for (let round = 1; round <= 5; round++) {
    rollout.setNode(away.nodeId, "disconnected");
    await settled();
    for (let again = 0; again < 4; again++) {
      await rollout.evaluate();
      await rollout.playOut(isAway);
    }
    assert.ok(rollout.live().length <= 4, "one replacement beside the unknown one");
    rollout.setNode(away.nodeId, "ready");
    await rollout.report(away, { clientStatus: ClientStatus.running });
    await rollout.playOut();
    assert.equal(rollout.live().length, 3);
    assert.ok(rollout.all().length <= 3 + round, `${rollout.all().length}`);
  }
  rollout.close();
});

async function promote(rollout: Rollout): Promise<void> {
  const { id } = rollout.deployment();
  await promoteDeployment(rollout.made.server, { id, groups: null, token: `promote ${id}` });
  await settled();
}

test("canary state lost after promotion: another leader and more evaluations leave it promoted", async () => {
  const rollout = await runningWeb({ update: { canary: 1 } });
  await rollout.register(webJob({ image: "2", update: { canary: 1 } }));
  await rollout.playOut();
  const [canary] = ofVersion(rollout, 1) as [Allocation];
  await promote(rollout);
  rollout.made.log.follow(2);
  rollout.made.log.lead(3);
  await settled();
  await rollout.evaluate();
  const part = () => rollout.deployment().taskGroups.web;
  assert.equal(part()?.promoted, true);
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  assert.deepEqual([part()?.promoted, part()?.placedCanaries], [true, [canary.id]]);
  assert.ok(
    rollout.live().some((alloc) => alloc.id === canary.id),
    "the canary is one of the three",
  );
  assert.ok(rollout.live().every((alloc) => alloc.deploymentStatus?.canary !== true));
  assert.equal(rollout.live().length, 3);
  rollout.close();
});

test("three versions live: versions in the middle of one another end in the last alone", async () => {
  const update = { maxParallel: 2 };
  const rollout = await runningWeb({ count: 6, update });
  const seen = watch(rollout);
  for (const image of ["2", "3", "4"]) {
    await rollout.register(webJob({ count: 6, image, update }));
    for (let i = 0; i < 5; i++) await rollout.playOne();
  }
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  assert.equal(ofVersion(rollout, 3).length, 6);
  assert.equal(rollout.live().length, 6);
  assert.deepEqual([seen.leastServing, seen.mostDesired], [4, 6]);
  rollout.close();
});

for (const count of [2, 5]) {
  test(`count change during canary: from three to ${count} keeps the old ones until the promotion`, async () => {
    const rollout = await runningWeb({ update: { canary: 1 } });
    await rollout.register(webJob({ image: "2", update: { canary: 1 } }));
    await rollout.playOut();
    const seen = watch(rollout);
    await rollout.register(webJob({ count, image: "2", update: { canary: 1 } }));
    await rollout.playOut();
    assert.ok(seen.mostDesired <= Math.max(3, count) + 1, `${seen.mostDesired}`);
    assert.ok(ofVersion(rollout, 0).length >= Math.min(3, count) - 1);
    if (isDeploymentActive(rollout.deployment())) await promote(rollout);
    await rollout.playOut();
    assert.equal(rollout.deployment().status, "successful");
    const names = rollout.live().map((alloc) => alloc.name);
    assert.deepEqual([names.length, new Set(names).size], [count, count]);
    assert.equal(ofVersion(rollout, 0).length, 0);
    assert.ok(seen.leastServing >= Math.min(3, count) - 1, `${seen.leastServing}`);
    rollout.close();
  });
}

test("floor violated by an extra evaluation: however often the job is evaluated", async () => {
  const rollout = await runningWeb({ count: 5, update: { maxParallel: 2 } });
  const seen = watch(rollout);
  await rollout.register(webJob({ count: 5, image: "2", update: { maxParallel: 2 } }));
  for (let round = 0; round < 40; round++) {
    for (let extra = 0; extra < 3; extra++) await rollout.evaluate();
    if ((await rollout.playOne()) === 0) break;
  }
  assert.equal(rollout.deployment().status, "successful");
  assert.deepEqual([seen.leastServing, seen.mostDesired], [3, 5]);
  rollout.close();
});

test("paused but clocks run: what was paused for longer than its deadline goes on when resumed", async () => {
  const rollout = await runningWeb();
  await rollout.register(webJob({ image: "2" }));
  const { id } = rollout.deployment();
  const pause = (isPaused: boolean) =>
    pauseDeployment(rollout.made.server, { id, pause: isPaused, token: `pause ${isPaused}` });
  await pause(true);
  await rollout.made.clock.advance(5 * PROGRESS_MS);
  assert.equal(rollout.deployment().status, "paused");
  await pause(false);
  await rollout.made.clock.advance(PROGRESS_MS / 2);
  assert.equal(rollout.deployment().status, "running");
  await rollout.playOut();
  assert.equal(rollout.deployment().status, "successful");
  rollout.close();
});

test("wall clock stepping back on a new leader: deadlines come at their time all the same", async () => {
  const rollout = await runningWeb();
  await rollout.register(webJob({ image: "2" }));
  const { clock, log } = rollout.made;
  const deadline = rollout.deployment().taskGroups.web?.requireProgressBy ?? 0;
  log.follow(2);
  clock.set(clock.now() - 3_600_000);
  log.lead(3);
  await settled();
  await clock.advance(PROGRESS_MS - 1_000);
  assert.equal(rollout.deployment().status, "running");
  await clock.advance(2_000);
  assert.equal(rollout.deployment().status, "failed");
  assert.equal(rollout.deployment().taskGroups.web?.requireProgressBy, deadline);
  assert.ok(rollout.state.clock >= deadline, "replicated time has gone on");
  rollout.close();
});

/** Another server leads, with a clock so far off the others' (`others` of which can be asked). */
async function leadOffBy(rollout: Rollout, offMs: number, others = 2): Promise<void> {
  const { clock, log } = rollout.made;
  log.follow(2);
  clock.set(clock.now() + offMs);
  for (let i = 1; i <= others; i++) log.others.set(`s${i}:4647`, async () => clock.now() - offMs);
  log.lead(3);
  await settled();
}

test("wall clock stepping ahead on a new leader: deadlines come at their time all the same", async () => {
  const rollout = await runningWeb();
  await rollout.register(webJob({ image: "2" }));
  const { clock, lines } = rollout.made;
  const deadline = rollout.deployment().taskGroups.web?.requireProgressBy ?? 0;
  await leadOffBy(rollout, 3_600_000);
  await clock.advance(PROGRESS_MS - 1_000);
  assert.equal(rollout.deployment().status, "running");
  await clock.advance(2_000);
  assert.equal(rollout.deployment().status, "failed");
  assert.equal(rollout.deployment().taskGroups.web?.requireProgressBy, deadline);
  assert.ok(rollout.state.clock < deadline + 60_000, "replicated time has not gone ahead");
  assert.ok([...rollout.state.nodes()].every((node) => node.status === "ready"));
  assert.ok(lines.some((line) => line.startsWith("warn this machine's clock is ahead of")));
  rollout.close();
});

test("wall clock stepping ahead on a new leader: clocks that nobody answers for are waited for briefly", async () => {
  const rollout = await runningWeb();
  await rollout.register(webJob({ image: "2" }));
  const { clock, log, lines } = rollout.made;
  log.others.set("s3:4647", () => new Promise<number>(() => undefined));
  log.others.set("s4:4647", () => Promise.reject(new Error("unreachable")));
  await leadOffBy(rollout, 3_600_000);
  assert.equal(
    lines.some((line) => line.includes("clock is ahead")),
    false,
  );
  await clock.advance(200);
  assert.ok(lines.some((line) => line.includes("clock is ahead")));
  await clock.advance(PROGRESS_MS / 2);
  assert.equal(rollout.deployment().status, "running");
  rollout.close();
});

for (const stepMs of [60_000, -60_000]) {
  test(`wall clock of the leader set by ${stepMs} ms: deadlines come at their time all the same`, async () => {
    const rollout = await runningWeb();
    await rollout.register(webJob({ image: "2" }));
    const { clock } = rollout.made;
    const deadline = rollout.deployment().taskGroups.web?.requireProgressBy ?? 0;
    await clock.advance(1_000);
    clock.set(clock.now() + stepMs);
    await clock.advance(PROGRESS_MS - 3_000);
    assert.equal(rollout.deployment().status, "running");
    await clock.advance(4_000);
    assert.equal(rollout.deployment().status, "failed");
    assert.ok(
      Math.abs(rollout.state.clock - deadline) < 5_000,
      "replicated time has kept its pace",
    );
    rollout.close();
  });
}

test("pause of the leader for a minute: no node is given up, no allocation is lost", async () => {
  const rollout = await runningWeb();
  const { clock, log, server } = rollout.made;
  log.follow(2);
  log.lead(3);
  await settled();
  const beat = async (round: number) => {
    // One alone: when all fall silent at once, another guard would hold them.
    const { id } = rollout.node("a");
    await server.leaderCalls.call("node.heartbeat", { nodeId: id }, `beat ${round}`);
  };
  await beat(0);
  await clock.stall(60_000);
  await clock.advance(100);
  await beat(1);
  await clock.advance(5_000);
  assert.ok([...rollout.state.nodes()].every((node) => node.status === "ready"));
  assert.ok(rollout.live().every((alloc) => alloc.clientStatus === ClientStatus.running));
  rollout.close();
});
