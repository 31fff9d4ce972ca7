/** Images fetched ahead (DESIGN §12.3): rules F1 to F6. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, type Job, type Node, NodeStatus } from "@drover/model";
import { mockJob, mockTask } from "@drover/model/testing";
import { nextImages } from "./next-images.ts";
import { Harness, harnessNode } from "./testing/harness.ts";
import { type RollingOptions, rollingGroup, rollingJob } from "./testing/jobs.ts";

function dockerJob(options: RollingOptions = {}): Job {
  return rollingJob({ driver: "docker", image: "app:1", ...options });
}

/** Everything of version 0 runs, one on each of as many nodes; version 1 has begun. */
function updating(options: RollingOptions = {}, old: RollingOptions = options) {
  const harness = new Harness({ nodes: options.count ?? 6 });
  const job = dockerJob(old);
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(dockerJob({ image: "app:2", ...options }));
  return { harness, job };
}

function pairs(harness: Harness, job: Job): Allocation[] {
  return harness.live(job).filter((alloc) => alloc.phase === "prepare");
}

function hints(harness: Harness, job: Job) {
  return nextImages(harness.state, job, harness.now);
}

function hinted(harness: Harness, job: Job): string[] {
  return (hints(harness, job) ?? []).map(({ nodeId }) => nodeId);
}

/** Nodes of the old version's allocations by name, those in pairs left out. */
function oldNodes(harness: Harness, job: Job): string[] {
  const inPairs = new Set(pairs(harness, job).map((next) => next.previousAllocation));
  return harness
    .live(job)
    .filter(({ id, jobVersion }) => jobVersion === 0 && !inPairs.has(id))
    .map(({ nodeId }) => nodeId);
}

function hold(harness: Harness, nodeId: string, ...images: string[]): void {
  const entries = images.map((image) => [image, `sha256:${image}`]);
  const node = harness.state.node(nodeId) as Node;
  harness.changeNode(nodeId, { images: { ...node.images, ...Object.fromEntries(entries) } });
}

/** What a client does that is told to prepare. */
function prepare(harness: Harness, next: Allocation): void {
  hold(harness, next.nodeId, "app:2");
  harness.update(next, { prepared: true });
}

test("[F1] while a batch becomes healthy the nodes of the next one are told, and no others", () => {
  const { harness, job } = updating();
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  const left = oldNodes(harness, job);
  assert.equal(left.length, 4);
  assert.deepEqual(hints(harness, job), [
    { nodeId: left[0], group: "web", tasks: ["server"] },
    { nodeId: left[1], group: "web", tasks: ["server"] },
  ]);
});

test("[F1] what is told is what the reconciler replaces next, there, without preparing it", () => {
  const { harness, job } = updating();
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  const told = hinted(harness, job);
  for (const nodeId of told) hold(harness, nodeId, "app:2");
  for (const next of harness.live(job)) if (next.jobVersion === 1) harness.run(next);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(plan.placements.map((next) => next.nodeId).sort(), told.sort());
  assert.deepEqual(
    plan.placements.map(({ phase }) => phase),
    ["go", "go"],
  );
});

test("[F1] those that do not serve are next", () => {
  const { harness, job } = updating({ update: { maxParallel: 1 } });
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  const last = harness.live(job).findLast(({ jobVersion }) => jobVersion === 0) as Allocation;
  assert.notEqual(hinted(harness, job)[0], last.nodeId);
  harness.run(last, false);
  assert.deepEqual(hinted(harness, job), [last.nodeId]);
});

