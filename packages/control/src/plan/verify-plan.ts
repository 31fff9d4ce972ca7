/**
 * The last look at a plan before it is committed (spec chapter 6 §6.6): schedulers work in parallel
 * on snapshots that age, so what they place is checked once more, serially, against the newest
 * state and the plans that are on their way. Nodes that cannot take their part are left out; the
 * scheduler refreshes and plans the rest again.
 */
import {
  type Allocation,
  Eligibility,
  LEADER,
  type Node,
  NodeStatus,
  type Plan,
  type PlannedStop,
  type Reason,
  Rule,
  type StateReader,
  subjectOf,
  waitsFor,
  withoutSuccess,
} from "@drover/model";
import type { VerifiedPlan } from "../contracts.ts";
import { type Misfit, misfitOf } from "./node-fit.ts";
import { ProposedCluster } from "./proposed-cluster.ts";

export function verifyPlan(
  plan: Plan,
  state: StateReader,
  inFlight: readonly Plan[],
): VerifiedPlan {
  const refused = new Map<string, Reason>();
  let accepted = plan;
  // Leaving a placement out keeps what it would have replaced, which may crowd another node.
  for (;;) {
    const more = refusalsOf(accepted, state, inFlight);
    if (more.size === 0) break;
    for (const [nodeId, reason] of more) refused.set(nodeId, reason);
    accepted = without(plan, new Set(refused.keys()));
  }
  const [first, ...others] = [...refused.values()];
  if (first === undefined) return { kind: "whole", plan };
  return {
    kind: "part",
    plan: plan.allAtOnce ? emptied(plan) : accepted,
    refusals: [first, ...others],
    // Plans in flight become entries behind this state; the next attempt must see them.
    refreshIndex: Math.max(1, state.index + inFlight.length),
  };
}

/** Why a node does not take its part of a plan. */
export type Refusal = "gone" | "not ready" | "draining" | "ineligible" | Misfit;

/** One for each: a refusal without words does not compile. */
const TELL: Readonly<Record<Refusal, string>> = {
  gone: "is gone",
  "not ready": "is not ready",
  draining: "drains",
  ineligible: "is not eligible",
  allocations: "has as many allocations as it may have",
  capacity: "has not enough CPU, memory or disk left",
  cores: "has given one of the cores to another",
  devices: "has given one of the devices to another",
  ports: "has given one of the ports to another",
};

/** Node → why it takes nothing of the plan. */
function refusalsOf(
  plan: Plan,
  state: StateReader,
  inFlight: readonly Plan[],
): ReadonlyMap<string, Reason> {
  const cluster = new ProposedCluster(state, [...inFlight, plan]);
  const placed = new Set(plan.placements.map((alloc) => alloc.id));
  const refusals = new Map<string, Reason>();
  for (const nodeId of new Set(plan.placements.map((alloc) => alloc.nodeId))) {
    const node = state.node(nodeId);
    const placements = plan.placements.filter((alloc) => alloc.nodeId === nodeId);
    const refusal =
      node === undefined
        ? "gone"
        : (closedTo(node, placements, cluster) ?? misfitOf(node, cluster, placed));
    if (refusal !== null) refusals.set(nodeId, reasonOf(refusal, plan, node?.name ?? nodeId));
  }
  return refusals;
}

function reasonOf(refusal: Refusal, { evalId, namespace }: Plan, name: string): Reason {
  const subject = subjectOf.evaluation({ id: evalId, namespace });
  const text = `node "${name}" ${TELL[refusal]}: its part is planned again`;
  return waitsFor({ rule: Rule.evalPlanRefused, subject, text, evidence: { refusal } }, LEADER);
}

/** A node that leaves or is out of reach keeps what it has and takes nothing new. */
function closedTo(
  node: Node,
  placements: readonly Allocation[],
  cluster: ProposedCluster,
): Refusal | null {
  if (node.status !== NodeStatus.ready) {
    return placements.every((alloc) => cluster.startsNothing(alloc)) ? null : "not ready";
  }
  if (placements.every((alloc) => cluster.isKnown(alloc))) return null;
  if (node.drainStrategy !== null) return "draining";
  return node.schedulingEligibility === Eligibility.eligible ? null : "ineligible";
}

/** The plan without its placements on these nodes, and the stops that made room for them. */
function without(plan: Plan, nodes: ReadonlySet<string>): Plan {
  const dropped = plan.placements.filter((alloc) => nodes.has(alloc.nodeId));
  const replaced = new Set(dropped.map((alloc) => alloc.previousAllocation));
  replaced.delete("");
  const placements = plan.placements.filter((alloc) => !nodes.has(alloc.nodeId));
  return {
    ...plan,
    placements,
    stops: plan.stops.filter((stop) => !isWaiting(stop, replaced, dropped)),
    attributeUpdates: plan.attributeUpdates.filter(
      (update) => update.lastReschedule === undefined || !replaced.has(update.allocId),
    ),
    deployment: plan.deployment && pruneCanaries(plan, placements),
    deploymentUpdates: withoutSuccess(plan),
  };
}

/** What the server itself declares lost or unknown is so whether it can be replaced or not. */
function isWaiting(
  stop: PlannedStop,
  replaced: ReadonlySet<string>,
  dropped: readonly Allocation[],
): boolean {
  if (stop.clientStatus !== undefined) return false;
  if (replaced.has(stop.allocId)) return true;
  return dropped.some((alloc) => alloc.preemptedAllocations.includes(stop.allocId));
}

function pruneCanaries(plan: Plan, placements: readonly Allocation[]): Plan["deployment"] {
  if (plan.deployment === null) return null;
  const dropped = new Set(plan.placements.map((alloc) => alloc.id));
  for (const alloc of placements) dropped.delete(alloc.id);
  const groups = Object.entries(plan.deployment.taskGroups).map(([name, group]) => [
    name,
    { ...group, placedCanaries: group.placedCanaries.filter((id) => !dropped.has(id)) },
  ]);
  return { ...plan.deployment, taskGroups: Object.fromEntries(groups) };
}

/** All or nothing. */
function emptied(plan: Plan): Plan {
  return {
    ...plan,
    stops: [],
    placements: [],
    attributeUpdates: [],
    deployment: null,
    deploymentUpdates: [],
  };
}
