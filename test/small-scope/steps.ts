/**
 * Everything that can happen next in a world. Decisions are those of production: the scheduler, the
 * plan's verification, the deciders of deployments, drains and silent nodes, and the commands that
 * the leader's loops make of them. Clients do what they were told, each thing at any moment.
 */
import { decideDeployment, decideDrain, decideMissed, verifyPlan } from "@drover/control";
import {
  type Allocation,
  type AllocClientReport,
  AllocPhase,
  ClientStatus,
  DesiredStatus,
  EvalStatus,
  type Evaluation,
  isClientTerminal,
  isDeploymentActive,
  isNodeReady,
  isPlanEmpty,
  type Node,
  NodeStatus,
} from "@drover/model";
import { schedule } from "@drover/scheduler";
import type { CommandDraft } from "@drover/server";
import {
  deploymentCommand,
  drainEnd,
  drainMarks,
  evalForJob,
  evalOutcome,
  evalsForNode,
  reportEvals,
  strandedEvals,
} from "@drover/server/leader-commands";
import { type FaultKind, JOB } from "./scope.ts";
import type { LoopName, Proposal, World } from "./world.ts";

/** What happened breaks a rule by itself. */
export class Broken extends Error {}

export interface Step {
  readonly label: string;
  /** Leader, clients and time go on by themselves; faults and operators may or may not. */
  readonly by: "leader" | "client" | "time" | "fault" | "operator";
  readonly take: () => World;
}

/** What happens unless something else comes first; none = the world has come to rest. */
export function ownSteps(world: World): Step[] {
  const steps = [...commits(world), ...evaluations(world), ...deployments(world), ...drains(world)];
  steps.push(...stranded(world));
  steps.push(...clients(world));
  return steps.length > 0 ? steps : time(world);
}

/** What may come in between. */
export function otherSteps(world: World): Step[] {
  return [...operations(world), ...faults(world)];
}

// --- the leader -------------------------------------------------------------------------------

function commits(world: World): Step[] {
  return world.progress.proposals.map((proposal) => ({
    label: `commit ${proposal.label}`,
    by: "leader",
    take: () => commit(world, proposal),
  }));
}

function commit(world: World, proposal: Proposal): World {
  const proposals = world.progress.proposals.filter((each) => each !== proposal);
  const after = world.write(proposal.drafts, { proposals }, proposal.basis);
  return proposal.loop === "evaluations" ? cancelSuperseded(world, after) : after;
}

/** When one is done the newest that waited runs, and the others have nothing left to do. */
function cancelSuperseded(before: World, after: World): World {
  const waited = readyEvals(before).map(({ id }) => id);
  const waiting = readyEvals(after).filter(
    ({ id, status }) => status === EvalStatus.pending && waited.includes(id),
  );
  const evals = waiting
    .toSorted((a, b) => b.modifyIndex - a.modifyIndex || (a.id < b.id ? 1 : -1))
    .slice(1)
    .map((each) => ({ ...each, status: EvalStatus.canceled }));
  return evals.length === 0 ? after : after.also([{ tag: 5, evals }]);
}

function propose(world: World, proposal: Proposal, minted: number): World {
  const { proposals } = world.progress;
  const decided = world.with({ minted, proposals: [...proposals, proposal] });
  return world.scope.interleaves === "entries" ? commit(decided, proposal) : decided;
}

function isBusy(world: World, ...loops: readonly LoopName[]): boolean {
  return world.progress.proposals.some((each) => loops.includes(each.loop));
}

/** Those that stop allocations, or mark them for it, take turns (`one-at-a-time.ts`). */
const IN_TURNS: readonly LoopName[] = ["evaluations", "drains"];

/** Pending ones whose time has come, and blocked ones that capacity may have come for. */
export function readyEvals(world: World): Evaluation[] {
  const { now, state } = world;
  const changedAt = [...state.nodes()]
    .filter(isNodeReady)
    .map((node) => Math.max(node.modifyIndex, node.lastAllocUpdateIndex));
  return state.evalsByJob(JOB).filter((each) => {
    if (each.status === EvalStatus.pending) return each.waitUntil <= now;
    return each.status === EvalStatus.blocked && changedAt.some((at) => at > each.snapshotIndex);
  });
}

function evaluations(world: World): Step[] {
  if (isBusy(world, ...IN_TURNS)) return [];
  const [first] = readyEvals(world).toSorted((a, b) => a.createIndex - b.createIndex);
  if (first === undefined) return [];
  return [{ label: `evaluate ${first.triggeredBy}`, by: "leader", take: () => work(world, first) }];
}

