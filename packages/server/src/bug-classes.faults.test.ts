/** Bug classes that show when something dies, or in the order of times (docs/bug-classes.md). */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, ClientStatus, isDeploymentActive } from "@drover/model";
import { drainNode } from "./operations/nodes.ts";
import { type Rollout, watch } from "./testing/rollout.ts";
import type { Fate } from "./testing/test-server.ts";
import { runningWeb, webJob } from "./testing/web-job.ts";

const ROUNDS_MAX = 40;

/** The clients act, the second allocation of `bad` fails, time passes; until all has ended. */
async function liveOn(rollout: Rollout, bad: number | null): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const faulty = rollout.live().filter((alloc) => alloc.jobVersion === bad)[0];
    if (faulty && rollout.live().some((alloc) => alloc.jobVersion === 0)) {
      await rollout.report(faulty, { healthy: false, unretryableError: "no such entrypoint" });
    }
    const count = await rollout.play();
    await rollout.made.clock.advance(1_000);
    if (count === 0 && !isDeploymentActive(rollout.deployment())) return;
  }
  throw new Error("it does not end");
}

/** The leader's n-th proposal from now on is its last: it is lost, or applied and not answered. */
function killAt(rollout: Rollout, n: number, fate: Fate): () => number {
  const { log } = rollout.made;
  let proposals = 0;
  log.fate = () => {
    proposals += 1;
    if (proposals !== n) return "apply";
    queueMicrotask(() => {
      const { term } = log.leadership();
      log.follow(term + 1);
      log.lead(term + 2);
    });
    return fate;
  };
  return () => proposals;
}

for (const [what, bad] of [
  ["an update", null],
  ["a failed update and its revert", 1],
] as const) {
  for (const fate of ["lose", "apply-unanswered"] as const) {
    test(`leader lost between any two log entries: ${what} ends the same (${fate})`, async () => {
      for (let n = 1; ; n++) {
        const shape = { update: { autoRevert: true } };
        const rollout = await runningWeb(shape);
        const seen = watch(rollout);
        const proposals = killAt(rollout, n, fate);
        await rollout.register(webJob({ ...shape, image: "2" }));
        await liveOn(rollout, bad);
        const label = `killed at ${n}`;
        assert.equal(rollout.deployment().status, "successful", label);
        const last = bad === null ? 1 : 2;
        assert.deepEqual(
          rollout.live().map((alloc) => alloc.jobVersion),
          [last, last, last],
          label,
        );
        assert.deepEqual([seen.leastServing, seen.mostDesired], [2, 3], label);
        const open = [...rollout.state.evaluations()].filter((each) => each.status === "pending");
        assert.deepEqual(open, [], label);
        rollout.close();
        if (proposals() < n) break;
        assert.ok(n < 100, "the scenario has an end");
      }
    });
  }
}

/** All orders of the six times, in seconds. */
function* orders<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length <= 1) yield items;
  for (const [i, item] of items.entries()) {
    const others = items.filter((_, at) => at !== i);
    for (const rest of orders(others)) yield [item, ...rest];
  }
}

interface Times {
  readonly minHealthy: number;
  readonly healthyDeadline: number;
  readonly progressDeadline: number;
  readonly shutdownDelay: number;
  readonly killTimeout: number;
  readonly checkInterval: number;
}

interface Step {
  readonly at: number;
  readonly act: () => Promise<void>;
}

/**
 * Clients with these times: a stop takes the delay and the whole time-out, a start waits for the
 * one it replaces (they share a port), the first check comes after its interval.
 */
