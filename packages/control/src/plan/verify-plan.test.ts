import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation, Node, Plan } from "@drover/model";
import {
  mockAlloc,
  mockAllocatedResources,
  mockDeployment,
  mockDeploymentState,
  mockJob,
  mockNode,
} from "@drover/model/testing";
import type { VerifiedPlan } from "../contracts.ts";
import { FakeState } from "../testing/fake-state.ts";
import { verifyPlan } from "./verify-plan.ts";

const JOB = mockJob();
const N1 = mockNode({ name: "node-1" });
const N2 = mockNode({ name: "node-2" });

interface Size {
  readonly cpu?: number;
  readonly memoryMb?: number;
  readonly port?: number;
  readonly device?: string;
  readonly core?: number;
}

function alloc(id: string, node: Node, size: Size = {}, over: Partial<Allocation> = {}) {
  const resources = mockAllocatedResources();
  const server = resources.tasks.server;
  assert.ok(server);
  server.cpu = { cpuShares: size.cpu ?? 100, reservedCores: size.core ? [size.core] : [] };
  server.memory = { memoryMb: size.memoryMb ?? 64, memoryMaxMb: 0 };
  if (size.device !== undefined) {
    server.devices = [{ vendor: "v", type: "gpu", name: "g", deviceIds: [size.device] }];
  }
  if (size.port !== undefined) {
    const port = { label: "http", value: size.port, to: 0, ignoreCollision: false };
    resources.shared.ports = [{ ...port, hostIp: "127.0.0.1" }];
  }
  return mockAlloc({ id, nodeId: node.id, allocatedResources: resources, ...over }, { job: JOB });
}

function planOf(parts: Partial<Plan>): Plan {
  return {
    id: "p",
    evalId: "e",
    priority: 50,
    namespace: "default",
    jobId: "example",
    jobVersion: 0,
    allAtOnce: false,
    snapshotIndex: 90,
    stops: [],
    placements: [],
    attributeUpdates: [],
    deployment: null,
    deploymentUpdates: [],
    annotations: null,
    ...parts,
  };
}

const stop = (id: string, over: Partial<Plan["stops"][number]> = {}) => ({
  allocId: id,
  nodeId: N1.id,
  desiredStatus: "stop",
  desiredDescription: "",
  ...over,
});

function stateWith(nodes: readonly Node[], allocs: readonly Allocation[] = []): FakeState {
  const state = new FakeState();
  state.putJob(JOB);
  for (const node of nodes) state.putNode(node);
  for (const each of allocs) state.putAlloc(each);
  return state;
}

const DRAIN = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 1 };
const PREPARE = { phase: "prepare", previousAllocation: "old" };

