/**
 * How a draining node is emptied (spec chapter 3 §3.14): service allocations leave as fast as their
 * group's migrate block allows, batch ones may finish until the deadline, system ones go last. At
 * the deadline everything is marked at once and the drain is over.
 */
import { assert } from "@drover/base";
import {
  type Allocation,
  AllocPhase,
  DeploymentStatus,
  isClientTerminal,
  isDrainOverdue,
  isTerminal,
  type Job,
  JobType,
  maxSurgeOf,
  type Node,
  NodeStatus,
  type Reason,
  Serving,
  type StateReader,
  servingState,
  type TaskGroup,
} from "@drover/model";
import type { DrainDecision } from "../contracts.ts";
import { isMarked, type Kind, type Remaining, whyHeld, whyRemain } from "./why-remain.ts";

/** Where a group has no migrate block. */
const MIGRATE_PARALLEL = 1;

export function decideDrain(
  input: { readonly nodeId: string; readonly now: number },
  state: StateReader,
): DrainDecision {
  const node = state.node(input.nodeId);
  if (node === undefined || node.drainStrategy === null) return { kind: "none" };
  const { ignoreSystemJobs } = node.drainStrategy;
  const remaining = remainingOn(node, state).filter(
    ({ kind }) => kind !== "system" || !ignoreSystemJobs,
  );
  if (isDrainOverdue(node.drainStrategy, input.now)) return atDeadline(remaining);
  const others = remaining.filter(({ kind }) => kind !== "system");
  const last = others.length === 0 ? remaining : [];
  const parts = groupsOf(others).map((allocs) => migrateNow(node, allocs, state));
  const deadline = node.drainStrategy.forceDeadline;
  const migrate = [
    ...parts.flatMap((part) => part.migrate),
    ...last.filter(({ alloc }) => !isMarked(alloc)).map(({ alloc }) => alloc.id),
  ];
  const wakeAt = deadline > 0 ? deadline : null;
  const [first, ...more] = [
    ...parts.flatMap((part) => part.held ?? []),
    ...whyRemain(node, remaining, migrate),
  ];
  if (migrate.length === 0 && first) return { kind: "wait", reasons: [first, ...more], wakeAt };
  assert(migrate.length > 0 || remaining.length === 0, "who stays has a reason");
  return {
    kind: "act",
    migrate,
    stopWithoutPlacement: [],
    completed: remaining.length === 0,
    deadlineReached: false,
    wakeAt,
  };
}

function atDeadline(remaining: readonly Remaining[]): DrainDecision {
  const unmarked = remaining.filter(({ alloc }) => !isMarked(alloc));
  const idsOf = (isWanted: (kind: Kind) => boolean) =>
    unmarked.filter(({ kind }) => isWanted(kind)).map(({ alloc }) => alloc.id);
  return {
    kind: "act",
    migrate: idsOf((kind) => kind !== "batch"),
    stopWithoutPlacement: idsOf((kind) => kind === "batch"),
    completed: true,
    deadlineReached: true,
    wakeAt: null,
  };
}

/** A system allocation is off the node's mind once it is told to stop, others once they are gone. */
function remainingOn(node: Node, state: StateReader): Remaining[] {
  const remaining: Remaining[] = [];
  for (const alloc of state.allocsByNode(node.id)) {
    const kind = kindOf(state.allocJob(alloc));
    const isGone = kind === "system" ? isTerminal(alloc) : isClientTerminal(alloc);
    if (!isGone) remaining.push({ alloc, kind });
  }
  return remaining;
}

function kindOf(job: Job | undefined): Kind {
  if (job?.type === JobType.system || job?.type === JobType.sysbatch) return "system";
  return job?.type === JobType.batch ? "batch" : "service";
}

/** Service allocations of one job and group. */
function groupsOf(remaining: readonly Remaining[]): readonly (readonly Allocation[])[] {
  const groups = new Map<string, Allocation[]>();
  for (const { alloc, kind } of remaining) {
    if (kind !== "service" || isTerminal(alloc) || isMarked(alloc)) continue;
    const key = `${alloc.namespace}\u0000${alloc.jobId}\u0000${alloc.taskGroup}`;
    groups.set(key, [...(groups.get(key) ?? []), alloc]);
  }
  return [...groups.values()];
}

