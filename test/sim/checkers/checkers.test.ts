/** Each checker sees what it is there for in a world that was spoiled on purpose. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, AllocClientReport, Job } from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockDeploymentState,
  mockJob,
  mockNode,
  mockTask,
  mockTaskGroup,
} from "@drover/model/testing";
import {
  COMMAND_VERSION,
  type Command,
  StateMachineStore,
  type StateSnapshot,
} from "@drover/state";
import { type SimClock, SimRandom } from "@raft/node-raft/sim";
import { SimCatalog } from "../world/catalog.ts";
import { SimEngine } from "../world/engine.ts";
import { Truth } from "../world/truth.ts";
import { Acknowledged } from "./acknowledged.ts";
import { Capacity } from "./capacity.ts";
import type { ClusterChecker } from "./checker.ts";
import { DeploymentEnds } from "./deployment-ends.ts";
import { DesiredBound } from "./desired-bound.ts";
import { NoOrphans } from "./no-orphans.ts";
import { Ownership } from "./ownership.ts";
import { ServingFloor } from "./serving-floor.ts";
import { StopCommanded } from "./stop-commanded.ts";

const NODE = mockNode({ status: "ready" });
const UPDATE = { ...mockTaskGroup().update, maxParallel: 1 } as Job["taskGroups"][number]["update"];

/** One job of three, one node, one engine; commands are applied as they are given. */
class Spoiled {
  readonly store = new StateMachineStore();
  readonly truth: Truth;
  readonly engine: SimEngine;
  readonly job: Job;
  #index = 0;

  constructor(checker: ClusterChecker, count = 3) {
    const time = { now: 1_000_000, after: () => () => undefined } as unknown as SimClock;
    this.truth = new Truth({
      now: () => time.now,
      checkers: [checker],
      guard: (fn) => fn(),
      tell: () => undefined,
      note: () => undefined,
    });
    this.engine = new SimEngine(
      { host: "c1", nodeId: NODE.id },
      { time, random: new SimRandom(1), watcher: this.truth },
    );
    this.truth.engines.push(this.engine);
    this.truth.catalog = new SimCatalog(time, new SimRandom(1), () => true);
    const group = mockTaskGroup({ count, update: UPDATE, tasks: [mockTask({ name: "main" })] });
    this.job = mockJob({ id: "a", taskGroups: [group] });
    this.apply({ tag: 9, node: NODE, evals: [] });
    this.register(this.job);
  }

  /** So many entries have been written since a plan was decided. */
  behind = 0;

  register(job: Job): void {
    this.apply({
      tag: 1,
      job,
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evaluation: null,
      alwaysNewVersion: true,
      enforcePriorVersion: null,
    });
  }