const TABLE: readonly {
  name: string;
  node?: Partial<Node>;
  held?: readonly Allocation[];
  inFlight?: readonly Plan[];
  parts: Partial<Plan>;
  fits: boolean;
}[] = [
  { name: "an empty node takes it", parts: { placements: [alloc("a", N1)] }, fits: true },
  {
    name: "a node exactly full takes it",
    held: [alloc("x", N1, { cpu: 3900 })],
    parts: { placements: [alloc("a", N1, { cpu: 100 })] },
    fits: true,
  },
  {
    name: "a node short of cpu refuses it",
    held: [alloc("x", N1, { cpu: 3901 })],
    parts: { placements: [alloc("a", N1, { cpu: 100 })] },
    fits: false,
  },
  {
    name: "a node short of memory refuses it",
    held: [alloc("x", N1, { memoryMb: 8192 })],
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "what the node reserves is not given out",
    node: {
      reservedResources: {
        ...N1.reservedResources,
        cpu: { cpuShares: 3950, reservedCpuCores: [] },
      },
    },
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "ended allocations hold nothing",
    held: [
      alloc("x", N1, { cpu: 4000 }, { clientStatus: "complete" }),
      alloc("y", N1, { cpu: 4000 }, { desiredStatus: "stop", clientStatus: "running" }),
    ],
    parts: { placements: [alloc("a", N1)] },
    fits: true,
  },
  {
    name: "what the plan itself stops makes room",
    held: [alloc("x", N1, { cpu: 4000 })],
    parts: { placements: [alloc("a", N1)], stops: [stop("x")] },
    fits: true,
  },
  {
    name: "plans in flight hold what they place",
    inFlight: [planOf({ placements: [alloc("x", N1, { cpu: 4000 })] })],
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "plans in flight free what they stop",
    held: [alloc("x", N1, { cpu: 4000 })],
    inFlight: [planOf({ stops: [stop("x")] })],
    parts: { placements: [alloc("a", N1)] },
    fits: true,
  },
  {
    name: "a port that is held is refused",
    held: [alloc("x", N1, { port: 8080 })],
    parts: { placements: [alloc("a", N1, { port: 8080 })] },
    fits: false,
  },
  {
    name: "I5 a port held by a neighbour at the same address is refused",
    held: [alloc("x", N2, { port: 8080 })],
    parts: { placements: [alloc("a", N1, { port: 8080 })] },
    fits: false,
  },
  {
    name: "another port is fine",
    held: [alloc("x", N1, { port: 8080 })],
    parts: { placements: [alloc("a", N1, { port: 8081 })] },
    fits: true,
  },
  {
    name: "an old collision of two others is not this plan's fault",
    held: [alloc("x", N1, { port: 8080 }), alloc("y", N1, { port: 8080 })],
    parts: { placements: [alloc("a", N1, { port: 8081 })] },
    fits: true,
  },
  {
    name: "a device is given once",
    held: [alloc("x", N1, { device: "0" })],
    parts: { placements: [alloc("a", N1, { device: "0" })] },
    fits: false,
  },
  {
    name: "a core is given once",
    held: [alloc("x", N1, { core: 1 })],
    parts: { placements: [alloc("a", N1, { core: 1 })] },
    fits: false,
  },
  {
    name: "§12.3 a pair holds capacity and port once",
    held: [alloc("old", N1, { cpu: 4000, port: 80 })],
    parts: { placements: [alloc("a", N1, { cpu: 4000, port: 80 }, PREPARE)] },
    fits: true,
  },
  {
    name: "§12.3 of a pair, what the new one needs more must be there",
    held: [alloc("old", N1, { cpu: 3000 }), alloc("x", N1, { cpu: 500 })],
    parts: { placements: [alloc("a", N1, { cpu: 3501 }, PREPARE)] },
    fits: false,
  },
  {
    name: "the node's limit of allocations holds",
    node: { nodeMaxAllocs: 1 },
    held: [alloc("x", N1)],
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "a node that is down takes nothing",
    node: { status: "down" },
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "a disconnected node takes nothing",
    node: { status: "disconnected" },
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "an ineligible node takes nothing new",
    node: { schedulingEligibility: "ineligible" },
    parts: { placements: [alloc("a", N1)] },
    fits: false,
  },
  {
    name: "a draining node keeps what it has",
    node: { drainStrategy: DRAIN, schedulingEligibility: "ineligible" },
    held: [alloc("x", N1)],
    parts: { placements: [alloc("x", N1, {}, { jobVersion: 1 })] },
    fits: true,
  },
  {
    name: "a disconnected node keeps what it has, under a new definition",
    node: { status: "disconnected" },
    held: [alloc("x", N1, {}, { clientStatus: "unknown" })],
    parts: { placements: [alloc("x", N1, {}, { jobVersion: 1, clientStatus: "unknown" })] },
    fits: true,
  },
  {
    name: "a disconnected node starts nothing, not even what it has prepared",
    node: { status: "disconnected" },
    held: [alloc("x", N1, {}, { phase: "prepare", prepared: true })],
    parts: { placements: [alloc("x", N1, {}, { phase: "go", prepared: true })] },
    fits: false,
  },
  {
    name: "stops alone are always accepted",
    node: { status: "down" },
    held: [alloc("x", N1)],
    parts: { stops: [stop("x")] },
    fits: true,
  },
];

for (const { name, node = {}, held = [], inFlight = [], parts, fits } of TABLE) {
  test(`§6.6 ${name}`, () => {
    const state = stateWith([{ ...N1, ...node }, N2], held);
    const plan = planOf(parts);
    const verified = verifyPlan(plan, state, inFlight);
    if (fits) {
      assert.deepEqual(verified, { kind: "whole", plan });
    } else {
      assert.ok(verified.kind === "part");
      assert.equal(verified.refusals.length, 1);
      assert.match(verified.refusals[0].text, new RegExp(`^node "${N1.name}" `));
      assert.deepEqual(verified.plan.placements, []);
      assert.equal(verified.refreshIndex, state.index + inFlight.length);
    }
  });
}

function refusalsIn(verified: VerifiedPlan): (string | undefined)[] {
  return verified.kind === "whole" ? [] : verified.refusals.map((each) => each.evidence.refusal);
}

test("I4 each refusal is typed and says what the node lacks", () => {
  const closed: readonly (readonly [Partial<Node>, string])[] = [
    [{ status: "down" }, "not ready"],
    [{ schedulingEligibility: "ineligible" }, "ineligible"],
    [{ drainStrategy: DRAIN }, "draining"],
    [{ nodeMaxAllocs: 1 }, "allocations"],
  ];
  for (const [over, refusal] of closed) {
    const state = stateWith([{ ...N1, ...over }], [alloc("x", N1)]);
    const verified = verifyPlan(planOf({ placements: [alloc("a", N1)] }), state, []);
    assert.deepEqual(refusalsIn(verified), [refusal]);
  }
});

