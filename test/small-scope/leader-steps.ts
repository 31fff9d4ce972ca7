/**
 * What the leader's loops do next: the scheduler, the plan's verification, the deciders of
 * deployments, drains and silent nodes, and the commands that are made of their decisions.
 */
import { decideDeployment, decideDrain, decideMissed, verifyPlan } from "@drover/control";
import {
  EvalStatus,
  type Evaluation,
  isDeploymentActive,
  isEvalTerminal,
  isNodeReady,
  isPlanEmpty,
  type Node,
  NodeStatus,
  type Plan,
} from "@drover/model";
import { schedule } from "@drover/scheduler";
import type { CommandDraft } from "@drover/server";
import {
  deploymentCommand,
  drainEnd,
  drainMarks,
  evalOutcome,
  evalsForNode,
  namedFollowups,
  strandedEvals,
} from "@drover/server/leader-commands";
import { JOB } from "./scope.ts";
import type { Step } from "./steps.ts";
import type { DrawnPlan, LoopName, Proposal, World } from "./world.ts";

/** What happened breaks a rule by itself. */
export class Broken extends Error {}

export function leader(world: World): Step[] {
  return [
    ...writes(world),
    ...evaluations(world),
    ...deployments(world),
    ...drains(world),
    ...disconnected(world),
    ...stranded(world),
  ];
}

function writes(world: World): Step[] {
  return world.progress.proposals.map((proposal) => {
    const { drawn, label } = proposal;
    return drawn === undefined
      ? { label: `commit ${label}`, take: () => commit(world, proposal) }
      : { label: `verify ${label}`, take: () => verify(world, proposal, drawn) };
  });
}

function commit(world: World, proposal: Proposal): World {
  const proposals = world.progress.proposals.filter((each) => each !== proposal);
  const after = world.write(proposal.drafts, { proposals }, proposal.basis);
  const isOver = proposal.loop === "evaluations" && after.progress.retried === "";
  return isOver ? cancelSuperseded(world, after) : after;
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

/**
 * On the state as it is now. What is left of a plan that was refused in part is written, and the
 * evaluation goes on in the same turn.
 */
function verify(world: World, proposal: Proposal, drawn: DrawnPlan): World {
  const { evaluation, result } = drawn;
  const { kind, plan } = verifyPlan(result.plan, world.state, []);
  const { drawn: _, ...verified } = proposal;
  const others = world.progress.proposals.filter((each) => each !== proposal);
  if (kind === "whole") return world.with({ proposals: [...others, verified] });
  const evals = namedFollowups(plan, result.followups);
  const drafts = draftsOf(plan, evals);
  const left = { ...verified, label: "what is left of a plan", drafts };
  const proposals = drafts.length === 0 ? others : [...others, left];
  return world.with({ proposals, retried: evaluation.id });
}

function draftsOf(plan: Plan, evals: readonly Evaluation[]): readonly CommandDraft[] {
  if (!isPlanEmpty(plan)) return [{ tag: 6, plan, evals }];
  return evals.length === 0 ? [] : [{ tag: 5, evals }];
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
  const { retried } = world.progress;
  const again = world.state.evaluation(retried);
  if (again !== undefined && isEvalTerminal(again)) throw new Broken("an evaluation ended twice");
  const ready = readyEvals(world).toSorted((a, b) => a.createIndex - b.createIndex);
  const first = again ?? ready[0];
  if (first === undefined) return [];
  const verb = first === again ? "plan the rest for" : "evaluate";
  return [{ label: `${verb} ${first.triggeredBy}`, take: () => work(world, first) }];
}

function work(world: World, stored: Evaluation): World {
  const { now, state } = world;
  const ids = world.ids();
  const evaluation = { ...stored, status: EvalStatus.pending };
  const result = schedule({ evaluation, state, now, random: ids });
  const { kind } = verifyPlan(result.plan, state, []);
  if (kind !== "whole") throw new Broken("a plan does not pass on the state it was made from");
  const drafts = draftsOf(result.plan, evalOutcome(evaluation, stored, result, state.index));
  const isEmpty = isPlanEmpty(result.plan);
  const label = isEmpty ? "empty plan" : "plan";
  const isDrawn = world.scope.interleaves === "verifications" && !isEmpty;
  const drawn = isDrawn ? { drawn: { evaluation, result } } : {};
  const proposal = { loop: "evaluations", label, drafts, basis: state, ...drawn } as const;
  return propose(world.with({ retried: "" }), proposal, ids.minted);
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
    return [{ label, take: () => propose(world, proposal, ids.minted) }];
  });
}

function drains(world: World): Step[] {
  if (isBusy(world, ...IN_TURNS) || world.progress.retried !== "") return [];
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
    return [{ label, take: () => propose(world, proposal, ids.minted) }];
  });
}

/** Placed on a node that was given up before the plan was written. */
function stranded(world: World): Step[] {
  const ids = world.ids();
  const evals = strandedEvals(world.state, world.state.allocsByJob(JOB), ids);
  if (evals.length === 0) return [];
  const take = () => world.write([{ tag: 5, evals }], { minted: ids.minted });
  return [{ label: "look at what is stranded", take }];
}

/** Waited for, and for long enough. */
function disconnected(world: World): Step[] {
  const { now, state } = world;
  return [...state.nodes()]
    .filter(({ status }) => status === NodeStatus.disconnected)
    .filter(({ id }) => decideMissed({ nodeId: id, now }, state).kind === "mark")
    .map((node) => ({ label: `${node.name} is given up`, take: () => silent(world, node) }));
}

export function silent(world: World, node: Node): World {
  const { now, state } = world;
  const ids = world.ids();
  const decision = decideMissed({ nodeId: node.id, now }, state);
  if (decision.kind !== "mark") throw new Error(`${node.name} is waited for`);
  const evals = evalsForNode(state, node.id, "node-update", ids);
  const { status } = decision;
  const draft: CommandDraft = { tag: 11, nodeId: node.id, status, event: null, evals };
  return world.write([draft], { minted: ids.minted });
}
