/** When a deployment's clock stands, and a verdict that is taken back (DESIGN §6, §12.1). */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type AllocClientReport,
  type DeploymentState,
  type Job,
  lateAt,
} from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockId,
  mockJob,
  mockNode,
  mockReport,
} from "@drover/model/testing";
import { CommandTag } from "../commands/command.ts";
import { emptyPlan, jobRegister } from "../testing/commands.ts";
import { StateHarness } from "../testing/harness.ts";

const REF = { namespace: "default", id: "example" };
const NODE = mockNode();
/** Ten minutes. */
const PROGRESS_MS = 600_000;
const CANARY = { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 };

class Scene {
  readonly harness = new StateHarness();
  readonly began: number;
  #seq = 0;

  constructor({ canaries = 0, others = 0 } = {}) {
    const { harness } = this;
    harness.accept({ tag: CommandTag.nodeRegister, node: NODE, evals: [] });
    harness.accept(jobRegister(mockJob()));
    const job = harness.snapshot.job(REF) as Job;
    const deployment = mockDeployment({ id: "d" }, { job });
    const web = deployment.taskGroups.web as DeploymentState;
    const other = { ...web, desiredTotal: others };
    const taskGroups = {
      web: { ...web, desiredTotal: 3, desiredCanaries: canaries },
      ...(others === 0 ? {} : { other }),
    };
    const placements = [0, 1, 2].map((index) =>
      mockAlloc(
        {
          id: mockId(`a${index}`),
          deploymentId: "d",
          deploymentStatus: index < canaries ? CANARY : null,
        },
        { job, index },
      ),
    );
    const plan = emptyPlan(job, { deployment: { ...deployment, taskGroups }, placements });
    harness.accept({ tag: CommandTag.planApply, plan, evals: [] });
    this.began = harness.now;
  }

  get group(): DeploymentState {
    return this.harness.snapshot.deployment("d")?.taskGroups.web as DeploymentState;
  }

  /** How long after the beginning the group is late, as things stand. */
  get lateAfter(): number {
    return lateAt(this.group) - this.began;
  }

  alloc(index: number): Allocation {
    return this.harness.snapshot.alloc(mockId(`a${index}`)) as Allocation;
  }

  wait(ms: number): void {
    this.harness.now += ms;
  }

