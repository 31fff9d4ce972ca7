/**
 * Whatever the order in which clients act, and whenever the next version arrives: the rolling
 * limit holds (invariants I2 and I3 of DESIGN §13) and every roll ends.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  ClientStatus,
  DeploymentStatus,
  isTerminal,
  type Job,
} from "@drover/model";
import fc from "fast-check";
import { Harness } from "../testing/harness.ts";
import { RESCHEDULED_AT_ONCE, rollingJob } from "../testing/jobs.ts";

interface Setting {
  readonly count: number;
  readonly maxParallel: number;
  readonly canary: number;
  readonly driver: "docker" | "mock_driver";
  readonly nodes: number;
  readonly maxSurge: number;
  /** Room for more than the group's count. */
  readonly isRoomy: boolean;
}

const setting: fc.Arbitrary<Setting> = fc.record({
  count: fc.integer({ min: 1, max: 8 }),
  maxParallel: fc.integer({ min: 1, max: 4 }),
  canary: fc.integer({ min: 0, max: 2 }),
  driver: fc.constantFrom("docker" as const, "mock_driver" as const),
  nodes: fc.integer({ min: 1, max: 4 }),
  maxSurge: fc.constantFrom(0, 0, 1, 2, 4),
  isRoomy: fc.boolean(),
});

