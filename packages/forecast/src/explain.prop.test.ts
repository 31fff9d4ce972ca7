/**
 * I4: in whatever state a cluster comes to, everything that has not ended has a reason, every
 * reason a wake-up or something it waits for, and from a job the chain leads to a root.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  ClientStatus,
  type DeploymentStatus,
  isClientTerminal,
  isDeploymentActive,
  isEvalTerminal,
  isNodeReady,
  isSameSubject,
  type Job,
  type Subject,
  subjectOf,
} from "@drover/model";
import { Harness, rollingJob } from "@drover/scheduler/testing";
import fc from "fast-check";
import { explain } from "./explain.ts";

const setting = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  maxParallel: fc.integer({ min: 0, max: 3 }),
  canary: fc.integer({ min: 0, max: 1 }),
  driver: fc.constantFrom("docker" as const, "mock_driver" as const),
  nodes: fc.integer({ min: 1, max: 3 }),
  isCramped: fc.boolean(),
  type: fc.constantFrom(
    "service" as const,
    "service" as const,
    "batch" as const,
    "system" as const,
    "sysbatch" as const,
  ),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

const kinds = [
  "advance",
  "advance",
  "evaluate",
  "evaluate",
  "finish",
  "fail",
  "versionFails",
  "unhealthy",
  "migrate",
  "nodeDown",
  "nodeUp",
  "drain",
  "submit",
  "pause",
  "failDeployment",
  "time",
] as const;
type Kind = (typeof kinds)[number];
const event = fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(99) });

const DRAIN = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 1 };

class Cluster {
  readonly harness: Harness;
  readonly setting: Setting;
  readonly ref: Job;
  #told = 0;

  constructor(chosen: Setting, seed: number) {
    this.setting = chosen;
    this.harness = new Harness({ nodes: chosen.nodes, seed });
    if (chosen.isCramped) this.#cramp();
    this.ref = this.version(0);
    this.harness.register(this.ref);
    this.#storeFollowups();
  }

  get #isEverywhere(): boolean {
    return this.setting.type === "system" || this.setting.type === "sysbatch";
  }

  get #isBatch(): boolean {
    return this.setting.type === "batch" || this.setting.type === "sysbatch";
  }

  version(image: number): Job {
    const { canary, driver, maxParallel, type } = this.setting;
    const count = this.#isEverywhere ? 1 : this.setting.count;
    const update = this.#isBatch ? null : { canary, maxParallel };
    return rollingJob({ count, driver, image: `app:${image}`, update, job: { type } });
  }

  /** Memory for two of the group on each node. */
  #cramp(): void {
    for (const node of [...this.harness.state.nodes()]) {
      const nodeResources = { ...node.nodeResources, memory: { memoryMb: 600 } };
      this.harness.changeNode(node.id, { nodeResources });
    }
  }

  #storeFollowups(): void {
    for (const followup of this.harness.followups.splice(0)) this.harness.state.putEval(followup);
  }

  step(kind: Kind, pick: number): void {
    const { harness, ref } = this;
    const open = harness.all(ref).filter((alloc) => !isClientTerminal(alloc));
    const alloc = open[pick % Math.max(1, open.length)];
    const node = [...harness.state.nodes()][pick % this.setting.nodes];
    if (kind === "evaluate") harness.evaluate(ref);
    else if (kind === "submit") harness.register(this.version(pick % 4));
    else if (kind === "time") harness.now += pick * 1_000;
    else if (kind === "pause") this.#setStatus(pick % 2 ? "paused" : "running");
    else if (kind === "failDeployment") this.#setStatus("failed");
    else if (kind === "nodeDown" && node) harness.nodeDown(node.id);
    else if (kind === "nodeUp" && node) {
      harness.changeNode(node.id, { status: "ready", drainStrategy: null });
    } else if (kind === "drain" && node) harness.changeNode(node.id, { drainStrategy: DRAIN });
    else if (alloc) this.#change(alloc, kind);
    this.#storeFollowups();
    this.check();
  }

  #change(alloc: Allocation, kind: Kind): void {
    const { harness } = this;
    if (kind === "advance") this.#advance(alloc);
    else if (kind === "finish") this.#finish(alloc);
    else if (kind === "fail") harness.fail(alloc);
    else if (kind === "versionFails") harness.fail(alloc, { unretryableError: "no such image" });
    else if (kind === "migrate") {
      const desiredTransition = { ...alloc.desiredTransition, migrate: true };
      harness.update(alloc, { desiredTransition });
    } else if (kind === "unhealthy" && alloc.phase !== "prepare") harness.run(alloc, false);
  }

  #advance(alloc: Allocation): void {
    const { harness } = this;
    if (alloc.desiredStatus !== "run") harness.update(alloc, { clientStatus: "complete" });
    else if (alloc.phase === "prepare") harness.update(alloc, { prepared: true });
    else harness.run(alloc, alloc.clientStatus === ClientStatus.running ? true : null);
  }

  /** Of a service nothing finishes well. */
  #finish(alloc: Allocation): void {
    const runs = alloc.clientStatus === ClientStatus.running && alloc.phase !== "prepare";
    if (this.#isBatch && runs) this.harness.update(alloc, { clientStatus: "complete" });
  }

  #setStatus(status: DeploymentStatus): void {
    const [deployment] = this.harness.state.deploymentsByJob(this.ref);
    if (!deployment || !isDeploymentActive(deployment)) return;
    this.harness.state.putDeployment({ ...deployment, status });
  }

  check(): void {
    const { state } = this.harness;
    for (const deployment of state.deploymentsByJob(this.ref)) {
      if (isDeploymentActive(deployment)) this.#waits(subjectOf.deployment(deployment));
    }
    for (const evaluation of state.evalsByJob(this.ref)) {
      if (!isEvalTerminal(evaluation)) this.#waits(subjectOf.evaluation(evaluation));
    }
    for (const alloc of state.allocsByJob(this.ref)) {
      const isPending = alloc.clientStatus === "pending" || alloc.clientStatus === "unknown";
      if (isPending) this.#waits(subjectOf.allocation(alloc));
    }
    if (!this.#isSettled()) this.#waits(subjectOf.job(this.ref));
  }

  /** As many of the newest version run, or have finished their work, as are wanted; no others. */
  #isSettled(): boolean {
    const job = this.harness.state.job(this.ref);
    const live = this.harness.live(this.ref);
    const targets = new Set([...this.harness.state.nodes()].filter(isNodeReady).map((n) => n.id));
    const done = this.harness
      .all(this.ref)
      .filter((alloc) => this.#isBatch && alloc.clientStatus === "complete")
      .filter((alloc) => alloc.desiredStatus === "run" && this.#isDoneFor(alloc, job));
    const slots = [...live, ...done].filter(
      (alloc) => !this.#isEverywhere || targets.has(alloc.nodeId),
    );
    return (
      slots.length === (this.#isEverywhere ? targets.size : this.setting.count) &&
      live.every((alloc) => alloc.clientStatus === "running" && alloc.jobVersion === job?.version)
    );
  }

  /** Submitted again unchanged, a sysbatch job does not repeat what it has done (spec §3.16). */
  #isDoneFor(alloc: Allocation, job: Job | undefined): boolean {
    if (alloc.jobVersion === job?.version) return true;
    const configOf = (of: Job | undefined) => JSON.stringify(of?.taskGroups[0]?.tasks[0]?.config);
    const ran = this.harness.state.jobVersion(this.ref, alloc.jobVersion);
    return this.setting.type === "sysbatch" && configOf(ran) === configOf(job);
  }

  #waits(subject: Subject): void {
    const { now, state } = this.harness;
    const { chain, reasons } = explain({ state, subject, now });
    const own = reasons.filter((reason) => isSameSubject(reason.subject, subject));
    assert.ok(own.length > 0, `${subject.kind} ${subject.id} waits for nothing`);
    for (const reason of reasons) {
      const isBound = reason.waitsFor.length > 0 || reason.wakesAt !== null;
      assert.ok(isBound, `${reason.rule} has no end`);
      assert.notEqual(reason.text, "");
      this.#told++;
    }
    assert.ok(chain.length > 0 && chain[0] && isSameSubject(chain[0].subject, subject));
  }

  get told(): number {
    return this.#told;
  }
}

test("I4 everything that has not ended has a reason with an end", () => {
  let told = 0;
  fc.assert(
    fc.property(
      setting,
      fc.array(event, { maxLength: 40, size: "max" }),
      fc.nat(),
      (chosen, events, seed) => {
        const cluster = new Cluster(chosen, seed);
        for (const { kind, pick } of events) cluster.step(kind, pick);
        told += cluster.told;
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
  assert.ok(told > 10_000, `${told} reasons were looked at`);
});