function work(world: World, stored: Evaluation): World {
  const { now, state } = world;
  const ids = world.ids();
  const evaluation = { ...stored, status: EvalStatus.pending };
  const result = schedule({ evaluation, state, now, random: ids });
  const { plan } = verifyPlan(result.plan, state, []);
  if (plan !== result.plan) throw new Broken("a plan does not pass on the state it was made from");
  const evals = evalOutcome(evaluation, stored, result, state.index);
  const draft: CommandDraft = isPlanEmpty(plan) ? { tag: 5, evals } : { tag: 6, plan, evals };
  const label = isPlanEmpty(plan) ? "empty plan" : "plan";
  const proposal = { loop: "evaluations", label, drafts: [draft], basis: state } as const;
  return propose(world, proposal, ids.minted);
}

function deployments(world: World): Step[] {
  if (isBusy(world, "deployments")) return [];
  const { now, state } = world;
  return state.deploymentsByJob(JOB).flatMap((deployment): Step[] => {
    if (!isDeploymentActive(deployment)) return [];
    const decision = decideDeployment({ deploymentId: deployment.id, now }, state);
    const ids = world.ids();
    const draft = deploymentCommand(decision, { deployment, state, random: ids });
    if (draft === null) return [];
    const label = `deployment ${decision.kind}`;
    const proposal = { loop: "deployments", label, drafts: [draft], basis: state } as const;
    return [{ label, by: "leader", take: () => propose(world, proposal, ids.minted) }];
  });
}

function drains(world: World): Step[] {
  if (isBusy(world, ...IN_TURNS)) return [];
  const { now, state } = world;
  return [...state.nodes()].flatMap((node): Step[] => {
    if (node.drainStrategy === null) return [];
    const decision = decideDrain({ nodeId: node.id, now }, state);
    if (decision.kind !== "act") return [];
    const ids = world.ids();
    const scope = { state, random: ids };
    const drafts = [drainMarks(decision, scope)].filter((draft) => draft !== null);
    const { completed, deadlineReached } = decision;
    if (completed) drafts.push(drainEnd(node.id, { deadlineReached, event: null }, scope));
    const label = completed ? "drain ends" : "drain marks";
    const proposal = { loop: "drains", label, drafts, basis: state } as const;
    return [{ label, by: "leader", take: () => propose(world, proposal, ids.minted) }];
  });
}

/** Placed on a node that was given up before the plan was written. */
function stranded(world: World): Step[] {
  const ids = world.ids();
  const evals = strandedEvals(world.state, world.state.allocsByJob(JOB), ids);
  if (evals.length === 0) return [];
  const take = () => world.write([{ tag: 5, evals }], { minted: ids.minted });
  return [{ label: "look at what is stranded", by: "leader", take }];
}

// --- clients ----------------------------------------------------------------------------------

function clients(world: World): Step[] {
  return [...world.state.allocsByJob(JOB)].flatMap((alloc): Step[] => {
    const next = isOnline(world, alloc) ? nextReport(world, alloc) : null;
    if (next === null) return [];
    const { label, over } = next;
    return [{ label: named(label, alloc), by: "client", take: () => report(world, alloc, over) }];
  });
}

interface Report {
  readonly label: string;
  readonly over: Partial<AllocClientReport>;
}

function nextReport(world: World, alloc: Allocation): Report | null {
  if (isClientTerminal(alloc)) return null;
  if (alloc.desiredStatus !== DesiredStatus.run) {
    return { label: "has stopped", over: { clientStatus: ClientStatus.complete } };
  }
  if (alloc.phase === AllocPhase.prepare) {
    const over = { clientStatus: ClientStatus.pending, prepared: true };
    if (alloc.prepared || isOneOf(world.scope.missing, world, alloc)) return null;
    return { label: "is prepared", over };
  }
  if (alloc.clientStatus === ClientStatus.pending) return { label: "runs", over: {} };
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  if (verdict === true && alloc.serving === false) {
    return { label: "serves again", over: { serving: true } };
  }
  if (verdict !== null) return null;
  return isBad(world, alloc)
    ? { label: "is bad", over: { healthy: false, serving: false } }
    : { label: "is healthy", over: { healthy: true, serving: true } };
}

function isBad(world: World, alloc: Allocation): boolean {
  return isOneOf(world.scope.bad, world, alloc);
}

function isOneOf(images: readonly string[] = [], world: World, alloc: Allocation): boolean {
  const [task] = world.state.allocJob(alloc)?.taskGroups[0]?.tasks ?? [];
  const { image } = (task?.config ?? {}) as { readonly image?: string };
  return image !== undefined && images.includes(image);
}

