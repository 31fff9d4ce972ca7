/** What operators do, what goes wrong, and nodes that come back. */
import {
  type Allocation,
  type AllocClientReport,
  ClientStatus,
  DesiredStatus,
  EvalTrigger,
  isDeploymentActive,
  type Node,
  NodeStatus,
} from "@drover/model";
import type { CommandDraft } from "@drover/server";
import { evalForJob, evalsForNode } from "@drover/server/leader-commands";
import { isBad, isOnline, named, report } from "./client-steps.ts";
import { silent } from "./leader-steps.ts";
import { type FaultKind, JOB } from "./scope.ts";
import type { Step } from "./steps.ts";
import type { World } from "./world.ts";

export function operations(world: World): Step[] {
  const operation = world.scope.script[world.progress.operations];
  if (operation === undefined) return [];
  const done = { operations: world.progress.operations + 1 };
  switch (operation.kind) {
    case "submit": {
      const take = () => world.submit(operation, done);
      return [{ label: `submit ${operation.image}`, take }];
    }
    case "drain": {
      const node = drainable(world);
      if (node === undefined) return [];
      const take = () => world.write([drainOf(node, operation.deadlineMs, world.now)], done);
      return [{ label: `drain ${node.name}`, take }];
    }
    case "promote":
      return promotions(world, done);
    case "stop":
      return [{ label: "stop the job", take: () => stop(world, done) }];
  }
}

function stop(world: World, done: { readonly operations: number }): World {
  const ids = world.ids();
  const draft: CommandDraft = {
    tag: 2,
    namespace: JOB.namespace,
    jobId: JOB.id,
    purge: false,
    noShutdownDelay: false,
    evaluation: evalForJob(world.job, EvalTrigger.jobDeregister, ids),
  };
  return world.write([draft], { ...done, minted: ids.minted });
}

/** Heard of again: it was only out of reach. */
export function returns(world: World): Step[] {
  if (world.scope.nodesReturn !== true) return [];
  return [...world.state.nodes()]
    .filter(({ status }) => status !== NodeStatus.ready)
    .map((node) => ({ label: `${node.name} is back`, take: () => comeBack(world, node) }));
}

function comeBack(world: World, node: Node): World {
  const ids = world.ids();
  const evals = evalsForNode(world.state, node.id, EvalTrigger.nodeUpdate, ids);
  const status = NodeStatus.ready;
  const draft: CommandDraft = { tag: 11, nodeId: node.id, status, event: null, evals };
  return world.write([draft], { minted: ids.minted });
}

/** Where the oldest allocation runs that is still wanted. */
function drainable(world: World): Node | undefined {
  const [oldest] = running(world);
  return oldest && world.state.node(oldest.nodeId);
}

function drainOf(node: Node, deadlineMs: number, now: number): CommandDraft {
  const forceDeadline = deadlineMs > 0 ? now + deadlineMs : 0;
  const deadline = deadlineMs * 1_000_000;
  return {
    tag: 12,
    nodeId: node.id,
    drain: { deadline, ignoreSystemJobs: false, forceDeadline, startedAt: now },
    markEligible: false,
    completed: false,
    deadlineReached: false,
    meta: {},
    event: null,
    evals: [],
  };
}

function promotions(world: World, done: { readonly operations: number }): Step[] {
  const [newest] = world.state.deploymentsByJob(JOB);
  if (newest === undefined || !isDeploymentActive(newest)) return [];
  const ids = world.ids();
  const evaluation = evalForJob(world.job, "deployment-watcher", ids, { deploymentId: newest.id });
  const draft: CommandDraft = { tag: 15, deploymentId: newest.id, groups: null, evaluation };
  const after = world.write([draft], { ...done, minted: ids.minted });
  const isPromoted = Object.values(newest.taskGroups).some((each) => each.promoted);
  const isAccepted = Object.values(after.state.deployment(newest.id)?.taskGroups ?? {}).some(
    (each) => each.promoted,
  );
  if (isPromoted || !isAccepted) return [];
  return [{ label: "promote", take: () => after }];
}

/** `late`: what comes when a deadline is reached before clients are done. */
export function faults(world: World, late: () => Step[]): Step[] {
  return possibleFaults(world).flatMap((kind) =>
    (kind === "slow" ? late() : FAULTS[kind](world)).map(({ label, take }) => ({
      label,
      take: () => take().withFault(kind),
    })),
  );
}

export function possibleFaults({ progress, scope }: World): readonly FaultKind[] {
  const { faults = [], faultsMax = 0, pair } = scope;
  if (pair === undefined) return progress.faults.length < faultsMax ? faults : [];
  const count = (kinds: readonly FaultKind[], kind: FaultKind) =>
    kinds.filter((each) => each === kind).length;
  return [...new Set(pair)].filter((kind) => count(progress.faults, kind) < count(pair, kind));
}

const NOTHING_DECIDED = { proposals: [], retried: "" } as const;
const UNHEALTHY = { healthy: false, serving: false } as const;

const FAULTS: Readonly<Record<Exclude<FaultKind, "slow">, (world: World) => Step[]>> = {
  unhealthy: (world) =>
    running(world)
      .filter((alloc) => (alloc.deploymentStatus?.healthy ?? null) === null)
      .filter((alloc) => !isBad(world, alloc))
      .map((alloc) => fault(world, "is unhealthy", alloc, UNHEALTHY)),
  exit: (world) =>
    running(world).map((alloc) => {
      const isUndecided = (alloc.deploymentStatus?.healthy ?? null) === null;
      const healthy = isUndecided ? { healthy: false } : {};
      const over = { clientStatus: ClientStatus.failed, serving: false, ...healthy };
      return fault(world, "exits", alloc, over);
    }),
  flap: (world) =>
    running(world)
      .filter((alloc) => alloc.serving === true)
      .map((alloc) => fault(world, "does not serve", alloc, { serving: false })),
  nodeDown: (world) =>
    [...world.state.nodes()]
      .filter((node) => node.status === NodeStatus.ready)
      .map((node) => ({ label: `${node.name} is silent`, take: () => silent(world, node) })),
  leaderLost: (world) =>
    world.progress.proposals.length === 0 && world.progress.retried === ""
      ? []
      : [{ label: "the leader is lost", take: () => world.with(NOTHING_DECIDED) }],
};

/** Those that run and shall. */
function running(world: World): Allocation[] {
  return world.state
    .allocsByJob(JOB)
    .filter((alloc) => alloc.desiredStatus === DesiredStatus.run && isOnline(world, alloc))
    .filter((alloc) => alloc.clientStatus === ClientStatus.running);
}

function fault(
  world: World,
  label: string,
  alloc: Allocation,
  over: Partial<AllocClientReport>,
): Step {
  return { label: named(label, alloc), take: () => report(world, alloc, over) };
}
