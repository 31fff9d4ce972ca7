/** The new one starts before the old one stops (DESIGN §12.2): rules X1 to X7. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  CAPACITY,
  ClientStatus,
  DeploymentStatus,
  type DrainStrategy,
  EvalTrigger,
  type Job,
  Rule,
} from "@drover/model";
import { Harness } from "../testing/harness.ts";
import { type RollingOptions, rollingJob } from "../testing/jobs.ts";

const DRAIN: DrainStrategy = {
  deadline: 0,
  ignoreSystemJobs: false,
  forceDeadline: 0,
  startedAt: 0,
};

interface Scene extends RollingOptions {
  readonly nodes?: number;
  /** Allocations for which a node has memory. */
  readonly roomFor?: number;
}

/** Version 0 runs; version 1 has been registered. */
function surging(scene: Scene = {}) {
  const { nodes = 3, roomFor, ...rest } = scene;
  const options = { count: 4, ...rest, update: { maxParallel: 1, maxSurge: 1, ...rest.update } };
  const harness = new Harness({ nodes });
  if (roomFor !== undefined) shrink(harness, roomFor);
  const job = rollingJob(options);
  harness.register(job);
  harness.rollToEnd(job);
  const next = rollingJob({ ...options, image: "2" });
  const result = harness.register(next);
  return { harness, job: next, options, ...result };
}

function shrink(harness: Harness, roomFor: number): void {
  for (const node of [...harness.state.nodes()]) {
    const nodeResources = { ...node.nodeResources, memory: { memoryMb: 64 * roomFor } };
    harness.changeNode(node.id, { nodeResources });
  }
}

function beside(harness: Harness, job: Job): Allocation[] {
  return harness.live(job).filter((alloc) => alloc.phase === "surge");
}

function serving(harness: Harness, job: Job): number {
  return harness.live(job).filter(({ clientStatus, deploymentStatus }) => {
    return clientStatus === "running" && deploymentStatus?.healthy === true;
  }).length;
}

function mark(harness: Harness, alloc: Allocation): void {
  harness.update(alloc, { desiredTransition: { ...alloc.desiredTransition, migrate: true } });
}

function drain(harness: Harness, nodeId: string, strategy: Partial<DrainStrategy> = {}): void {
  const drainStrategy = { ...DRAIN, ...strategy };
  harness.changeNode(nodeId, { drainStrategy, schedulingEligibility: "ineligible" });
}

test("[X1] the new one starts beside the old one, under its name", () => {
  const { harness, job, plan } = surging();
  assert.deepEqual(plan.stops, []);
  assert.deepEqual(
    plan.placements.map(({ jobVersion, name, phase }) => [name, phase, jobVersion]),
    [["example.web[0]", "surge", 1]],
  );
  assert.equal(harness.live(job).length, 5);
  const again = harness.evaluate(job);
  assert.deepEqual([again.plan.stops, again.plan.placements], [[], []]);
  assert.equal(again.waits[0]?.rule, Rule.groupRollingLimit);
});

test("[X1] without max_surge the old one stops first", () => {
  const { plan } = surging({ update: { maxSurge: 0 } });
  assert.equal(plan.stops.length, 1);
  assert.deepEqual(
    plan.placements.map(({ phase }) => phase),
    ["go"],
  );
});

test("[X1] a disk that the new one takes over leaves no room for a surge", () => {
  const ephemeralDisk = { sticky: true, migrate: true, sizeMb: 150 };
  const { plan } = surging({ group: { ephemeralDisk } });
  assert.equal(plan.stops.length, 1);
});

test("[X1] a static port makes the new one start on another node", () => {
  const port = {
    label: "http",
    value: 8080,
    to: 0,
    hostNetwork: "default",
    ignoreCollision: false,
  };
  const network = {
    mode: "",
    device: "",
    cidr: "",
    ip: "",
    hostname: "",
    mBits: 0,
    dns: null,
    cni: null,
    dynamicPorts: [],
    reservedPorts: [port],
  };
  const { harness, job } = surging({ count: 2, nodes: 3, group: { networks: [network] } });
  const [next] = beside(harness, job);
  const others = harness.live(job).filter(({ id }) => id !== next?.id);
  assert.equal(others.length, 2);
  assert.ok(others.every(({ nodeId }) => nodeId !== next?.nodeId));
});