function isOnline(world: World, alloc: Allocation): boolean {
  return world.state.node(alloc.nodeId)?.status === NodeStatus.ready;
}

function report(world: World, alloc: Allocation, over: Partial<AllocClientReport>): World {
  const ids = world.ids();
  const told = {
    id: alloc.id,
    nodeId: alloc.nodeId,
    clientSeq: alloc.clientSeq + 1,
    clientStatus: ClientStatus.running,
    clientDescription: "",
    taskStates: {},
    healthy: null,
    healthAt: 0,
    prepared: false,
    serving: alloc.serving ?? null,
    unretryableError: "",
    networkStatus: null,
    imageDigests: {},
    ...over,
  };
  const evals = reportEvals(world.state, [told], ids);
  const { proven } = world.progress;
  const name = `${alloc.deploymentId}/${alloc.name}`;
  const grown = told.healthy === true ? new Set([...proven, name]) : proven;
  const draft: CommandDraft = { tag: 7, reports: [told], evals };
  return world.write([draft], { minted: ids.minted, proven: grown });
}

// --- time -------------------------------------------------------------------------------------

/** The earliest instant at which a loop wants to look again. */
function time(world: World): Step[] {
  const { now, state } = world;
  const instants: (number | null)[] = state
    .evalsByJob(JOB)
    .map((each) => (each.status === EvalStatus.pending ? each.waitUntil : null));
  for (const { id } of state.deploymentsByJob(JOB)) {
    const decision = decideDeployment({ deploymentId: id, now }, state);
    if ("wakeAt" in decision) instants.push(decision.wakeAt);
  }
  for (const { id } of state.nodes()) {
    const decision = decideDrain({ nodeId: id, now }, state);
    if ("wakeAt" in decision) instants.push(decision.wakeAt);
  }
  const ahead = instants.filter((at) => at !== null).filter((at) => at > now);
  if (ahead.length === 0) return [];
  const next = Math.min(...ahead);
  return [{ label: `${next - now} ms pass`, by: "time", take: () => world.with({ now: next }) }];
}

// --- operators and faults ---------------------------------------------------------------------

function operations(world: World): Step[] {
  const operation = world.scope.script[world.progress.operations];
  if (operation === undefined) return [];
  const done = { operations: world.progress.operations + 1 };
  switch (operation.kind) {
    case "submit": {
      const { count, image } = operation;
      const take = () => world.submit(image, count, done);
      return [{ label: `submit ${image}`, by: "operator", take }];
    }
    case "drain": {
      const node = drainable(world);
      if (node === undefined) return [];
      const take = () => world.write([drainOf(node, operation.deadlineMs, world.now)], done);
      return [{ label: `drain ${node.name}`, by: "operator", take }];
    }
    case "promote":
      return promotions(world, done);
  }
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
  return [{ label: "promote", by: "operator", take: () => after }];
}

function faults(world: World): Step[] {
  const { faultsLeft } = world.progress;
  if (faultsLeft === 0) return [];
  const spent = { faultsLeft: faultsLeft - 1 };
  return (world.scope.faults ?? []).flatMap((kind) =>
    FAULTS[kind](world).map(({ label, take }) => ({
      label,
      by: "fault" as const,
      take: () => take().withFault(spent),
    })),
  );
}

type Fault = Pick<Step, "label" | "take">;

const UNHEALTHY = { healthy: false, serving: false } as const;

const FAULTS: Readonly<Record<FaultKind, (world: World) => Fault[]>> = {
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
  slow: (world) => (clients(world).length > 0 ? time(world) : []),
  leaderLost: (world) =>
    world.progress.proposals.length === 0
      ? []
      : [{ label: "the leader is lost", take: () => world.with({ proposals: [] }) }],
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
): Fault {
  return { label: named(label, alloc), take: () => report(world, alloc, over) };
}

function silent(world: World, node: Node): World {
  const { now, state } = world;
  const ids = world.ids();
  const decision = decideMissed({ nodeId: node.id, now }, state);
  if (decision.kind !== "mark") throw new Error(`${node.name} is waited for`);
  const evals = evalsForNode(state, node.id, "node-update", ids);
  const { status } = decision;
  const draft: CommandDraft = { tag: 11, nodeId: node.id, status, event: null, evals };
  return world.write([draft], { minted: ids.minted });
}

function named(label: string, alloc: Allocation): string {
  const short = alloc.name.replace(/^.*\[/, "[");
  return `${short} v${alloc.jobVersion} ${alloc.id.slice(-2)} ${label}`;
}