test("§6.6 a node that does not exist refuses", () => {
  const verified = verifyPlan(planOf({ placements: [alloc("a", N1)] }), stateWith([]), []);
  assert.deepEqual(refusalsIn(verified), ["gone"]);
});

test("§6.6 the rest of a plan is committed, with its deployment and its other canaries", () => {
  const state = stateWith([N1, { ...N2, status: "down" }]);
  const web = mockDeploymentState({ placedCanaries: ["a", "b"] });
  const deployment = { ...mockDeployment(), taskGroups: { web } };
  const updates = [{ deploymentId: "d0", status: "cancelled", statusDescription: "" }];
  const placements = [alloc("a", N1), alloc("b", N2)];
  const plan = planOf({ placements, deployment, deploymentUpdates: updates });
  const verified = verifyPlan(plan, state, []);
  assert.deepEqual(
    verified.plan.placements.map((each) => each.id),
    ["a"],
  );
  assert.deepEqual(verified.plan.deployment?.taskGroups.web?.placedCanaries, ["a"]);
  assert.deepEqual(verified.plan.deploymentUpdates, updates);
});

test("I2 what a refused placement would have replaced keeps running", () => {
  const state = stateWith([N1, { ...N2, status: "down" }], [alloc("old", N1), alloc("gone", N1)]);
  const plan = planOf({
    stops: [stop("old"), stop("gone", { clientStatus: "lost" })],
    placements: [
      alloc("a", N2, {}, { previousAllocation: "old" }),
      alloc("b", N2, {}, { previousAllocation: "gone" }),
    ],
    attributeUpdates: [{ allocId: "old", lastReschedule: "ok" }],
  });
  const verified = verifyPlan(plan, state, []);
  assert.deepEqual(
    verified.plan.stops.map((each) => each.allocId),
    ["gone"],
  );
  assert.deepEqual(verified.plan.attributeUpdates, []);
});

test("what is kept for one node may crowd another, which is then refused too", () => {
  const state = stateWith([N1, { ...N2, status: "down" }], [alloc("old", N1, { cpu: 4000 })]);
  const plan = planOf({
    stops: [stop("old")],
    placements: [alloc("a", N2, {}, { previousAllocation: "old" }), alloc("b", N1, { cpu: 1000 })],
  });
  const verified = verifyPlan(plan, state, []);
  assert.deepEqual(refusalsIn(verified).toSorted(), ["capacity", "not ready"]);
  assert.deepEqual([verified.plan.stops, verified.plan.placements], [[], []]);
});

test("a victim is not evicted for a placement that was refused", () => {
  const state = stateWith([N1, { ...N2, status: "down" }], [alloc("victim", N1)]);
  const plan = planOf({
    stops: [stop("victim", { desiredStatus: "evict" })],
    placements: [alloc("a", N2, {}, { preemptedAllocations: ["victim"] })],
  });
  assert.deepEqual(verifyPlan(plan, state, []).plan.stops, []);
});

test("§6.6 all at once is all or nothing", () => {
  const state = stateWith([N1, { ...N2, status: "down" }], [alloc("x", N1)]);
  const plan = planOf({
    allAtOnce: true,
    placements: [alloc("a", N1), alloc("b", N2)],
    stops: [stop("x")],
    deployment: mockDeployment(),
  });
  const { plan: left } = verifyPlan(plan, state, []);
  assert.deepEqual([left.placements, left.stops, left.deployment], [[], [], null]);
});

test("a plan that is cut down does not end its deployment", () => {
  const full = alloc("x", N1, { cpu: 4000 });
  const last = alloc("next", N2, {}, { phase: "go", previousAllocation: "old" });
  const updates = ["successful", "cancelled"].map((status) => ({
    deploymentId: status,
    status,
    statusDescription: "",
  }));
  const plan = planOf({
    placements: [alloc("a", N1), last],
    stops: [stop("old")],
    deploymentUpdates: updates,
  });
  const state = stateWith([N1, N2], [full, alloc("old", N2)]);
  const cut = verifyPlan(plan, state, []);
  assert.equal(cut.kind, "part");
  assert.deepEqual(
    cut.plan.deploymentUpdates.map(({ status }) => status),
    ["cancelled"],
  );
  const whole = verifyPlan({ ...plan, placements: [last] }, state, []);
  assert.equal(whole.plan.deploymentUpdates.length, 2);
});