  say(index: number, fields: Partial<AllocClientReport>, v = 2): void {
    this.#seq += 1;
    const body = { ...mockReport(this.alloc(index)), clientSeq: this.#seq, ...fields };
    const tag = CommandTag.allocClientUpdate;
    this.harness.accept({ tag, reports: [body], evals: [], ...{ v } });
  }

  status(status: string): void {
    const change = { deploymentId: "d", status, statusDescription: "", evaluation: null };
    this.harness.accept({ tag: CommandTag.deploymentStatus, ...change, revertTo: null });
  }

  succeed(v = 2): string | undefined {
    const job = this.harness.snapshot.job(REF) as Job;
    const deploymentUpdates = [{ deploymentId: "d", status: "successful", statusDescription: "" }];
    const plan = emptyPlan(job, { id: `end ${this.harness.index}`, deploymentUpdates });
    this.harness.accept({ tag: CommandTag.planApply, plan, evals: [], ...{ v } });
    return this.harness.snapshot.deployment("d")?.status;
  }
}

test("[D4] the clock stands while health cannot be seen", () => {
  const scene = new Scene();
  scene.wait(1_000);
  scene.say(0, { unseen: true });
  scene.say(1, { unseen: true });
  scene.wait(60_000);
  scene.say(0, {});
  assert.equal(scene.group.unseenAllocs, 1, "one is still unseen");
  scene.wait(60_000);
  scene.say(1, {});
  assert.deepEqual([scene.group.unseenSince, scene.group.unseenAllocs], [0, 0]);
  assert.equal(scene.lateAfter, PROGRESS_MS + 120_000);
});

test("[D4] for that it stands at most its own length, however often", () => {
  const scene = new Scene();
  scene.say(0, { unseen: true });
  assert.equal(scene.lateAfter, 2 * PROGRESS_MS, "if nothing is seen any more");
  scene.wait(400_000);
  scene.say(0, {});
  scene.say(0, { unseen: true });
  assert.equal(scene.lateAfter, 2 * PROGRESS_MS);
  scene.wait(400_000);
  scene.say(0, {});
  assert.equal(scene.group.unseenMs, PROGRESS_MS);
  scene.say(0, { unseen: true });
  assert.equal(scene.lateAfter, 2 * PROGRESS_MS);
});

test("[D4] what stood before a name became healthy is not added to its new deadline", () => {
  const scene = new Scene();
  scene.say(0, { unseen: true });
  scene.wait(100_000);
  scene.say(1, { healthy: true });
  scene.wait(50_000);
  scene.say(0, {});
  assert.equal(scene.lateAfter, 100_000 + PROGRESS_MS + 50_000);
});

test("[D4] one that is decided, stopped or gone keeps no clock standing", () => {
  const ends: readonly Partial<AllocClientReport>[] = [
    { healthy: false, unseen: true },
    { clientStatus: "failed", unseen: true },
  ];
  for (const fields of ends) {
    const scene = new Scene();
    scene.say(0, { unseen: true });
    scene.wait(1_000);
    scene.say(0, fields);
    assert.equal(scene.group.unseenAllocs, 0);
    assert.equal(scene.lateAfter, PROGRESS_MS + 1_000);
  }
});

test("[D4] a pause inside counts once", () => {
  const scene = new Scene();
  scene.say(0, { unseen: true });
  scene.wait(10_000);
  scene.status("paused");
  scene.wait(1_000_000);
  scene.status("running");
  scene.wait(5_000);
  scene.say(0, {});
  assert.equal(scene.lateAfter, PROGRESS_MS + 1_015_000);
  assert.equal(scene.group.unseenMs, 15_000);
});

test("[D4] a pause during which health comes into sight counts once", () => {
  const scene = new Scene();
  scene.say(0, { unseen: true });
  scene.wait(10_000);
  scene.status("paused");
  scene.wait(20_000);
  scene.say(0, {});
  scene.wait(30_000);
  scene.status("running");
  assert.equal(scene.lateAfter, PROGRESS_MS + 60_000);
});

test("[D5] the clock stands while the canaries wait, so that a flap then is not late at once", () => {
  const scene = new Scene({ canaries: 1 });
  scene.say(0, { healthy: true });
  const { lateAfter } = scene;
  scene.wait(5 * PROGRESS_MS);
  scene.say(0, { healthy: null, revoked: true });
  assert.equal(scene.lateAfter, lateAfter + 5 * PROGRESS_MS);
  scene.say(0, { healthy: true });
  scene.wait(1_000);
  scene.harness.accept({
    tag: CommandTag.deploymentPromote,
    deploymentId: "d",
    groups: null,
    evaluation: null,
  });
  assert.equal(lateAt(scene.group), scene.harness.now + PROGRESS_MS);
  assert.equal(scene.group.awaitingSince, 0);
});

test("[D5] a pause in the middle of which another group is promoted counts whole", () => {
  const scene = new Scene({ others: 1 });
  scene.wait(10_000);
  scene.status("paused");
  scene.wait(20_000);
  const tag = CommandTag.deploymentPromote;
  scene.harness.accept({ tag, deploymentId: "d", groups: ["other"], evaluation: null });
  scene.wait(30_000);
  scene.status("running");
  assert.equal(scene.lateAfter, PROGRESS_MS + 50_000);
});

test("[D8] a promotion without canaries, or a second one, extends nothing", () => {
  for (const canaries of [0, 1]) {
    const scene = new Scene({ canaries });
    if (canaries > 0) scene.say(0, { healthy: true });
    const body = { deploymentId: "d", groups: null, evaluation: null };
    const promote = () => scene.harness.accept({ tag: CommandTag.deploymentPromote, ...body });
    if (canaries > 0) promote();
    const late = lateAt(scene.group);
    scene.wait(20_000);
    promote();
    assert.equal(lateAt(scene.group), late);
    assert.equal(scene.group.promoted, true);
    scene.status("paused");
    scene.wait(30_000);
    promote();
    scene.wait(10_000);
    scene.status("running");
    assert.equal(lateAt(scene.group), late + 40_000, "the pause counts whole");
  }
});

test("[D5] a name that becomes healthy during a pause has its time from the end of the pause", () => {
  const scene = new Scene();
  scene.wait(10_000);
  scene.status("paused");
  scene.wait(90_000);
  scene.say(0, { healthy: true });
  scene.wait(100_000);
  scene.status("running");
  assert.equal(scene.lateAfter, 200_000 + PROGRESS_MS);
});

test("[A8] a verdict that is taken back is undecided again, and its deadline stays", () => {
  const scene = new Scene();
  for (const index of [0, 1, 2]) scene.say(index, { healthy: true });
  const { lateAfter } = scene;
  scene.wait(1_000);
  scene.say(1, { healthy: null, revoked: true, serving: false });
  assert.equal(scene.group.healthyAllocs, 2);
  assert.equal(scene.alloc(1).deploymentStatus, null);
  scene.say(1, { healthy: true, serving: true });
  assert.equal(scene.group.healthyAllocs, 3);
  assert.equal(scene.lateAfter, lateAfter, "a flap extends nothing");
});

test("[A8] a canary that takes its verdict back is a canary all the same", () => {
  const scene = new Scene({ canaries: 1 });
  scene.say(0, { healthy: true });
  scene.say(0, { healthy: null, revoked: true });
  assert.deepEqual(scene.alloc(0).deploymentStatus?.canary, true);
  assert.equal(scene.alloc(0).deploymentStatus?.healthy, null);
});

test("[A8] a deployment that has ended keeps the verdicts it ended with", () => {
  const scene = new Scene();
  scene.say(0, { healthy: true });
  scene.status("failed");
  scene.say(0, { healthy: null, revoked: true });
  assert.equal(scene.alloc(0).deploymentStatus?.healthy, true);
});

test("[D6] a success that was planned on a verdict taken back meanwhile does not come", () => {
  const scene = new Scene();
  for (const index of [0, 1, 2]) scene.say(index, { healthy: true });
  scene.say(2, { healthy: null, revoked: true });
  assert.equal(scene.succeed(), "running");
  scene.say(2, { healthy: true });
  assert.equal(scene.succeed(), "successful");
});

test("[D7] commands of version 1 mean what they meant", () => {
  const scene = new Scene({ canaries: 1 });
  scene.say(0, { healthy: true }, 1);
  assert.equal(scene.group.awaitingSince, 0);
  assert.equal(scene.succeed(1), "successful");
});