test("[X2] at most max_surge stand beside the old ones, and at most max_parallel are undecided", () => {
  assert.equal(surging({ update: { maxParallel: 3, maxSurge: 2 } }).plan.placements.length, 2);
  assert.equal(surging({ update: { maxParallel: 2, maxSurge: 3 } }).plan.placements.length, 2);
  const { harness, job } = surging({ update: { maxParallel: 3, maxSurge: 2 } });
  const { waits } = harness.evaluate(job);
  assert.equal(waits[0]?.rule, Rule.groupSurgeLimit);
  assert.match(waits[0]?.text ?? "", /2 to replace; max_surge = 2 is used up by 2/);
});

test("[X2] one that does not serve is replaced at once", () => {
  const { harness, job } = surging({ update: { maxParallel: 2, maxSurge: 1 } });
  const old = harness.live(job).find(({ jobVersion, name }) => {
    return jobVersion === 0 && name !== "example.web[0]";
  });
  assert.ok(old);
  harness.run(old, false);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [old.id],
  );
});

test("[X3] without room for both the old one stops first, and the floor of max_parallel holds", () => {
  const { harness, job, plan } = surging({ nodes: 1, roomFor: 4, update: { maxParallel: 2 } });
  assert.equal(plan.stops.length, 1);
  assert.deepEqual(
    plan.placements.map(({ phase }) => phase),
    ["go"],
  );
  assert.equal(harness.evaluate(job).plan.stops.length, 0);
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every(({ jobVersion }) => jobVersion === 1));
});

test("[X3] room for one of two: one starts beside, the other after", () => {
  const { plan } = surging({ nodes: 1, roomFor: 5, update: { maxParallel: 2, maxSurge: 2 } });
  assert.deepEqual(plan.placements.map(({ phase }) => phase).toSorted(), ["go", "surge"]);
  assert.equal(plan.stops.length, 1);
});

test("[X3 L2] without room, and with the floor reached, nothing that serves stops", () => {
  const { harness, job } = surging({ nodes: 1, roomFor: 4 });
  const first = harness.live(job).find(({ jobVersion }) => jobVersion === 1);
  assert.ok(first);
  harness.settle(job);
  harness.update(first, { serving: false });
  const { blocked, failedGroups, plan, waits } = harness.evaluate(job);
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  // Where nothing else moves, room that comes has to wake it.
  assert.deepEqual(Object.keys(blocked?.failedTgAllocs ?? {}), ["web"]);
  assert.deepEqual(failedGroups, {});
  const stays = waits.filter(({ subject }) => subject.kind === "allocation");
  assert.deepEqual(
    stays.map(({ rule, waitsFor }) => [rule, waitsFor]),
    [[Rule.groupSurgeLimit, [CAPACITY]]],
  );
  harness.update(first, { serving: true });
  assert.equal(harness.evaluate(job).plan.stops.length, 1);
});

test("[X4] the old one stops in the plan that finds the new one healthy", () => {
  const { harness, job } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next, null);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.run(next);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map(({ allocId, desiredDescription }) => [allocId, desiredDescription]),
    [[next.previousAllocation, "alloc is being updated due to job update"]],
  );
  assert.equal(harness.state.alloc(next.id)?.phase, "go");
  assert.equal(harness.state.alloc(next.previousAllocation)?.nextAllocation, next.id);
  assert.deepEqual(
    plan.placements.filter(({ id }) => id !== next.id).map(({ name, phase }) => [name, phase]),
    [["example.web[1]", "surge"]],
  );
});

test("[X4 X7] serving never falls below the count, and the end has exactly the count", () => {
  const { harness, job } = surging({ update: { maxParallel: 2, maxSurge: 2 } });
  let most = 0;
  for (let round = 0; round < 40; round++) {
    most = Math.max(most, harness.live(job).length);
    assert.ok(serving(harness, job) >= 4, `${serving(harness, job)} serve in round ${round}`);
    const [deployment] = harness.state.deploymentsByJob(job);
    if (deployment?.status === DeploymentStatus.successful) break;
    harness.settle(job);
    harness.evaluate(job);
  }
  assert.equal(most, 6);
  const live = harness.live(job);
  assert.deepEqual(
    live.map(({ jobVersion, name }) => [name, jobVersion]),
    [0, 1, 2, 3].map((i) => [`example.web[${i}]`, 1]),
  );
  assert.equal(harness.state.deploymentsByJob(job)[0]?.status, "successful");
});

test("[X4] while others do not serve, a surge that is healthy takes the old one's place", () => {
  const { harness, job } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next);
  const olds = harness.live(job).filter(({ id }) => {
    return id !== next.id && id !== next.previousAllocation;
  });
  for (const old of olds) harness.run(old, false);
  const { plan } = harness.evaluate(job);
  assert.ok(plan.stops.some(({ allocId }) => allocId === next.previousAllocation));
});