/** One thing that happens next; the number picks which allocation. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("client" as const), pick: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("evaluate" as const), pick: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("submit" as const), pick: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), pick: fc.nat(99) }) },
);

class Run {
  readonly harness: Harness;
  readonly setting: Setting;
  readonly ref: Job;
  /** Allocations that have been healthy. */
  readonly #proven = new Set<string>();
  #crashes = 0;

  constructor(chosen: Setting, seed: number) {
    this.setting = chosen;
    this.harness = new Harness({ nodes: chosen.nodes, seed });
    if (!chosen.isRoomy) this.#fillUp();
    this.ref = this.version("app:0");
    this.harness.register(this.ref);
    this.harness.rollToEnd(this.ref);
    for (const alloc of this.harness.live(this.ref)) this.#proven.add(alloc.id);
  }

  /** Nothing finds a place beside what runs. Canaries would have to. */
  #fillUp(): void {
    const { canary, count, nodes } = this.setting;
    if (canary > 0) return;
    for (const [i, node] of [...this.harness.state.nodes()].entries()) {
      const share = Math.floor((count + i) / nodes);
      const memory = { memoryMb: 64 * share };
      this.harness.changeNode(node.id, { nodeResources: { ...node.nodeResources, memory } });
    }
  }

  /** Another `priority` alone is a change in place. */
  version(image: string, priority = 50): Job {
    const { canary, count, driver, maxParallel, maxSurge } = this.setting;
    const update = { canary, maxParallel, maxSurge };
    const group = { reschedulePolicy: RESCHEDULED_AT_ONCE };
    return rollingJob({ count, driver, image, update, job: { priority }, group });
  }

  /** The client takes one of its open steps. */
  act(pick: number): void {
    const open = this.harness.all(this.ref).filter((alloc) => this.#hasStep(alloc));
    const alloc = open[pick % Math.max(1, open.length)];
    if (alloc) this.#advance(alloc);
  }

  /** The clients take every open step. */
  actAll(): void {
    for (const alloc of this.harness.all(this.ref)) if (this.#hasStep(alloc)) this.#advance(alloc);
  }

  #hasStep(alloc: Allocation): boolean {
    if (alloc.clientStatus === ClientStatus.complete) return false;
    if (alloc.desiredStatus !== "run") return true;
    if (alloc.phase === "prepare") return !alloc.prepared;
    if (alloc.clientStatus === ClientStatus.pending) return true;
    return alloc.deploymentId !== "" && (alloc.deploymentStatus?.healthy ?? null) === null;
  }

  #advance(alloc: Allocation): void {
    if (alloc.desiredStatus !== "run") {
      this.harness.update(alloc, { clientStatus: ClientStatus.complete });
    } else if (alloc.phase === "prepare") {
      this.harness.update(alloc, { prepared: true });
    } else if (alloc.clientStatus === ClientStatus.pending) {
      this.harness.run(alloc, null);
    } else {
      this.harness.run(alloc, true);
      this.#proven.add(alloc.id);
    }
  }

  evaluate(): void {
    this.#judge(() => this.harness.evaluate(this.ref));
  }

  submit(pick: number): void {
    this.#judge(() => {
      this.harness.register(this.version(`app:${pick % 3}`, pick < 6 ? 50 : 60));
    });
  }

  /** One that serves fails for reasons of its own. A promoted canary would replace another yet. */
  crash(pick: number): void {
    if (this.setting.canary > 0) return;
    const serving = this.#serving();
    const alloc = serving[pick % Math.max(1, serving.length)];
    if (!alloc) return;
    this.#crashes++;
    const desiredTransition = { ...alloc.desiredTransition, reschedule: true };
    this.harness.fail(alloc, { desiredTransition });
  }

  /** I2: a plan stops what serves only while enough go on. */
  #judge(plan: () => void): void {
    const before = this.#slots();
    plan();
    const after = this.#slots();
    const { canary, count, isRoomy, maxParallel, maxSurge } = this.setting;
    // With room for all of them a surge takes nothing away, but from one that began to serve late.
    const isGentle = maxSurge > 0 && isRoomy && canary === 0 && this.#crashes === 0;
    const floor = Math.min(before, isGentle ? count : count - maxParallel);
    assert.ok(after >= floor, `${after} serve, ${floor} must`);
    this.check();
  }

  #serving(): Allocation[] {
    const live = this.harness.live(this.ref);
    return live.filter(
      ({ clientStatus, id }) => clientStatus === "running" && this.#proven.has(id),
    );
  }

  /** Those that serve; one and the one beside it are as good as one. */
  #slots(): number {
    const serving = this.#serving();
    const taken = new Set(
      serving.flatMap(({ phase, previousAllocation }) =>
        phase === "surge" ? [previousAllocation] : [],
      ),
    );
    return serving.filter(({ id }) => !taken.has(id)).length;
  }

  /** The operator promotes as soon as it is possible. */
  promoteIfDue(): void {
    const [deployment] = this.harness.state.deploymentsByJob(this.ref);
    const part = deployment?.taskGroups.web;
    if (!part || part.promoted || part.desiredCanaries === 0) return;
    const serving = new Set(this.#serving().map(({ id }) => id));
    const healthy = part.placedCanaries.filter((id) => serving.has(id)).length;
    if (healthy >= part.desiredCanaries) this.harness.promote(this.ref);
  }

  check(): void {
    const { canary, count, maxParallel, maxSurge } = this.setting;
    const live = this.harness.live(this.ref);
    const started = live.filter((alloc) => alloc.phase !== "prepare");
    const most = count + canary + maxSurge;
    assert.ok(started.length <= most, `${started.length} desired of ${most}`);
    const slots = live.length - started.length;
    assert.ok(slots <= maxParallel, `${slots} prepared`);
    // As the API shows them, those among them that only wait for their images.
    const undecided = live.filter((alloc) => this.#isUndecided(alloc)).length;
    // What crashed is replaced by the new version whatever the limit.
    const limit = Math.max(maxParallel, canary) + this.#crashes;
    assert.ok(undecided <= limit, `${undecided} undecided of at most ${limit}`);
  }

  /** Started by the current deployment and not judged yet. */
  #isUndecided(alloc: Allocation): boolean {
    const [deployment] = this.harness.state.deploymentsByJob(this.ref);
    return (
      alloc.deploymentId === deployment?.id &&
      alloc.createIndex >= deployment.createIndex &&
      !this.#proven.has(alloc.id)
    );
  }

  finish(): void {
    for (let round = 0; round < 60; round++) {
      this.actAll();
      this.promoteIfDue();
      this.evaluate();
      const [deployment] = this.harness.state.deploymentsByJob(this.ref);
      if (deployment?.status === DeploymentStatus.successful) return;
    }
    assert.fail("the last version's deployment did not end");
  }
}

test("[S6] [N5] I2 I3 the rolling limit holds in every order of events, and every roll ends", () => {
  fc.assert(
    fc.property(
      setting,
      fc.array(step, { maxLength: 60 }),
      fc.nat(1_000_000),
      (chosen, steps, seed) => {
        const run = new Run(chosen, seed);
        run.submit(1);
        for (const { kind, pick } of steps) {
          if (kind === "client") run.act(pick);
          else if (kind === "evaluate") run.evaluate();
          else if (kind === "crash") run.crash(pick);
          else run.submit(pick);
          run.promoteIfDue();
        }
        run.finish();
        const job = run.harness.state.job(run.ref);
        const live = run.harness.live(run.ref).filter((alloc) => !isTerminal(alloc));
        assert.deepEqual(
          live.map(({ name }) => name).sort(),
          Array.from({ length: chosen.count }, (_, i) => `example.web[${i}]`),
          "each name once (S6, N5)",
        );
        assert.ok(live.every((alloc) => alloc.jobVersion === job?.version));
      },
    ),
    { numRuns: 300 },
  );
});
