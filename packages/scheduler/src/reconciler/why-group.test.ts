/** Every condition in which a pass leaves something undone says so. */
import assert from "node:assert/strict";
import test from "node:test";
import { MINUTE, SECOND } from "@drover/base";
import { type Allocation, OPERATOR, type Reason, Rule, type TaskGroup } from "@drover/model";
import { Harness } from "../testing/harness.ts";
import { type RollingOptions, rollingJob } from "../testing/jobs.ts";

interface Scene {
  readonly harness: Harness;
  readonly ref: ReturnType<typeof rollingJob>;
}

/** Version 0 runs and is healthy; `next` is submitted and its first step planned. */
function rolling(options: RollingOptions = {}, next: RollingOptions = { image: "2" }): Scene {
  const harness = new Harness();
  const ref = rollingJob(options);
  harness.register(ref);
  harness.rollToEnd(ref);
  harness.register(rollingJob({ ...options, ...next }));
  return { harness, ref };
}

function whys({ harness, ref }: Scene): readonly Reason[] {
  return harness.dryRun(ref).waits;
}

function rulesOf(scene: Scene): readonly string[] {
  return [...new Set(whys(scene).map((reason) => reason.rule))];
}

const LIMITED: NonNullable<TaskGroup["reschedulePolicy"]> = {
  attempts: 1,
  interval: 10 * MINUTE,
  delay: 30 * SECOND,
  delayFunction: "constant",
  maxDelay: 0,
  unlimited: false,
};

function failed(policy: TaskGroup["reschedulePolicy"], change: Partial<Allocation> = {}): Scene {
  const harness = new Harness();
  const ref = rollingJob({ count: 1, update: null, group: { reschedulePolicy: policy } });
  harness.register(ref);
  harness.settle(ref);
  const [alloc] = harness.live(ref);
  if (alloc) harness.fail(alloc, change);
  return { harness, ref };
}

test("[W1] [L1] what the limit keeps waits for the undecided ones, each by its id", () => {
  const scene = rolling();
  const [reason, ...others] = whys(scene);
  assert.deepEqual(others, []);
  assert.equal(reason?.rule, Rule.groupRollingLimit);
  const open = scene.harness.live(scene.ref).filter((alloc) => alloc.jobVersion === 1);
  assert.deepEqual(reason.waitsFor.map(({ id }) => id).sort(), open.map(({ id }) => id).sort());
  assert.equal(reason.evidence.waiting, "4");
});

test("[L1] the limit that those use up which have no place yet names no number of others", () => {
  const harness = new Harness();
  const options = { count: 3, update: { maxParallel: 1 } };
  const ref = rollingJob(options);
  harness.register(ref);
  harness.rollToEnd(ref);
  const [lost] = harness.live(ref);
  assert.ok(lost);
  harness.update(lost, { desiredStatus: "stop", clientStatus: "lost" });
  for (const { id } of harness.state.nodes()) {
    harness.changeNode(id, { schedulingEligibility: "ineligible" });
  }
  harness.register(rollingJob({ ...options, image: "2" }));
  const reason = whys({ harness, ref }).find(({ rule }) => rule === Rule.groupRollingLimit);
  assert.equal(reason?.text, "2 to replace; max_parallel = 1 is used up by what is to start first");
});

test("[L2] what the floor keeps waits for those that do not serve", () => {
  const scene = rolling();
  const { harness, ref } = scene;
  const news = harness.live(ref).filter((each) => each.jobVersion === 1);
  for (const alloc of news) {
    harness.run(alloc);
    harness.update(alloc, { clientStatus: "pending" });
  }
  const [reason, ...others] = whys(scene);
  assert.deepEqual(others, []);
  assert.equal(reason?.rule, Rule.groupServingFloor);
  assert.equal(reason.evidence.serving, "4");
  assert.deepEqual(
    reason.waitsFor.map(({ id }) => id),
    news.map(({ id }) => id),
  );
});

test("[T4] a paused deployment holds its groups, a failed one too", () => {
  const paused = rolling();
  paused.harness.pause(paused.ref);
  assert.deepEqual(rulesOf(paused), [Rule.groupHeldByDeployment]);
  const broken = rolling();
  broken.harness.failDeployment(broken.ref);
  assert.deepEqual(rulesOf(broken), [Rule.groupHeldByDeployment]);
  const [because] = whys(broken);
  assert.deepEqual(because?.waitsFor, [OPERATOR], "a deployment that has ended brings nothing");
});

test("[W2] a pair that is prepared when its deployment is paused says that this holds it", () => {
  const scene = rolling({ count: 1, driver: "docker" });
  const { harness, ref } = scene;
  const [next] = harness.live(ref).filter(({ phase }) => phase === "prepare");
  assert.ok(next);
  assert.deepEqual(rulesOf(scene), [Rule.allocPreparesImages]);
  harness.update(next, { prepared: true });
  harness.pause(ref);
  const [reason, ...others] = whys(scene);
  assert.deepEqual([reason?.rule, others], [Rule.groupHeldByDeployment, []]);
  assert.equal(reason?.evidence.waiting, "1");
});