test("[F1] of a revert the newest version is next", () => {
  const { harness, job } = updating({ update: { maxParallel: 1 } });
  const first = harness.state.jobVersion(job, 0) as Job;
  harness.state.putJob({ ...first, stable: true });
  for (let round = 0; round < 3; round++) {
    for (const next of pairs(harness, job)) prepare(harness, next);
    harness.evaluate(job);
    for (const next of harness.live(job)) if (next.phase === "go") harness.run(next);
    harness.evaluate(job);
  }
  harness.store(dockerJob({ update: { maxParallel: 1 } }));
  harness.evaluate(job);
  const newest = harness.live(job).filter(({ jobVersion }) => jobVersion === 1);
  assert.ok(newest.length > 1);
  const replaced = new Set(pairs(harness, job).map((next) => next.previousAllocation));
  for (const next of pairs(harness, job)) harness.update(next, { prepared: true });
  harness.evaluate(job);
  const left = newest.filter(({ id }) => !replaced.has(id));
  assert.deepEqual(hinted(harness, job), [left[0]?.nodeId]);
});

test("[F1] a system job's nodes are told, too, as many as its percentage comes to", () => {
  const nodes = 4;
  const harness = new Harness({ nodes });
  const job = (image: string) =>
    mockJob({
      id: "sys",
      type: "system",
      taskGroups: [
        rollingGroup({
          count: 1,
          driver: "docker",
          image,
          update: { maxParallel: 1, maxParallelPercent: 50, canary: 0 },
        }),
      ],
    });
  harness.register(job("app:1"));
  harness.settle(job("app:1"));
  harness.evaluate(job("app:1"));
  harness.register(job("app:2"));
  const begun = pairs(harness, job("app:2"));
  assert.equal(begun.length, 2);
  assert.deepEqual(hinted(harness, job("app:2")), []);
  for (const next of begun) prepare(harness, next);
  harness.evaluate(job("app:2"));
  const told = hinted(harness, job("app:2"));
  assert.equal(told.length, 2);
  assert.ok(begun.every(({ nodeId }) => !told.includes(nodeId)));
});

test("[F2] nothing is told of a deployment that is paused, has failed or waits for its promotion", () => {
  const { harness, job } = updating();
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  assert.equal(hinted(harness, job).length, 2);
  harness.pause(job);
  assert.equal(hints(harness, job), null);
  harness.failDeployment(job);
  assert.equal(hints(harness, job), null);

  const canary = updating({ update: { canary: 1 } });
  assert.deepEqual(hinted(canary.harness, job), []);
  for (const next of canary.harness.live(job)) canary.harness.run(next);
  assert.deepEqual(hinted(canary.harness, job), []);
  canary.harness.promote(job);
  assert.equal(hinted(canary.harness, job).length, 2);
});

test("[F2] nothing is told while one is unhealthy, with max_surge, or without a deployment", () => {
  const { harness, job } = updating();
  const [next] = pairs(harness, job);
  assert.ok(next);
  prepare(harness, next);
  harness.evaluate(job);
  assert.equal(hinted(harness, job).length, 1);
  harness.run(next, false);
  assert.deepEqual(hinted(harness, job), []);

  const surge = updating({ update: { maxSurge: 1 } });
  assert.deepEqual(hinted(surge.harness, job), []);
  assert.equal(hints(updating({ update: null }).harness, job), null);
});

test("[F2] a job without images is not looked at any further", () => {
  const { harness } = updating();
  const job = rollingJob({ id: "other" });
  harness.register(job);
  Object.assign(harness.state, {
    allocsByJob: () => assert.fail("its allocations were asked for"),
    deploymentsByJob: () => assert.fail("its deployments were asked for"),
  });
  assert.equal(hints(harness, job), null);
  assert.equal(nextImages(harness.state, { namespace: "default", id: "gone" }, harness.now), null);
});

test("[F3] pairs that fetch leave the others only what is left of max_parallel", () => {
  const { harness, job } = updating({ update: { maxParallel: 3 } });
  const begun = pairs(harness, job);
  assert.equal(begun.length, 3);
  for (const [done, next] of begun.entries()) {
    assert.equal(hinted(harness, job).length, done);
    prepare(harness, next);
  }
  assert.equal(hinted(harness, job).length, 3);
});

