/** System and sysbatch jobs (spec §3.16): rules Y1 to Y8. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClientStatus, DeploymentStatus, type Job } from "@drover/model";
import { Harness, harnessNode } from "./testing/harness.ts";
import { PATIENT, type RollingOptions, rollingJob } from "./testing/jobs.ts";

function systemJob(options: RollingOptions = {}): Job {
  const update = options.update === undefined ? { maxParallel: 1 } : options.update;
  return rollingJob({ ...options, count: 1, update, job: { type: "system", ...options.job } });
}

function running(options: RollingOptions = {}) {
  const harness = new Harness();
  const job = systemJob(options);
  harness.register(job);
  harness.rollToEnd(job);
  return { harness, job };
}

test("[Y6] every wanted node gets one, and so does a node that joins", () => {
  const { harness, job } = running();
  assert.equal(new Set(harness.live(job).map((alloc) => alloc.nodeId)).size, 3);
  assert.ok(harness.live(job).every((alloc) => alloc.name === "example.web[0]"));
  harness.state.putNode(harnessNode(3));
  assert.equal(harness.evaluate(job).plan.placements.length, 1);
});

test("[Y5 Y7] an update replaces max_parallel nodes at a time and ends successful", () => {
  const { harness, job } = running();
  const result = harness.register(systemJob({ image: "2" }));
  assert.equal(result.plan.stops.length, 1);
  assert.equal(result.plan.placements.length, 1);
  assert.equal(result.plan.placements[0]?.nodeId, result.plan.stops[0]?.nodeId);
  assert.equal(result.plan.deployment?.taskGroups.web?.desiredTotal, 3);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  assert.equal(harness.rollToEnd(job), 3);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});

test("[Y5] a failed deployment freezes, and the corrected version rolls over all nodes", () => {
  const { harness, job } = running();
  const { plan } = harness.register(systemJob({ image: "2" }));
  const [bad] = plan.placements;
  assert.ok(bad);
  harness.fail(bad);
  harness.failDeployment(job);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  const fixed = harness.register(systemJob({ image: "3" }));
  assert.notEqual(fixed.plan.deployment, null);
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 2));
  assert.equal(harness.live(job).length, 3);
});

test("[Y6] a version that cannot run is not tried again, its successor runs where it failed", () => {
  const { harness, job } = running();
  const [bad] = harness.register(systemJob({ image: "2" })).plan.placements;
  assert.ok(bad);
  harness.fail(bad);
  harness.update(bad, { unretryableError: "no such image" });
  harness.failDeployment(job);
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  const fixed = harness.register(systemJob({ image: "3" }));
  assert.deepEqual(
    fixed.plan.placements.map((alloc) => alloc.nodeId),
    [bad.nodeId],
    "what is missing counts against max_parallel",
  );
  const [worse] = harness.live(job).filter((alloc) => alloc.nodeId === bad.nodeId);
  assert.ok(worse);
  harness.fail(worse);
  harness.update(worse, { unretryableError: "no such image either" });
  const again = harness.evaluate(job).plan.placements.map((alloc) => alloc.nodeId);
  assert.ok(!again.includes(bad.nodeId));
});

test("[Y8] a node that a filter leaves out holds neither the update nor the deployment up", () => {
  const { harness, job } = running();
  const lacking = { drivers: {}, attributes: {}, computedClass: "other" };
  harness.state.putNode(harnessNode(3, lacking));
  harness.register(systemJob({ image: "2" }));
  harness.rollToEnd(job);
  assert.deepEqual(
    harness.live(job).map((alloc) => alloc.jobVersion),
    [1, 1, 1],
  );
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.status, DeploymentStatus.successful);
});

test("[Y11] where a node cannot run the new version the old one stays, and nothing waits for it", () => {
  const { harness, job } = running();
  const { attributes, computedClass, drivers, id } = harnessNode(1);
  harness.changeNode(id, { drivers: {}, attributes: {}, computedClass: "without its engine" });
  harness.register(systemJob({ image: "2" }));
  harness.rollToEnd(job);
  const versions = () => harness.live(job).map(({ jobVersion }) => jobVersion);
  assert.deepEqual(versions().sort(), [0, 1, 1]);
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.status, DeploymentStatus.successful);
  assert.equal(deployment?.taskGroups.web?.desiredTotal, 2);
  const { waits } = harness.evaluate(job);
  assert.deepEqual(
    waits.map(({ rule, subject }) => [rule, subject.kind]),
    [["alloc-node-barred", "allocation"]],
  );
  harness.changeNode(id, { drivers, attributes, computedClass });
  harness.evaluate(job);
  harness.rollToEnd(job);
  assert.deepEqual(versions(), [1, 1, 1]);
});

test("[Y11] a node that the new version's constraints leave out loses the old one", () => {
  const { harness, job } = running();
  const name = "$" + "{node.unique.name}";
  const constraints = [{ lTarget: name, operand: "!=", rTarget: harnessNode(1).name }];
  harness.register(systemJob({ image: "2", job: { constraints } }));
  harness.rollToEnd(job);
  assert.deepEqual(
    harness.live(job).map(({ jobVersion }) => jobVersion),
    [1, 1],
  );
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.status, DeploymentStatus.successful);
});

test("[Y7] a further node without room holds the deployment up no longer than the others need", () => {
  const { harness, job } = running();
  const { nodeResources } = harnessNode(3);
  const cpu = { ...nodeResources.cpu, cpuShares: 1 };
  harness.state.putNode(harnessNode(3, { nodeResources: { ...nodeResources, cpu } }));
  const { blocked } = harness.register(systemJob({ image: "2" }));
  assert.notEqual(blocked, null);
  harness.rollToEnd(job);
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.status, DeploymentStatus.successful);
  harness.changeNode(harnessNode(3).id, { nodeResources });
  assert.equal(harness.evaluate(job).plan.placements.length, 1);
});

test("[Y7] it does not succeed in the plan that gives a further node its allocation", () => {
  const { harness, job } = running();
  harness.register(systemJob({ image: "2", update: { maxParallel: 3 } }));
  harness.settle(job);
  harness.state.putNode(harnessNode(3));
  const { plan } = harness.evaluate(job);
  assert.equal(plan.placements.length, 1);
  assert.deepEqual(plan.deploymentUpdates, []);
  assert.equal(harness.rollToEnd(job), 1);
});

test("[Y7] with nothing left of a deployment, a node without room is no success", () => {
  const { harness, job } = running();
  harness.register(systemJob({ image: "2" }));
  const { nodeResources } = harnessNode(3);
  const cpu = { ...nodeResources.cpu, cpuShares: 1 };
  harness.state.putNode(harnessNode(3, { nodeResources: { ...nodeResources, cpu } }));
  for (const { nodeId } of harness.live(job)) harness.nodeDown(nodeId);
  for (let round = 0; round < 3; round++) harness.evaluate(job);
  assert.equal(harness.live(job).length, 0);
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.status, DeploymentStatus.running);
});

test("[Y9] canaries are a share of the nodes, and the others wait for the promotion", () => {
  const { harness, job } = running();
  const update = { maxParallel: 2, canary: 34 };
  const { plan } = harness.register(systemJob({ image: "2", update }));
  const part = plan.deployment?.taskGroups.web;
  assert.deepEqual([part?.desiredCanaries, part?.desiredTotal], [2, 3]);
  assert.deepEqual(
    plan.placements.map((alloc) => alloc.deploymentStatus?.canary),
    [true, true],
  );
  assert.equal(plan.stops.length, 2);
  for (const alloc of plan.placements) harness.run(alloc);
  const waiting = harness.evaluate(job).plan;
  assert.deepEqual([waiting.placements, waiting.deploymentUpdates], [[], []]);
  harness.promote(job);
  const rest = harness.evaluate(job).plan.placements;
  assert.deepEqual(
    rest.map((alloc) => alloc.deploymentStatus?.canary ?? false),
    [false],
  );
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
});

test("[Y9] a canary that failed is replaced by a canary, and a revert needs none", () => {
  const { harness, job } = running({ update: { maxParallel: 1, canary: 34 } });
  const change = systemJob({ image: "2", update: { maxParallel: 1, canary: 34 } });
  const [first] = harness.register(change).plan.placements;
  assert.ok(first);
  harness.fail(first);
  const [again] = harness.evaluate(job).plan.placements;
  assert.deepEqual([again?.nodeId, again?.deploymentStatus?.canary], [first.nodeId, true]);
  const back = harness.register(systemJob({ update: { maxParallel: 1, canary: 34 } })).plan;
  assert.equal(back.deployment?.taskGroups.web?.desiredCanaries, 0);
});

test("[Y9] where the nodes of all canaries come back empty, what they get are canaries", () => {
  const { harness, job } = running();
  const update = { maxParallel: 1, canary: 34 };
  const [canary] = harness.register(systemJob({ image: "2", update })).plan.placements;
  assert.ok(canary);
  const nodes = harness.live(job).map(({ nodeId }) => nodeId);
  for (const id of nodes) harness.nodeDown(id);
  harness.evaluate(job);
  for (const id of nodes) harness.changeNode(id, { status: "ready" });
  const { placements } = harness.evaluate(job).plan;
  assert.deepEqual(
    placements.map((alloc) => alloc.deploymentStatus?.canary ?? false),
    [true, false, false],
  );
});

test("[Y1] what a lost node ran is not run elsewhere", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.nodeDown(first.nodeId);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.clientStatus),
    ["lost"],
  );
  assert.deepEqual(plan.placements, []);
  harness.changeNode(first.nodeId, { status: "ready" });
  assert.deepEqual(
    harness.evaluate(job).plan.placements.map((alloc) => alloc.nodeId),
    [first.nodeId],
  );
});

test("[Y1] a drained node gives its allocation up once it is marked", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  const drainStrategy = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 };
  harness.changeNode(first.nodeId, { drainStrategy, schedulingEligibility: "ineligible" });
  assert.deepEqual(harness.evaluate(job).plan.stops, []);
  harness.update(first, { desiredTransition: { ...first.desiredTransition, migrate: true } });
  const { plan } = harness.evaluate(job);
  assert.deepEqual(
    plan.stops.map((stop) => stop.desiredDescription),
    ["alloc not needed as node is tainted"],
  );
});

test("[Y2] what runs on an unreachable node stays, and is not run elsewhere", () => {
  const { harness, job } = running({ group: { disconnect: PATIENT } });
  const [first] = harness.live(job);
  assert.ok(first);
  harness.changeNode(first.nodeId, { status: "disconnected" });
  const { plan } = harness.evaluate(job);
  assert.deepEqual([plan.stops, plan.placements], [[], []]);
  assert.deepEqual(
    plan.attributeUpdates.map((update) => [update.allocId, update.clientStatus]),
    [[first.id, "unknown"]],
  );
});

test("[Y3] a node that the job is not meant for any more loses its allocation", () => {
  const { harness, job } = running();
  const result = harness.register(systemJob({ job: { datacenters: ["elsewhere"] } }));
  assert.equal(result.plan.stops.length, 3);
  assert.equal(harness.live(job).length, 0);
});

test("[Y8] nodes that a constraint leaves out are no failure unless they all are", () => {
  const harness = new Harness();
  const name = "$" + "{node.unique.name}";
  const only = systemJob({
    job: { constraints: [{ lTarget: name, operand: "=", rTarget: "node-1" }] },
  });
  const result = harness.register(only);
  assert.equal(result.plan.placements.length, 1);
  assert.deepEqual(result.failedGroups, {});
  assert.equal(result.blocked, null);
  const constraints = [{ lTarget: name, operand: "=", rTarget: "nowhere" }];
  const none = harness.register(systemJob({ id: "none", job: { constraints } }));
  assert.equal(none.failedGroups.web?.nodesFiltered, 1);
  assert.equal(none.plan.deployment, null);
  assert.equal(none.blocked, null);
});

test("[Y10] the total of a running deployment is of the nodes that there are", () => {
  const { harness, job } = running();
  harness.register(systemJob({ image: "2" }));
  const totals = () =>
    harness.state.deploymentsByJob(job).map(({ taskGroups }) => taskGroups.web?.desiredTotal);
  assert.deepEqual(totals(), [3, 3]);
  assert.equal(harness.evaluate(job).plan.deployment, null, "nothing has changed");
  harness.state.putNode(harnessNode(3));
  const { plan } = harness.evaluate(job);
  assert.equal(plan.placements.length, 1);
  assert.equal(plan.deployment?.id, harness.state.deploymentsByJob(job)[0]?.id);
  assert.deepEqual(totals(), [4, 3], "the other one has ended");
  harness.settle(job);
  const own = harness.live(job).find((alloc) => alloc.jobVersion === 1);
  assert.ok(own);
  harness.nodeDown(own.nodeId);
  harness.evaluate(job);
  assert.deepEqual(totals(), [3, 3]);
  harness.rollToEnd(job);
  const [deployment] = harness.state.deploymentsByJob(job);
  assert.equal(deployment?.taskGroups.web?.healthyAllocs, 3);
});

test("[Y8] a share of the nodes, too, waits only for classes of nodes that may take the job", () => {
  const harness = new Harness({ nodes: 0 });
  for (const [i, computedClass] of ["large", "small", "other"].entries()) {
    const node = harnessNode(i, { computedClass, nodeClass: computedClass });
    const memory = { memoryMb: computedClass === "small" ? 1 : 8_000 };
    harness.state.putNode({ ...node, nodeResources: { ...node.nodeResources, memory } });
  }
  const lTarget = "$" + "{node.class}";
  const constraints = [{ lTarget, operand: "!=", rTarget: "other" }];
  const update = { maxParallel: 1, maxParallelPercent: 50 };
  const { blocked, plan } = harness.register(systemJob({ update, job: { constraints } }));
  assert.equal(plan.placements.length, 1);
  assert.deepEqual(blocked?.classEligibility, { large: true, small: true, other: false });
});

test("[Y6] a failed allocation is replaced on its node, and keeps its desired status", () => {
  const { harness, job } = running();
  const [first] = harness.live(job);
  assert.ok(first);
  harness.fail(first);
  const { plan } = harness.evaluate(job);
  assert.deepEqual(plan.stops, []);
  assert.deepEqual(
    plan.placements.map((alloc) => [alloc.nodeId, alloc.previousAllocation]),
    [[first.nodeId, first.id]],
  );
});

test("[P1] system jobs make before they break, too", () => {
  const { harness, job } = running({ driver: "docker", image: "app:1" });
  const { plan } = harness.register(systemJob({ driver: "docker", image: "app:2" }));
  assert.deepEqual(plan.stops, []);
  assert.equal(plan.placements[0]?.phase, "prepare");
  harness.rollToEnd(job);
  assert.ok(harness.live(job).every((alloc) => alloc.jobVersion === 1));
  assert.equal(harness.live(job).length, 3);
});

test("[J1] stopping a system job stops it everywhere", () => {
  const { harness, job } = running();
  const { plan } = harness.register({ ...job, stop: true });
  assert.equal(plan.stops.length, 3);
});

test("[Y4] a sysbatch job runs once per node and version", () => {
  const harness = new Harness();
  const build = (image: string) => systemJob({ image, update: null, job: { type: "sysbatch" } });
  const job = build("1");
  assert.equal(harness.register(job).plan.placements.length, 3);
  for (const alloc of harness.live(job)) {
    harness.update(alloc, { clientStatus: ClientStatus.complete });
  }
  assert.deepEqual(harness.evaluate(job).plan.placements, []);
  const changed = harness.register(build("2"));
  assert.equal(changed.plan.placements.length, 3);
  assert.deepEqual(
    changed.plan.stops.map((stop) => stop.desiredDescription),
    Array(3).fill("alloc is being updated due to job update"),
  );
  assert.equal(changed.plan.deployment, null);
});

test("[Y3] [Y4] a new version runs on no node that takes nothing new, also where the old one ran", () => {
  const harness = new Harness();
  const build = (image: string) => systemJob({ image, update: null, job: { type: "sysbatch" } });
  harness.register(build("1"));
  const [away, gone] = harness.live(build("1"));
  assert.ok(away && gone);
  for (const alloc of harness.live(build("1"))) {
    harness.update(alloc, { clientStatus: ClientStatus.complete });
  }
  harness.changeNode(away.nodeId, { schedulingEligibility: "ineligible" });
  harness.state.deleteNode(gone.nodeId);
  const { failedGroups, plan, queued } = harness.register(build("2"));
  assert.equal(plan.placements.length, 1);
  assert.ok(plan.placements.every((alloc) => alloc.nodeId !== away.nodeId));
  assert.deepEqual([failedGroups, queued], [{}, { web: 0 }]);
  assert.deepEqual(
    plan.stops.filter((stop) => stop.allocId !== plan.placements[0]?.previousAllocation),
    [],
    "what has ended there is left as it is",
  );
});

test("[T2] the running deployment of an older version is cancelled", () => {
  const { harness } = running();
  harness.register(systemJob({ image: "2" }));
  const result = harness.register(systemJob({ image: "3" }));
  assert.equal(result.plan.deploymentUpdates[0]?.status, DeploymentStatus.cancelled);
});