async function playTimes(rollout: Rollout, times: Times): Promise<void> {
  const begun = new Set<string>();
  const steps: Step[] = [];
  const goneAt = new Map<string, number>();
  const begin = (alloc: Allocation, now: number) => {
    const isStop = alloc.desiredStatus !== "run";
    const key = `${alloc.id} ${isStop}`;
    if (begun.has(key)) return;
    begun.add(key);
    if (isStop) {
      const at = now + times.shutdownDelay + times.killTimeout;
      goneAt.set(alloc.id, at);
      const act = () => rollout.report(alloc, { clientStatus: ClientStatus.complete });
      steps.push({ at, act });
      return;
    }
    const startAt = Math.max(now, goneAt.get(alloc.previousAllocation) ?? 0);
    const healthyAt = startAt + times.checkInterval + times.minHealthy;
    const deadline = now + times.healthyDeadline;
    const healthy = healthyAt <= deadline;
    steps.push({ at: startAt, act: () => rollout.report(alloc, {}) });
    const verdictAt = healthy ? healthyAt : deadline;
    steps.push({ at: verdictAt, act: () => rollout.report(alloc, { healthy }) });
  };
  for (let i = 0; i < 200; i++) {
    const now = rollout.made.clock.now();
    for (const alloc of rollout.held()) if (alloc.desiredStatus !== "run") begin(alloc, now);
    for (const alloc of rollout.live()) {
      if (alloc.deploymentStatus?.healthy !== true) begin(alloc, now);
    }
    steps.sort((a, b) => a.at - b.at);
    const next = steps.shift();
    if (next === undefined) break;
    if (next.at > now) await rollout.made.clock.advance(next.at - now);
    await next.act();
  }
  await rollout.made.clock.advance(4 * times.progressDeadline);
}

test("every order of min_healthy, healthy_deadline, progress_deadline, shutdown_delay, kill_timeout and check interval: the deployment ends, and the floor holds", async () => {
  const outcomes = new Map<string, number>();
  for (const order of orders([1_000, 2_000, 4_000, 8_000, 16_000, 32_000])) {
    const [minHealthy, healthyDeadline, progressDeadline, shutdownDelay, killTimeout] =
      order as unknown as readonly [number, number, number, number, number];
    const checkInterval = order[5] as number;
    const times = {
      ...{ minHealthy, healthyDeadline, progressDeadline },
      ...{ shutdownDelay, killTimeout, checkInterval },
    };
    const update = { progressDeadline: progressDeadline * 1e6 };
    const rollout = await runningWeb({ count: 2, update });
    const seen = watch(rollout);
    await rollout.register(webJob({ count: 2, image: "2", update }));
    await playTimes(rollout, times);
    const { status } = rollout.deployment();
    const label = JSON.stringify(times);
    assert.equal(isDeploymentActive(rollout.deployment()), false, label);
    assert.ok(seen.leastServing >= 1, label);
    const takes = shutdownDelay + killTimeout + checkInterval + minHealthy;
    const isInTime = takes <= healthyDeadline && takes < progressDeadline;
    assert.equal(status, isInTime ? "successful" : "failed", label);
    outcomes.set(status, (outcomes.get(status) ?? 0) + 1);
    rollout.close();
  }
  assert.ok((outcomes.get("successful") ?? 0) > 0 && (outcomes.get("failed") ?? 0) > 0);
});

test("drain against canary: the old version moves as the old version, the canary as a canary", async () => {
  const rollout = await runningWeb({ update: { canary: 1 } });
  await rollout.register(webJob({ image: "2", update: { canary: 1 } }));
  await rollout.playOut();
  const isCanary = (alloc: Allocation) => alloc.jobVersion === 1;
  const canary = rollout.live().find(isCanary) as Allocation;
  const seen = watch(rollout);
  const spec = { deadline: 0, ignoreSystemJobs: false };
  const request = { spec, markEligible: false, meta: {}, token: "drain" };
  await drainNode(rollout.made.server, { id: canary.nodeId, ...request });
  for (let round = 0; round < 10; round++) {
    await rollout.playOut();
    await rollout.made.clock.advance(1_000);
  }
  assert.ok(rollout.live().every((alloc) => alloc.nodeId !== canary.nodeId));
  const canaries = rollout.live().filter(isCanary);
  assert.deepEqual(
    canaries.map((alloc) => alloc.deploymentStatus?.canary),
    [true],
  );
  assert.equal(rollout.live().length, 4);
  assert.ok(seen.leastServing >= 2, `${seen.leastServing}`);
  assert.ok(seen.mostDesired <= 4, `${seen.mostDesired}`);
  assert.equal(rollout.deployment().status, "running", "it waits for its promotion");
  rollout.close();
});
