import assert from "node:assert/strict";
import test from "node:test";
import {
  type Allocation,
  type Deployment,
  isClientTerminal,
  isDeploymentActive,
  isTerminal,
  type Job,
  type Plan,
} from "@drover/model";
import {
  mockAlloc,
  mockDeployment,
  mockEval,
  mockJob,
  mockNode,
  mockReport,
} from "@drover/model/testing";
import fc from "fast-check";
import { CommandTag } from "./commands/command.ts";
import { StateMachineStore } from "./fsm.ts";
import type { StateSnapshot } from "./snapshot.ts";
import { emptyPlan, jobRegister } from "./testing/commands.ts";
import { type CommandBody, restoredFrom, StateHarness } from "./testing/harness.ts";

const RUNS = { numRuns: 60, endOnFailure: true };
const NODES = ["node-1", "node-2"].map((name) => mockNode({ name }));

/** One step of a made-up history; numbers choose among what exists. */
type Step = readonly [kind: number, a: number, b: number];
const steps = fc.array(fc.tuple(fc.nat(14), fc.nat(50), fc.nat(50)), {
  minLength: 10,
  maxLength: 80,
  size: "max",
});

const pick = <T>(items: readonly T[], n: number): T | undefined => items[n % items.length];
const jobId = (n: number) => `job-${n % 2}`;

function body(harness: StateHarness, [kind, a, b]: Step): CommandBody | undefined {
  const state = harness.snapshot;
  const job = state.job({ namespace: "default", id: jobId(a) });
  const alloc = pick([...state.allocs()], b);
  const deployment = pick([...state.deployments()], b);
  switch (kind) {
    case 0:
      return jobRegister(mockJob({ id: jobId(a), meta: { v: String(b % 9) } }), {
        evaluation: mockEval({ id: `e${harness.index}`, jobId: jobId(a) }),
      });
    case 2:
    case 3:
    case 12:
    case 13:
      return job && planBody(harness, job, a, b);
    case 4:
    case 5:
    case 6:
    case 14:
      return alloc && reportBody(alloc, a);
    case 7:
      return deployment && endBody(deployment, a);
    case 8:
      return (
        alloc && {
          tag: CommandTag.allocDesiredTransition,
          transitions: { [alloc.id]: { migrate: true } },
          evals: [],
        }
      );
    case 1:
      if (a % 3 > 0) return undefined;
      return {
        tag: CommandTag.jobDeregister,
        namespace: "default",
        jobId: jobId(a),
        purge: b % 2 === 0,
        noShutdownDelay: false,
        evaluation: null,
      };
    case 9:
    case 10:
      return collectBody(state);
    default:
      return {
        tag: CommandTag.evalUpdate,
        evals: [
          mockEval({
            id: `e${a}`,
            jobId: jobId(b),
            status: pick(["blocked", "complete", "pending"], a) ?? "",
          }),
        ],
      };
  }
}

function planBody(harness: StateHarness, job: Job, a: number, b: number): CommandBody {
  const state = harness.snapshot;
  const allocs = state.allocsByJob(job);
  const active = state.deploymentsByJob(job).find(isDeploymentActive);
  const isNew = active?.jobVersion !== job.version;
  const deployment = isNew ? mockDeployment({ id: `d${harness.index}` }, { job }) : null;
  const deploymentId = deployment?.id ?? active?.id ?? "";
  const node = pick(NODES, b) ?? NODES[0];
  const fresh = mockAlloc(
    {
      id: `a${harness.index}`,
      deploymentId,
      nodeId: node?.id ?? "",
      previousAllocation: pick(allocs, b)?.id ?? "",
      deploymentStatus: { healthy: null, timestamp: 0, canary: a % 5 === 0, modifyIndex: 0 },
    },
    { job, index: a % 4 },
  );
  const update = pick(allocs, a);
  const stopped = pick(allocs, b);
  const parts: Partial<Plan> = {
    id: `p${harness.index}`,
    deployment,
    placements: update && a % 3 === 0 ? [fresh, { ...update, deploymentId }] : [fresh],
    stops:
      stopped && b % 2 === 0
        ? [
            {
              allocId: stopped.id,
              nodeId: stopped.nodeId,
              desiredStatus: "stop",
              desiredDescription: "",
            },
          ]
        : [],
  };
  return { tag: CommandTag.planApply, plan: emptyPlan(job, parts), evals: [] };
}

function reportBody(alloc: Allocation, a: number): CommandBody {
  const clientStatus = pick(["pending", "running", "complete", "failed", "lost"] as const, a);
  const healthy = pick([null, true, true, false], a >> 2) ?? null;
  const clientSeq = alloc.clientSeq + (a % 7 === 0 ? 0 : 1);
  const reports = [
    mockReport(alloc, { clientSeq, clientStatus: clientStatus ?? "running", healthy }),
  ];
  return { tag: CommandTag.allocClientUpdate, reports, evals: [] };
}

