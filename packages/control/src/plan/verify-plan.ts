/**
 * The last look at a plan before it is committed (spec chapter 6 §6.6): schedulers work in parallel
 * on snapshots that age, so what they place is checked once more, serially, against the newest
 * state and the plans that are on their way. Nodes that cannot take their part are left out; the
 * scheduler refreshes and plans the rest again.
 */
import {
  type Allocation,
  DeploymentStatus,
  Eligibility,
  type Node,
  NodeStatus,
  type Plan,
  type PlannedStop,
  type StateReader,
} from "@drover/model";
import type { VerifiedPlan } from "../contracts.ts";
import { fitsNode } from "./node-fit.ts";
import { ProposedCluster } from "./proposed-cluster.ts";

export function verifyPlan(
  plan: Plan,
  state: StateReader,
  inFlight: readonly Plan[],
): VerifiedPlan {
  const rejected = new Set<string>();
  let accepted = plan;
  // Leaving a placement out keeps what it would have replaced, which may crowd another node.
  for (;;) {
    const refused = refusedNodes(accepted, state, inFlight);
    if (refused.length === 0) break;
    for (const nodeId of refused) rejected.add(nodeId);
    accepted = without(plan, rejected);
  }
  if (rejected.size === 0) return { plan, rejectedNodes: [], refreshIndex: 0 };
  return {
    plan: plan.allAtOnce ? emptied(plan) : accepted,
    rejectedNodes: [...rejected].sort(),
    // Plans in flight become entries behind this state; the next attempt must see them.
    refreshIndex: Math.max(1, state.index + inFlight.length),
  };
}

function refusedNodes(plan: Plan, state: StateReader, inFlight: readonly Plan[]): string[] {
  const cluster = new ProposedCluster(state, [...inFlight, plan]);
  const placed = new Set(plan.placements.map((alloc) => alloc.id));
  const nodeIds = new Set(plan.placements.map((alloc) => alloc.nodeId));
  return [...nodeIds].filter((nodeId) => {
    const node = state.node(nodeId);
    const placements = plan.placements.filter((alloc) => alloc.nodeId === nodeId);
    if (node === undefined || !accepts(node, placements, cluster)) return true;
    return !fitsNode(node, cluster, placed);
  });
}

/** A node that leaves keeps what it has and takes nothing new. */
function accepts(node: Node, placements: readonly Allocation[], cluster: ProposedCluster): boolean {
  if (node.status !== NodeStatus.ready) return false;
  const isOpen = node.drainStrategy === null && node.schedulingEligibility === Eligibility.eligible;
  return isOpen || placements.every((alloc) => cluster.isKnown(alloc));
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
    // It succeeds with the last step that the plan takes, or with a later plan.
    deploymentUpdates: plan.deploymentUpdates.filter(
      ({ status }) => status !== DeploymentStatus.successful,
    ),
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