test("[F3] several of one node need one fetch, and are one of the batch each", () => {
  const harness = new Harness({ nodes: 2 });
  const job = dockerJob();
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(dockerJob({ image: "app:2" }));
  for (const next of pairs(harness, job)) harness.update(next, { prepared: true });
  harness.evaluate(job);
  const next = harness.live(job).filter(({ jobVersion }) => jobVersion === 0);
  const wanted = new Set(next.slice(0, 2).map(({ nodeId }) => nodeId));
  assert.deepEqual(new Set(hinted(harness, job)), wanted);
  assert.equal(hinted(harness, job).length, wanted.size);
});

test("[F4] a node is told only of what it lacks, with the digest that the version means", () => {
  const { harness, job } = updating();
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  const [first, second] = hinted(harness, job);
  assert.ok(first && second);
  hold(harness, first, "app:2");
  assert.deepEqual(hinted(harness, job), [second]);
  const current = harness.state.job(job) as Job;
  harness.state.putJob({ ...current, imageDigests: { "app:2": "sha256:another" } });
  assert.deepEqual(hinted(harness, job), [first, second]);
});

for (const [config, tells] of [
  [{ image: "app:2" }, true],
  [{ image: "registry.example:5000/team/app@sha256:0123" }, true],
  [{ image: "app:2", force_pull: true }, false],
  [{ image: "app:2", force_pull: "true" }, false],
  [{ image: "registry.example:5000/team/app:latest" }, false],
  [{ image: "registry.example:5000/team/app" }, false],
] as const) {
  test(`[F4] ${JSON.stringify(config)}: ${tells ? "is" : "is not"} fetched ahead`, () => {
    const tasks = [
      mockTask({ name: "side", driver: "mock_driver", config: {} }),
      mockTask({ name: "main", driver: "docker", config }),
    ];
    const { harness, job } = updating({ group: { tasks } }, {});
    for (const next of pairs(harness, job)) harness.update(next, { prepared: true });
    harness.evaluate(job);
    const told = (hints(harness, job) ?? []).map((each) => each.tasks);
    assert.deepEqual(told, tells ? [["main"], ["main"]] : []);
  });
}

test("[F5] a node that the successor cannot go to is told nothing", () => {
  const constraints = [{ lTarget: "$" + "{meta.zone}", operand: "=", rTarget: "here" }];
  const harness = new Harness({ nodes: 6 });
  for (const node of harness.state.nodes()) {
    harness.changeNode(node.id, { meta: { zone: "here" } });
  }
  const datacenters = ["dc1"];
  const job = dockerJob({ job: { datacenters } });
  harness.register(job);
  harness.rollToEnd(job);
  const next = { image: "app:2", group: { constraints }, job: { datacenters } };
  harness.register(dockerJob(next));
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  const [first, second] = hinted(harness, job);
  assert.ok(first && second);
  const before = harness.state.node(first) as Node;
  for (const change of [
    { meta: { zone: "there" }, computedClass: "another" },
    { schedulingEligibility: "ineligible" },
    { status: NodeStatus.down },
    { datacenter: "elsewhere" },
    { nodePool: "another" },
  ]) {
    harness.changeNode(first, change);
    assert.ok(!hinted(harness, job).includes(first), JSON.stringify(change));
    harness.changeNode(first, before);
  }
  assert.deepEqual(hinted(harness, job), [first, second]);
});

test("[F5] a node has room for the successor once its predecessor is gone, or is told nothing", () => {
  const big = (image: string, memoryMb: number) => {
    const task = mockTask({ driver: "docker", config: { image } });
    const tasks = [{ ...task, resources: { ...task.resources, memoryMb } }];
    return dockerJob({ count: 2, update: { maxParallel: 1 }, group: { tasks } });
  };
  const harness = new Harness({ nodes: 2 });
  const memoryMb = harnessNode(0).nodeResources.memory.memoryMb;
  const job = big("app:1", memoryMb * 0.6);
  harness.register(job);
  harness.rollToEnd(job);
  harness.register(big("app:2", memoryMb * 0.7));
  for (const next of pairs(harness, job)) prepare(harness, next);
  harness.evaluate(job);
  assert.deepEqual(hinted(harness, job), oldNodes(harness, job));
  const current = harness.state.job(job) as Job;
  const tooBig = big("app:2", memoryMb * 2).taskGroups;
  harness.state.putJob({ ...current, taskGroups: tooBig });
  assert.deepEqual(hinted(harness, job), []);
});