test("[W2] canaries beyond the group's count say that they wait for the first ones", () => {
  const options = { count: 2, update: { canary: 3 } };
  const { harness, ref } = rolling(options, {});
  const { plan, waits } = harness.register(rollingJob({ ...options, image: "2" }));
  assert.equal(plan.placements.length, 2);
  const [reason] = waits.filter(({ text }) => text.includes("more canaries"));
  assert.deepEqual([reason?.rule, reason?.evidence.waiting], [Rule.groupAwaitsCanaries, "1"]);
  harness.settle(ref);
  assert.equal(harness.evaluate(ref).plan.placements.length, 1);
});

test("[G15] the others wait for the canaries", () => {
  const scene = rolling({ update: { canary: 1 } });
  scene.harness.settle(scene.ref);
  assert.deepEqual(rulesOf(scene), [Rule.groupAwaitsCanaries]);
});

test("[R5] an error of the version waits for another version", () => {
  assert.deepEqual(rulesOf(failed(LIMITED, { unretryableError: "no such image" })), [
    Rule.allocVersionFailed,
  ]);
});

test("[R8] a failed one waits for its delay, before and after the follow-up is there", () => {
  const scene = failed(LIMITED);
  const [before] = whys(scene);
  assert.equal(before?.rule, Rule.allocRescheduleDelay);
  assert.equal(before.wakesAt, scene.harness.now + 30_000);
  assert.equal(before.text, "it failed and is replaced after its reschedule delay");
  assert.deepEqual(before.evidence, { "replaced before": "0 times" });
  assert.equal(before.hint, `why it failed: drover alloc status ${before.subject.id}`);
  scene.harness.evaluate(scene.ref);
  assert.deepEqual(rulesOf(scene), [Rule.allocRescheduleDelay]);
});

test("one without an attempt left waits for an operator", () => {
  assert.deepEqual(rulesOf(failed(null)), [Rule.allocRescheduleExhausted]);
});

test("[R4] one of an active deployment waits for the deployment", () => {
  const scene = rolling();
  const [alloc] = scene.harness.live(scene.ref).filter((each) => each.jobVersion === 1);
  if (alloc) scene.harness.fail(alloc);
  assert.ok(rulesOf(scene).includes(Rule.allocAwaitsDeployment));
});

test("[G9] nothing is placed before unreachable clients have surely stopped", () => {
  const harness = new Harness();
  const disconnect = {
    lostAfter: 0,
    stopOnClientAfter: 60 * SECOND,
    replace: true,
    reconcile: "best_score",
  };
  const ref = rollingJob({ count: 1, update: null, group: { disconnect } });
  harness.register(ref);
  harness.settle(ref);
  const [alloc] = harness.live(ref);
  if (alloc) harness.nodeDown(alloc.nodeId);
  const [reason] = whys({ harness, ref });
  assert.equal(reason?.rule, Rule.groupAwaitsClientStop);
  assert.equal(reason.wakesAt, harness.now + 65_000);
});

test("a job that is as it should be waits for nothing", () => {
  const harness = new Harness();
  const ref = rollingJob();
  harness.register(ref);
  harness.rollToEnd(ref);
  assert.deepEqual(whys({ harness, ref }), []);
});

function system(change: Partial<Allocation>, fails: boolean): Scene {
  const harness = new Harness();
  const ref = rollingJob({ job: { type: "system" } });
  harness.register(ref);
  harness.settle(ref);
  const [alloc] = harness.live(ref);
  if (alloc) harness.fail(alloc, change);
  if (fails) harness.failDeployment(ref);
  return { harness, ref };
}

test("[Y6] a node whose run of this version cannot work waits for another version", () => {
  const broken = { unretryableError: "no such image" };
  assert.deepEqual(rulesOf(system(broken, false)), [Rule.allocVersionFailed]);
});

test("[Y5] what a failed deployment froze waits for another version", () => {
  assert.deepEqual(rulesOf(system({}, true)), [Rule.allocFrozen]);
});

test("[Y4] a sysbatch run that failed says that it is not repeated, one that ended well is done", () => {
  for (const [clientStatus, rules] of [
    ["failed", [Rule.allocRescheduleExhausted]],
    ["complete", []],
  ] as const) {
    const harness = new Harness({ nodes: 1 });
    const ref = rollingJob({ update: null, job: { type: "sysbatch" } });
    harness.register(ref);
    const [alloc] = harness.live(ref);
    assert.ok(alloc);
    harness.update(alloc, { clientStatus });
    assert.deepEqual(rulesOf({ harness, ref }), rules);
    assert.deepEqual(harness.evaluate(ref).plan.placements, []);
    const changed = harness.register({
      ...rollingJob({ image: "2", update: null }),
      type: "sysbatch",
    });
    assert.deepEqual(changed.waits, [], "the new version runs it: nothing waits");
    assert.equal(changed.plan.placements.length, 1);
  }
});
