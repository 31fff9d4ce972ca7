/**
 * Whatever fails, and in whatever order: no node over capacity, no port twice (I5), never more
 * desired than the group may have (I3), and once faults stop the next version rolls out (I4).
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  ClientStatus,
  DeploymentStatus,
  isClientTerminal,
  type Job,
  type TaskGroup,
} from "@drover/model";
import fc from "fast-check";
import { capacityOf, usageOf } from "./feasible/resources.ts";
import { Harness } from "./testing/harness.ts";
import { rollingJob } from "./testing/jobs.ts";

const HOUR_MS = 3_600_000;

const setting = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  maxParallel: fc.integer({ min: 0, max: 3 }),
  canary: fc.integer({ min: 0, max: 1 }),
  maxSurge: fc.integer({ min: 0, max: 2 }),
  driver: fc.constantFrom("docker" as const, "mock_driver" as const),
  nodes: fc.integer({ min: 1, max: 4 }),
  sharedAddress: fc.boolean(),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

const kinds = [
  "advance",
  "advance",
  "advance",
  "evaluate",
  "evaluate",
  "fail",
  "unhealthy",
  "migrate",
  "nodeDown",
  "nodeUp",
  "submit",
  "failDeployment",
  "pause",
  "time",
] as const;
const event = fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(99) });

const dynamicPort = {
  label: "http",
  value: 0,
  to: 0,
  hostNetwork: "default",
  ignoreCollision: false,
};
const withPort: Partial<TaskGroup> = {
  networks: [
    {
      mode: "",
      device: "",
      cidr: "",
      ip: "",
      hostname: "",
      mBits: 0,
      dns: null,
      cni: null,
      reservedPorts: [],
      dynamicPorts: [dynamicPort],
    },
  ],
};

class Chaos {
  readonly harness: Harness;
  readonly setting: Setting;
  readonly ref: Job;

  constructor(chosen: Setting, seed: number) {
    this.setting = chosen;
    this.harness = new Harness({ nodes: chosen.nodes, seed });
    if (chosen.sharedAddress) this.#shareAddress();
    this.ref = this.version(0);
    this.harness.register(this.ref);
  }

  version(image: number): Job {
    const { canary, count, driver, maxParallel, maxSurge } = this.setting;
    const update = { canary, maxParallel, maxSurge };
    return rollingJob({ count, driver, image: `app:${image}`, update, group: withPort });
  }

  /** Few ports and little memory, so that both run out. */
  #shareAddress(): void {
    const [first] = [...this.harness.state.nodes()];
    for (const node of [...this.harness.state.nodes()]) {
      const { nodeNetworks } = first?.nodeResources ?? node.nodeResources;
      const memory = { memoryMb: 64 * 4 };
      const range = { minDynamicPort: 20_000, maxDynamicPort: 20_019 };
      const nodeResources = { ...node.nodeResources, nodeNetworks, memory, ...range };
      this.harness.changeNode(node.id, { nodeResources });
    }
  }

  step(kind: (typeof kinds)[number], pick: number): void {
    const { harness, ref } = this;
    const open = harness.all(ref).filter((alloc) => !isClientTerminal(alloc));
    const alloc = open[pick % Math.max(1, open.length)];
    const node = [...harness.state.nodes()][pick % this.setting.nodes];
    const [deployment] = harness.state.deploymentsByJob(ref);
    if (kind === "evaluate") harness.evaluate(ref);
    else if (kind === "submit") harness.register(this.version(pick % 4));
    else if (kind === "time") harness.now += pick * 1_000;
    else if (kind === "nodeDown" && node) harness.nodeDown(node.id);
    else if (kind === "nodeUp" && node) harness.changeNode(node.id, { status: "ready" });
    else if (kind === "failDeployment" && deployment) this.#setStatus("failed");
    else if (kind === "pause" && deployment) this.#setStatus(pick % 2 ? "paused" : "running");
    else if (alloc && kind === "advance") this.advance(alloc);
    else if (alloc && kind === "fail") harness.fail(alloc);
    else if (alloc && kind === "unhealthy") this.#judgeUnhealthy(alloc);
    else if (alloc && kind === "migrate") this.#migrate(alloc);
    this.check();
  }

  #setStatus(status: string): void {
    const [deployment] = this.harness.state.deploymentsByJob(this.ref);
    const ended = [
      DeploymentStatus.successful,
      DeploymentStatus.cancelled,
      DeploymentStatus.failed,
    ];
    if (!deployment || ended.some((each) => each === deployment.status)) return;
    this.harness.state.putDeployment({ ...deployment, status });
  }

  #judgeUnhealthy(alloc: Allocation): void {
    if (alloc.phase !== "prepare" && alloc.desiredStatus === "run") this.harness.run(alloc, false);
  }

  #migrate(alloc: Allocation): void {
    const desiredTransition = { ...alloc.desiredTransition, migrate: true };
    this.harness.update(alloc, { desiredTransition });
  }

  advance(alloc: Allocation): void {
    const { harness } = this;
    if (alloc.desiredStatus !== "run") harness.update(alloc, { clientStatus: "complete" });
    else if (alloc.phase === "prepare") harness.update(alloc, { prepared: true });
    else harness.run(alloc, alloc.clientStatus === ClientStatus.running ? true : null);
  }

  check(): void {
    this.#checkCount();
    this.#checkCapacity();
    this.#checkPorts();
  }

  #checkCount(): void {
    const { canary, count, maxSurge } = this.setting;
    const started = this.harness.live(this.ref).filter((alloc) => alloc.phase !== "prepare");
    const limit = count + canary + maxSurge;
    assert.ok(started.length <= limit, `${started.length} desired of ${limit}`);
  }

  #checkCapacity(): void {
    for (const node of this.harness.state.nodes()) {
      const live = this.harness.live(this.ref).filter((alloc) => alloc.nodeId === node.id);
      const counted = live.filter(
        (alloc) =>
          alloc.phase !== "prepare" || !live.some((each) => each.id === alloc.previousAllocation),
      );
      const used = counted.reduce((sum, a) => sum + usageOf(a.allocatedResources).memoryMb, 0);
      assert.ok(used <= capacityOf(node).memoryMb, `${node.name} holds ${used} MB`);
    }
  }

  #checkPorts(): void {
    const taken = new Set<string>();
    for (const alloc of this.harness.live(this.ref)) {
      for (const { hostIp, value } of alloc.allocatedResources.shared.ports) {
        assert.ok(!taken.has(`${hostIp}:${value}`), `port ${value} of ${hostIp} is given twice`);
        taken.add(`${hostIp}:${value}`);
      }
    }
  }

  /** Faults stop, and a new version is submitted. */
  finish(): void {
    const { harness, ref } = this;
    for (const node of [...harness.state.nodes()]) harness.changeNode(node.id, { status: "ready" });
    harness.register(this.version(9));
    for (let round = 0; round < 80; round++) {
      harness.now += HOUR_MS;
      for (const alloc of harness.all(ref)) this.#heal(alloc);
      this.#promote();
      harness.evaluate(ref);
      this.check();
      if (this.#isDone()) {
        this.checkNames();
        return;
      }
    }
    assert.fail("the last version did not roll out");
  }

  #heal(alloc: Allocation): void {
    if (alloc.clientStatus === ClientStatus.failed && alloc.desiredStatus === "run") {
      const desiredTransition = { ...alloc.desiredTransition, reschedule: true };
      this.harness.update(alloc, { desiredTransition });
    } else if (!isClientTerminal(alloc)) {
      this.advance(alloc);
    }
  }

  #promote(): void {
    const part = this.harness.state.deploymentsByJob(this.ref)[0]?.taskGroups.web;
    if (!part || part.promoted || part.desiredCanaries === 0) return;
    const healthy = part.placedCanaries.filter(
      (id) => this.harness.state.alloc(id)?.deploymentStatus?.healthy === true,
    );
    if (healthy.length >= part.desiredCanaries) this.harness.promote(this.ref);
  }

  #isDone(): boolean {
    const { harness, ref, setting: chosen } = this;
    const job = harness.state.job(ref);
    const live = harness.live(ref);
    const [deployment] = harness.state.deploymentsByJob(ref);
    const hasEnded = chosen.maxParallel === 0 || deployment?.status === DeploymentStatus.successful;
    const isRolledOut =
      live.length === chosen.count &&
      live.every((alloc) => alloc.jobVersion === job?.version && alloc.phase !== "prepare");
    return hasEnded && isRolledOut;
  }

  checkNames(): void {
    assert.deepEqual(
      this.harness
        .live(this.ref)
        .map(({ name }) => name)
        .sort(),
      Array.from({ length: this.setting.count }, (_, i) => `example.web[${i}]`),
      "each name once (S6, N5)",
    );
  }
}

test("I3 I4 I5 hold through failures of everything", () => {
  fc.assert(
    fc.property(
      setting,
      fc.array(event, { maxLength: 60 }),
      fc.nat(1_000_000),
      (chosen, events, seed) => {
        const fits = !chosen.sharedAddress || chosen.count + chosen.canary <= chosen.nodes * 4;
        fc.pre(fits);
        const chaos = new Chaos(chosen, seed);
        for (const { kind, pick } of events) chaos.step(kind, pick);
        chaos.finish();
      },
    ),
    { numRuns: 300 },
  );
});