/** Three of ten nodes run version 0; the others are filled better by something else. */
function amongFullerNodes(driver: "docker" | "mock_driver", more: RollingOptions = {}) {
  const harness = new Harness({ nodes: 3 });
  const options = { driver, count: 3, update: { maxParallel: 1 }, ...more };
  const job = rollingJob({ ...options, image: "app:1" });
  harness.register(job);
  harness.rollToEnd(job);
  for (const node of harness.state.nodes()) {
    harness.changeNode(node.id, { schedulingEligibility: "ineligible" });
  }
  for (let i = 3; i < 10; i++) harness.state.putNode(harnessNode(i));
  harness.register(rollingJob({ id: "other", count: 14, update: null }));
  for (const node of harness.state.nodes()) {
    harness.changeNode(node.id, { schedulingEligibility: "eligible" });
  }
  return { harness, job, next: rollingJob({ ...options, image: "app:2" }) };
}

test("[F6] a replacement with images stays, though another node would be filled better", () => {
  const moving = amongFullerNodes("mock_driver");
  const olds = oldNodes(moving.harness, moving.job);
  const [moved] = moving.harness.register(moving.next).plan.placements;
  assert.ok(moved && !olds.includes(moved.nodeId));

  const { harness, job, next } = amongFullerNodes("docker");
  const [first, second, third] = oldNodes(harness, job);
  assert.ok(first && second && third);
  const [pair] = harness.register(next).plan.placements;
  assert.deepEqual([pair?.nodeId, pair?.phase], [first, "prepare"]);
  prepare(harness, pair as Allocation);
  harness.evaluate(job);
  assert.deepEqual(hinted(harness, job), [second]);
  harness.run(pair as Allocation);
  // What still fetches is waited for there.
  const still = harness.dryRun(job).plan.placements[0];
  assert.deepEqual([still?.nodeId, still?.phase], [second, "prepare"]);
  hold(harness, second, "app:2");
  const placed = harness.dryRun(job).plan.placements[0];
  assert.deepEqual([placed?.nodeId, placed?.phase], [second, "go"]);
});

test("[F6] it stays as well where as much speaks for the other nodes", () => {
  const lTarget = `\${attr.kernel.name}`;
  for (const weight of [1, 10, 30, 70, 99]) {
    const affinities = [
      { lTarget, rTarget: "linux", operand: "=", weight },
      { lTarget, rTarget: "plan9", operand: "=", weight: 100 - weight },
    ];
    const { harness, job, next } = amongFullerNodes("docker", { group: { affinities } });
    const [first] = oldNodes(harness, job);
    const [pair] = harness.register(next).plan.placements;
    assert.equal(pair?.nodeId, first, `affinities of ${weight} and ${100 - weight}`);
  }
});

test("[F6] but it moves away from others of its group", () => {
  const harness = new Harness({ nodes: 1 });
  const job = dockerJob({ count: 3, update: { maxParallel: 1 } });
  harness.register(job);
  harness.rollToEnd(job);
  const [here] = harness.state.nodes();
  assert.ok(here);
  hold(harness, here.id, "app:2");
  harness.state.putNode(harnessNode(1));
  const { plan } = harness.register(
    dockerJob({ count: 3, image: "app:2", update: { maxParallel: 1 } }),
  );
  assert.equal(plan.placements[0]?.nodeId, harnessNode(1).id);
});