test("[X5] a failed deployment gives the new one up and keeps the old one", () => {
  const { harness, job } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next, false);
  harness.failDeployment(job);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [next.id],
  );
  assert.deepEqual(plan.placements, []);
  assert.equal(serving(harness, job), 4);
  assert.ok(harness.live(job).every(({ jobVersion }) => jobVersion === 0));
});

test("[X5] a newer version gives the new one up and rolls on from the old one", () => {
  const { harness, job, options } = surging();
  const [next] = beside(harness, job);
  const { plan } = harness.register(rollingJob({ ...options, image: "3" }));
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [next?.id],
  );
  assert.deepEqual(
    plan.placements.map(({ jobVersion, phase }) => [jobVersion, phase]),
    [[2, "surge"]],
  );
});

test("[X5] one whose node goes out of reach is given up", () => {
  for (const status of ["down", "disconnected"]) {
    const disconnect = {
      lostAfter: 60_000_000_000,
      stopOnClientAfter: null,
      replace: true,
      reconcile: "best_score",
    };
    const { harness, job } = surging({ group: { disconnect } });
    const [next] = beside(harness, job);
    assert.ok(next);
    harness.run(next, null);
    harness.changeNode(next.nodeId, { status });
    const { plan } = harness.evaluate(job);
    assert.ok(
      plan.stops.some(({ allocId }) => allocId === next.id),
      status,
    );
    assert.ok(plan.placements.every(({ id }) => id !== next.id));
  }
});

test("[X5] when the old one ends, the new one has taken its place", () => {
  const { harness, job, options } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next, null);
  harness.fail(harness.state.alloc(next.previousAllocation) as Allocation);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [next.previousAllocation],
  );
  assert.ok(plan.placements.every(({ name }) => name !== next.name));
  const later = harness.register(rollingJob({ ...options, image: "3" }));
  assert.ok(
    later.plan.placements.some(({ previousAllocation }) => previousAllocation === next.id),
    "it is replaced like any other",
  );
  harness.rollToEnd(job);
  assert.equal(harness.live(job).length, 4);
});

test("[X5] one that failed is tried again beside the old one", () => {
  const { harness, job } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  const failed = harness.fail(next);
  harness.update(failed, {
    desiredTransition: { ...failed.desiredTransition, reschedule: true },
  });
  harness.now += 60_000;
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [next.id],
  );
  const [retry] = plan.placements;
  assert.deepEqual([retry?.phase, retry?.previousAllocation], ["surge", next.previousAllocation]);
  assert.equal(retry?.rescheduleTracker?.events[0]?.prevAllocId, next.id);
});

test("[X5] scaling a name away stops both", () => {
  const { harness, job, options } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.register(rollingJob({ ...options, image: "2", count: 0 }));
  assert.deepEqual(harness.live(job), []);
});

test("[X4] while the deployment is paused both run on", () => {
  const { harness, job } = surging();
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next);
  harness.pause(job);
  const { plan } = harness.evaluate(job);
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  assert.equal(harness.live(job).length, 5);
});

/** Everything runs; one node drains, and the drainer has marked what it holds. */
function draining(strategy: Partial<DrainStrategy> = {}, options: RollingOptions = {}) {
  const harness = new Harness({ nodes: 4 });
  const update = { maxParallel: 1, maxSurge: 1, ...options.update };
  const job = rollingJob({ count: 4, ...options, update });
  harness.register(job);
  harness.rollToEnd(job);
  const old = harness.live(job)[0] as Allocation;
  drain(harness, old.nodeId, strategy);
  mark(harness, old);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  return { harness, job, old, plan };
}

test("[X6] what a drain has marked runs on until its replacement is healthy", () => {
  const { harness, job, old, plan } = draining();
  assert.deepEqual(plan.stops, []);
  const [next] = beside(harness, job);
  assert.ok(next);
  assert.deepEqual([next.previousAllocation, next.name], [old.id, old.name]);
  assert.notEqual(next.nodeId, old.nodeId);
  harness.run(next, null);
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.update(next, {
    deploymentStatus: { healthy: true, timestamp: 0, canary: false, modifyIndex: 0 },
  });
  assert.deepEqual(
    harness.evaluate(job).plan.stops.map(({ allocId, desiredDescription }) => {
      return [allocId, desiredDescription];
    }),
    [[old.id, "alloc is being migrated"]],
  );
  assert.equal(harness.live(job).length, 4);
});