  /** `toldAs`: tag of the command that the checker is told. */
  apply(draft: object, toldAs?: number): void {
    this.#index += 1;
    const command = {
      v: COMMAND_VERSION,
      now: 1,
      token: `t${this.#index}`,
      ...draft,
    } as unknown as Command;
    const before = this.store.snapshot();
    const { result } = this.store.apply(command, this.#index);
    assert.ok(result.ok, JSON.stringify(result));
    const told = toldAs === undefined ? command : ({ ...command, tag: toldAs } as Command);
    this.truth.applied({ command: told, result, before, after: this.store.snapshot() });
  }

  allocs(count: number, over: Partial<Allocation> = {}): Allocation[] {
    const job = this.store.snapshot().job(this.job) ?? this.job;
    return Array.from({ length: count }, (_, index) => ({
      ...mockAlloc({ nodeId: NODE.id, ...over }, { job, index }),
      id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
      jobVersion: job.version,
      jobCreateIndex: job.createIndex,
      deploymentId: "",
      deploymentStatus: null,
    }));
  }

  plan(
    placements: readonly Allocation[],
    stops: readonly Allocation[] = [],
    toldAs?: number,
  ): void {
    const draft = {
      tag: 6,
      plan: {
        id: `p${this.#index}`,
        evalId: "",
        priority: 50,
        namespace: "default",
        jobId: "a",
        jobVersion: this.store.snapshot().job(this.job)?.version ?? 0,
        allAtOnce: false,
        snapshotIndex: this.#index - this.behind,
        stops: stops.map(({ id, nodeId }) => ({
          allocId: id,
          nodeId,
          desiredStatus: "stop",
          desiredDescription: "",
        })),
        placements,
        attributeUpdates: [],
        deployment: null,
        deploymentUpdates: [],
        annotations: null,
      },
      evals: [],
    };
    this.apply(draft, toldAs);
  }

  /** Of its client: it runs. */
  report(over: Partial<AllocClientReport>, toldAs?: number): void {
    const report = {
      clientSeq: 1,
      clientStatus: "running",
      clientDescription: "",
      taskStates: {},
      healthy: null,
      healthAt: 0,
      serving: null,
      prepared: false,
      unretryableError: "",
      networkStatus: null,
      imageDigests: {},
      nodeId: NODE.id,
      ...over,
    };
    this.apply({ tag: 7, reports: [report], evals: [] }, toldAs);
  }

  start(alloc: Allocation, ports: readonly number[] = [], name = alloc.id, taskName = "main") {
    const identity = {
      clusterId: "c",
      nodeId: NODE.id,
      allocId: alloc.id,
      taskName,
      namespace: "default",
      jobId: "a",
      groupName: "web",
    };
    return this.engine.create(name, { identity, image: "app:good-1", ports });
  }
}

function fails(name: string, act: () => void): void {
  assert.throws(act, (error: Error) => error.message.startsWith(name), `${name} sees it`);
}

test("I2 sees that an update stops two of three that serve", () => {
  const world = new Spoiled(new ServingFloor());
  const allocs = world.allocs(3);
  world.plan(allocs);
  for (const { id } of allocs) world.report({ id, healthy: true });
  for (const alloc of allocs) world.start(alloc);
  world.register(world.job);
  world.plan([], allocs.slice(0, 1));
  fails("serving floor", () => world.plan([], allocs.slice(1, 2)));
});

test("I2 lets a plan be that was on its way when another one was told to be lost", () => {
  const world = new Spoiled(new ServingFloor());
  const allocs = world.allocs(3);
  const [lost, stopped] = allocs;
  assert.ok(lost && stopped);
  world.plan(allocs);
  for (const { id } of allocs) world.report({ id, healthy: true });
  const [container] = allocs.map((alloc) => world.start(alloc));
  assert.ok(container);
  world.register(world.job);
  world.engine.exit(container, 1);
  world.report({ id: lost.id, clientStatus: "pending", serving: false });
  world.behind = 1;
  world.plan([], [stopped]);
  world.behind = 0;
  fails("serving floor", () => world.plan([], allocs.slice(2)));
});

test("I3 sees a fourth allocation of three", () => {
  const world = new Spoiled(new DesiredBound());
  world.plan(world.allocs(3));
  fails("desired bound", () => world.plan(world.allocs(4)));
});

test("I5 sees a node over its capacity", () => {
  const world = new Spoiled(new Capacity(), 100);
  const [alloc] = world.allocs(1);
  assert.ok(alloc);
  const { shared, taskLifecycles } = alloc.allocatedResources;
  const cpu = { cpuShares: 1_000_000, reservedCores: [] };
  const memory = { memoryMb: 1, memoryMaxMb: 0 };
  const tasks = { main: { cpu, memory, networks: [], devices: [] } };
  const allocatedResources = { tasks, taskLifecycles, shared };
  fails("capacity", () => world.plan([{ ...alloc, allocatedResources }]));
});

test("I5 sees a port that is desired twice, and one that is held twice", () => {
  const world = new Spoiled(new Capacity());
  const port = { label: "http", value: 20_000, to: 0, hostIp: "", ignoreCollision: false };
  const allocs = world.allocs(2).map((alloc) => {
    const shared = { ...alloc.allocatedResources.shared, ports: [port] };
    return { ...alloc, allocatedResources: { ...alloc.allocatedResources, shared } };
  });
  const [one, other] = allocs;
  assert.ok(one && other);
  fails("capacity", () => world.plan(allocs));
  world.start(one, [20_000]);
  fails("capacity", () => world.start(other, [20_000]));
});

test("I7 sees a second container of one task, and at rest one without an allocation", () => {
  const world = new Spoiled(new NoOrphans());
  const allocs = world.allocs(1);
  const [alloc] = allocs;
  assert.ok(alloc);
  world.plan(allocs);
  world.start(alloc);
  world.truth.quiescent();
  fails("no orphans", () => world.start(alloc, [], "twin"));
  world.engine.remove("twin");
  world.plan([], allocs);
  fails("no orphans", () => world.truth.quiescent());
});

test("I7 sees a start of what shall only be prepared", () => {
  const world = new Spoiled(new NoOrphans());
  const allocs = world.allocs(1, { phase: "prepare" });
  world.plan(allocs);
  fails("no orphans", () => world.start(allocs[0] as Allocation));
});

test("I8 sees at rest a registration without an allocation", () => {
  const world = new Spoiled(new NoOrphans());
  const spec = { id: "s", allocId: "nobody", checks: [] };
  world.truth.catalog?.register("c1", spec as never);
  fails("no orphans", () => world.truth.quiescent());
});

test("I11 sees a stop that nobody commanded", () => {
  const world = new Spoiled(new StopCommanded());
  const allocs = world.allocs(1);
  world.plan(allocs);
  const container = world.start(allocs[0] as Allocation);
  fails("stop commanded", () => world.engine.signal(container, 1_000));
  world.plan([], allocs);
  world.engine.signal(container, 1_000);
});

test("I11 lets tasks go whose main task has ended, and what an operator restarts", () => {
  const world = new Spoiled(new StopCommanded());
  const allocs = world.allocs(2);
  const [one, other] = allocs;
  assert.ok(one && other);
  world.plan(allocs);
  const main = world.start(one);
  const beside = world.start(one, [], "beside", "sidecar");
  fails("stop commanded", () => world.engine.signal(beside, 1_000));
  world.engine.exit(main, 1);
  world.engine.signal(beside, 1_000);
  const restarted = world.start(other);
  world.truth.restarting(other.id);
  world.engine.signal(restarted, 1_000);
});

test("I11 lets the main task go beside one that has failed, not beside one that is up again", () => {
  const world = new Spoiled(new StopCommanded());
  const [alloc] = world.allocs(1);
  assert.ok(alloc);
  world.plan([alloc]);
  const main = world.start(alloc, [], "main");
  const beside = world.start(alloc, [], "beside", "sidecar");
  world.engine.exit(beside, 1);
  world.engine.remove("beside");
  world.start(alloc, [], "beside", "sidecar");
  fails("stop commanded", () => world.engine.signal(main, 1_000));
  // With power gone its container is, too, before the main task is told to stop.
  world.engine.powerLoss();
  world.engine.remove("beside");
  world.engine.remove("main");
  const restarted = world.start(alloc);
  world.engine.signal(restarted, 1_000);
  world.engine.signal(main, 1_000);
});

test("I6 sees an answer to a write that nobody applied, and a state without one that was", () => {
  const world = new Spoiled(new Acknowledged());
  world.apply({ tag: 13, nodeId: NODE.id, eligibility: "ineligible", event: null, evals: [] });
  world.truth.acknowledged("t3");
  world.truth.quiescent([world.store.snapshot()]);
  fails("acknowledged writes", () => world.truth.acknowledged("t9"));
  const amnesiac = new StateMachineStore();
  amnesiac.advance(2);
  world.truth.restored(amnesiac.snapshot());
  amnesiac.advance(3);
  fails("acknowledged writes", () => world.truth.restored(amnesiac.snapshot()));
});

test("I9 sees the scheduler's word from a client, and the client's from the scheduler", () => {
  const world = new Spoiled(new Ownership());
  const [alloc] = world.allocs(1);
  assert.ok(alloc);
  world.plan([alloc]);
  fails("ownership", () => world.plan([], [alloc], 7));
  fails("ownership", () => world.report({ id: alloc.id }, 6));
  world.report({ id: alloc.id, clientSeq: 2, healthy: true });
});

test("I4 sees a deadline beyond T_max, one that has passed, and an end that does not come", () => {
  const checker = new DeploymentEnds();
  const SECONDS = 1_000_000_000;
  const by = (requireProgressBy: number, healthyAllocs = 0, unseenMs = 0, desiredCanaries = 0) => {
    const group = mockDeploymentState({
      progressDeadline: 10 * SECONDS,
      desiredTotal: 2,
      requireProgressBy,
      healthyAllocs,
      unseenMs,
      desiredCanaries,
      promoted: desiredCanaries > 0,
    });
    const deployment = mockDeployment({ status: "running", taskGroups: { web: group } });
    return {
      clock: 1_000,
      deployments: () => [deployment],
      deployment: () => deployment,
      deploymentsByJob: () => [deployment],
      evalsByJob: () => [],
      job: () => mockJob(),
    } as unknown as StateSnapshot;
  };
  const told = (after: StateSnapshot) =>
    checker.applied({ after, before: after, command: {}, result: {} } as never);
  told(by(31_000));
  fails("deployments end", () => told(by(31_500)));
  // Nobody could see whether it made progress; that counts once the deadline's length at most.
  told(by(35_000, 0, 4_000));
  fails("deployments end", () => told(by(42_000, 0, 11_000)));
  checker.looked(by(31_000), 50_000);
  fails("deployments end", () => checker.looked(by(31_000), 52_000));
  // Promoted, of three canaries two are wanted.
  checker.looked(by(31_000, 2, 0, 3), 60_000);
  checker.looked(by(31_000, 2), 80_000);
  fails("deployments end", () => checker.looked(by(31_000, 2), 80_001));
});

test("I5 counts what runs at once: before, during or after, and beside the main task", () => {
  const world = new Spoiled(new Capacity(), 100);
  const [alloc] = world.allocs(1);
  assert.ok(alloc);
  const task = { memory: { memoryMb: 1, memoryMaxMb: 0 }, networks: [], devices: [] };
  const half = { ...task, cpu: { cpuShares: 2_400, reservedCores: [] } };
  const { shared } = alloc.allocatedResources;
  const hook = (name: string, sidecar: boolean) => {
    const taskLifecycles = { main: null, other: { hook: name, sidecar } };
    return { tasks: { main: half, other: half }, taskLifecycles, shared };
  };
  world.plan([{ ...alloc, allocatedResources: hook("prestart", false) }]);
  world.plan([{ ...alloc, allocatedResources: hook("poststop", false) }]);
  fails("capacity", () => {
    world.plan([{ ...alloc, allocatedResources: hook("prestart", true) }]);
  });
});