function endBody(deployment: Deployment, a: number): CommandBody {
  const status = pick(["paused", "running", "failed", "successful"], a) ?? "paused";
  return {
    tag: CommandTag.deploymentStatus,
    deploymentId: deployment.id,
    status,
    statusDescription: status,
    evaluation: null,
    revertTo: status === "failed" ? 0 : null,
  };
}

function collectBody(state: StateSnapshot): CommandBody {
  return {
    tag: CommandTag.garbageCollect,
    evals: [...state.evaluations()].map((each) => each.id),
    allocs: [...state.allocs()].map((each) => each.id),
    deployments: [],
    jobs: [],
    nodes: [],
  };
}

function play(history: readonly Step[]): StateHarness {
  const harness = new StateHarness();
  for (const node of NODES) harness.apply({ tag: CommandTag.nodeRegister, node, evals: [] });
  for (const step of history) {
    harness.now += step[1];
    const command = body(harness, step);
    if (command !== undefined) harness.apply(command);
  }
  return harness;
}

test("the same log gives the same state, chain and answers on every server", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const harness = play(history);
      const other = new StateMachineStore();
      for (const { command, index } of harness.commands) {
        other.apply(structuredClone(command), index);
      }
      assert.equal(other.snapshot().stateHash(), harness.snapshot.stateHash());
      assert.equal(other.snapshot().chain, harness.snapshot.chain);
    }),
    RUNS,
  );
});

test("a server that starts from a dump in the middle ends in the same state", () => {
  fc.assert(
    fc.property(steps, fc.nat(60), (history, cut) => {
      const harness = play(history);
      const at = cut % (harness.commands.length + 1);
      const first = new StateMachineStore();
      for (const { command, index } of harness.commands.slice(0, at)) first.apply(command, index);
      const second = new StateMachineStore();
      second.restore(restoredFrom(structuredClone([...first.snapshot().dump()])));
      for (const { command, index } of harness.commands.slice(at)) second.apply(command, index);
      assert.equal(second.snapshot().stateHash(), harness.snapshot.stateHash());
      assert.equal(second.snapshot().chain, harness.snapshot.chain);
    }),
    RUNS,
  );
});

test("a log in which every entry arrives twice gives the same rows", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const harness = play(history);
      const once = new StateMachineStore();
      const twice = new StateMachineStore();
      for (const [i, { command }] of harness.commands.entries()) {
        const first = once.apply(command, 2 * i + 1).result;
        assert.deepEqual(twice.apply(command, 2 * i + 1).result, first);
        assert.deepEqual(twice.apply(command, 2 * i + 2).result, first);
      }
      const rows = (state: StateMachineStore) => [...state.snapshot().dump()].slice(1);
      assert.deepEqual(rows(twice), rows(once));
    }),
    RUNS,
  );
});

test("§6 the counts of an active deployment equal a fresh count over its allocations", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const { snapshot } = play(history);
      for (const deployment of snapshot.deployments()) {
        if (!isDeploymentActive(deployment)) continue;
        const allocs = snapshot.allocsByDeployment(deployment.id);
        const group = deployment.taskGroups.web;
        const verdict = (alloc: Allocation) => alloc.deploymentStatus?.healthy ?? null;
        assert.deepEqual(
          [group?.placedAllocs, group?.healthyAllocs, group?.unhealthyAllocs],
          [
            allocs.length,
            allocs.filter((alloc) => verdict(alloc) === true && !isTerminal(alloc)).length,
            allocs.filter((alloc) => verdict(alloc) === false).length,
          ],
        );
      }
    }),
    RUNS,
  );
});

test("no job ever has two active deployments, and versions only grow", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const { snapshot } = play(history);
      for (const job of snapshot.jobs()) {
        const active = snapshot.deploymentsByJob(job).filter(isDeploymentActive);
        assert.ok(active.length <= 1);
        assert.equal(snapshot.jobVersions(job)[0]?.version, job.version);
        assert.deepEqual(snapshot.jobVersion(job, job.version), job);
      }
    }),
    RUNS,
  );
});

test("every allocation can read the version it runs, and every index row its allocation", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const { snapshot } = play(history);
      const all = [...snapshot.allocs()];
      for (const alloc of all) {
        assert.ok(snapshot.allocJob(alloc), `version of ${alloc.id}`);
        assert.ok(snapshot.allocsByNode(alloc.nodeId).includes(alloc));
        const isHolder = snapshot.holdersByNode(alloc.nodeId).includes(alloc);
        assert.equal(isHolder, !isClientTerminal(alloc));
        const ref = { namespace: alloc.namespace, id: alloc.jobId };
        assert.ok(snapshot.allocsByJob(ref).includes(alloc));
      }
      const indexed = NODES.flatMap((node) => snapshot.allocsByNode(node.id));
      assert.equal(indexed.length, all.length);
    }),
    RUNS,
  );
});