/**
 * Those that do not serve go first and are free; serving ones only while `count - max_parallel`
 * others serve (DESIGN §7). A replacement serves when its client has proven it as the migrate block
 * says. One that nobody has proven yet costs like a serving one: it may be.
 */
function migrateNow(
  node: Node,
  candidates: readonly Allocation[],
  state: StateReader,
): { readonly migrate: readonly string[]; readonly held: Reason | null } {
  const [first] = candidates;
  if (first === undefined) return { migrate: [], held: null };
  const ref = { namespace: first.namespace, id: first.jobId };
  const group = state.job(ref)?.taskGroups.find(({ name }) => name === first.taskGroup);
  const parallel = group?.migrate?.maxParallel ?? MIGRATE_PARALLEL;
  const rivals = state
    .allocsByJob(ref)
    .filter((alloc) => alloc.taskGroup === first.taskGroup && !isTerminal(alloc))
    .filter((alloc) => !isMarked(alloc));
  const beside = rivals.filter((alloc) => isBesideLive(alloc, state));
  const serving = rivals.filter(
    (alloc) => serves(alloc, state) && !isDoubled(alloc, beside, state),
  );
  const allowed = serving.length - ((group?.count ?? 0) - parallel);
  const budget = Math.max(0, Math.min(allowed, surgeRoom(group, beside, state)));
  const free = candidates.filter(isIdle);
  const paid = candidates
    .filter((alloc) => !free.includes(alloc))
    .sort((a, b) => Number(serving.includes(a)) - Number(serving.includes(b)))
    .slice(0, budget);
  const migrate = [...free, ...paid].map((alloc) => alloc.id);
  const held =
    migrate.length === candidates.length
      ? null
      : whyHeld({ node, candidates, serving, rivals, parallel, count: group?.count ?? 0 });
  return { migrate, held };
}

/**
 * With `max_surge` no more are marked than may stand beside their successors (DESIGN §12.2), unless
 * a paused update keeps some of that: then they leave as they would without (reconciler, X6).
 */
function surgeRoom(
  group: TaskGroup | undefined,
  beside: readonly Allocation[],
  state: StateReader,
): number {
  const max = group === undefined ? 0 : maxSurgeOf(group);
  const isKept = beside.some(({ deploymentId, previousAllocation }) => {
    const old = state.alloc(previousAllocation);
    const isUpdate = old !== undefined && !isMarked(old);
    return isUpdate && state.deployment(deploymentId)?.status === DeploymentStatus.paused;
  });
  return max === 0 || isKept ? Number.POSITIVE_INFINITY : max - beside.length;
}

/** It runs beside the one that it is to replace. */
function isBesideLive({ phase, previousAllocation }: Allocation, state: StateReader): boolean {
  const old = phase === AllocPhase.surge ? state.alloc(previousAllocation) : undefined;
  return old !== undefined && !isTerminal(old);
}

/** Its successor serves in the same place: of a pair one goes as soon as it may. */
function isDoubled({ id }: Allocation, beside: readonly Allocation[], state: StateReader): boolean {
  return beside.some((next) => next.previousAllocation === id && serves(next, state));
}

/** What runs on a machine that nobody hears of is counted on by no one. */
function serves(alloc: Allocation, state: StateReader): boolean {
  if (state.node(alloc.nodeId)?.status !== NodeStatus.ready) return false;
  const deployment = state.deployment(alloc.deploymentId);
  const jobType = state.allocJob(alloc)?.type ?? JobType.service;
  return servingState(alloc, { deployment, jobType }) === Serving.yes;
}

/** It surely does not serve. */
function isIdle({ deploymentStatus, phase, serving }: Allocation): boolean {
  if (phase === AllocPhase.prepare || serving === false) return true;
  return deploymentStatus?.healthy === false && serving !== true;
}