test("[X6] no more than max_surge of a drain stand beside their successors", () => {
  const { harness, job, old } = draining();
  const [other] = harness.live(job).filter(({ id, phase }) => id !== old.id && phase !== "surge");
  assert.ok(other);
  drain(harness, other.nodeId);
  mark(harness, other);
  const { plan, waits } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  assert.equal(
    waits.find(({ rule }) => rule === Rule.groupSurgeLimit)?.text,
    "it must leave its node; max_surge = 1 replacements run beside theirs already",
  );
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.update(harness.run(next), {
    deploymentStatus: { healthy: true, timestamp: 0, canary: false, modifyIndex: 0 },
  });
  const later = harness.evaluate(job).plan;
  assert.deepEqual(
    later.stops.map(({ allocId }) => allocId),
    [old.id],
  );
  assert.ok(later.placements.some(({ previousAllocation }) => previousAllocation === other.id));
});

/** `next` stands beside an old one for an update; `other`, an old one too, has been drained. */
function drainedBesideUpdate(options: { readonly isPaused: boolean }) {
  const { harness, job } = surging({ nodes: 5 });
  harness.evaluate(job);
  const [next] = beside(harness, job);
  assert.ok(next);
  harness.run(next, null);
  if (options.isPaused) harness.pause(job);
  const pair = [next.id, next.previousAllocation];
  const other = harness.live(job).find(({ id }) => !pair.includes(id));
  assert.ok(other);
  drain(harness, other.nodeId);
  mark(harness, other);
  const result = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  return { harness, job, next, other, ...result };
}

test("[X6] a drain does not wait for the surge that a paused update keeps", () => {
  const { harness, job, next, other, plan } = drainedBesideUpdate({ isPaused: true });
  assert.deepEqual(
    plan.placements.map(({ phase, previousAllocation }) => [phase, previousAllocation]),
    [["go", other.id]],
    "it leaves as it would without max_surge",
  );
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [other.id],
  );
  const pair = beside(harness, job).map(({ id }) => id);
  assert.deepEqual(pair, [next.id], "the update's pair stays");
  assert.equal(harness.live(job).length, 5);
});

test("[X6] but it does wait for that of an update that goes on", () => {
  const { other, plan, waits } = drainedBesideUpdate({ isPaused: false });
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  const told = waits.filter(({ rule }) => rule === Rule.groupSurgeLimit);
  assert.ok(told.some(({ subject }) => subject.id === other.id));
});

test("[X6] at the drain's deadline the old one goes, and the new one has taken its place", () => {
  const { harness, job, old } = draining({ deadline: 60_000_000_000, forceDeadline: 1 });
  const live = harness.live(job).filter(({ id }) => id !== old.id);
  assert.ok(harness.state.alloc(old.id)?.desiredStatus === "stop");
  assert.equal(live.length, 4);
});

test("[X6] what an operator stops does not wait", () => {
  const { harness, job } = surging();
  harness.rollToEnd(job);
  const [alloc] = harness.live(job);
  assert.ok(alloc);
  mark(harness, alloc);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.allocStop });
  assert.deepEqual(
    plan.stops.map(({ allocId }) => allocId),
    [alloc.id],
  );
  assert.deepEqual(
    plan.placements.map(({ phase }) => phase),
    ["go"],
  );
});

test("[X6] without room elsewhere a drained one leaves as ever", () => {
  const harness = new Harness({ nodes: 2 });
  shrink(harness, 2);
  const job = rollingJob({ count: 2, update: { maxParallel: 1, maxSurge: 1 } });
  harness.register(job);
  harness.rollToEnd(job);
  const busy = harness.live(job)[0] as Allocation;
  const other = [...harness.state.nodes()].find(({ id }) => id !== busy.nodeId);
  assert.ok(other);
  harness.changeNode(other.id, { status: "down" });
  drain(harness, busy.nodeId);
  mark(harness, busy);
  const { plan } = harness.evaluate(job, { triggeredBy: EvalTrigger.nodeDrain });
  assert.ok(plan.stops.some(({ allocId }) => allocId === busy.id));
});

test("[X1] a batch job has no surge", () => {
  const harness = new Harness();
  const job = rollingJob({ update: null, job: { type: "batch" } });
  harness.register(job);
  for (const alloc of harness.live(job)) {
    harness.update(alloc, { clientStatus: ClientStatus.running });
  }
  const { plan } = harness.register(
    rollingJob({ update: null, image: "2", job: { type: "batch" } }),
  );
  assert.ok(plan.placements.every(({ phase }) => phase !== "surge"));
});
