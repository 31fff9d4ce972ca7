/**
 * How a draining node is emptied (spec chapter 3 §3.14): service allocations leave as fast as their
 * group's migrate block allows, batch ones may finish until the deadline, system ones go last. At
 * the deadline everything is marked at once and the drain is over.
 */
import {
  type Allocation,
  AllocPhase,
  DeploymentStatus,
  isClientTerminal,
  isDrainOverdue,
  isNodeGone,
  isTerminal,
  type Job,
  JobType,
  maxSurgeOf,
  type Node,
  type Reason,
  Serving,
  type StateReader,
  servingState,
  type TaskGroup,
} from "@drover/model";
import type { DrainDecision } from "../contracts.ts";
import { isMarked, type Kind, type Remaining, WhyRemain, whyHeld } from "./why-remain.ts";

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
  const fateOf = judge(node, remaining, state);
  const inTurn = remaining.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]);
  const fates = inTurn.map((each) => ({ id: each.alloc.id, fate: fateOf(each) }));
  const migrate = fates.filter(({ fate }) => fate === "go").map(({ id }) => id);
  const staying = fates.flatMap(({ fate }) => (fate === "go" ? [] : fate));
  const [first, ...more] = new Set(staying);
  const deadline = node.drainStrategy.forceDeadline;
  const wakeAt = deadline > 0 ? deadline : null;
  if (migrate.length === 0 && first) return { kind: "wait", reasons: [first, ...more], wakeAt };
  return {
    kind: "act",
    migrate,
    staying: [...new Set(staying)],
    stopWithoutPlacement: [],
    completed: remaining.length === 0,
    deadlineReached: false,
    wakeAt,
  };
}

/** System jobs leave last. */
const RANK: Readonly<Record<Kind, number>> = { service: 0, batch: 0, system: 1 };

/** Of each allocation on the node: it leaves now, or something keeps it. */
type Fate = "go" | Reason;

function judge(
  node: Node,
  remaining: readonly Remaining[],
  state: StateReader,
): (one: Remaining) => Fate {
  const why = new WhyRemain(node, remaining);
  const isLast = remaining.every(({ kind }) => kind === "system");
  const groups = new Map<string, GroupFate>();
  return ({ alloc, kind }) => {
    if (isTerminal(alloc) || isMarked(alloc)) return why.told(alloc);
    switch (kind) {
      case "batch":
        return why.batch(alloc);
      case "system":
        return isLast ? "go" : why.system(alloc);
      case "service": {
        const key = groupKey(alloc);
        const fate = groups.get(key) ?? judgeGroup(node, { one: alloc, remaining }, state);
        groups.set(key, fate);
        return fate.going.has(alloc) ? "go" : fate.held;
      }
    }
  };
}

function atDeadline(remaining: readonly Remaining[]): DrainDecision {
  const unmarked = remaining.filter(({ alloc }) => !isMarked(alloc));
  const idsOf = (isWanted: (kind: Kind) => boolean) =>
    unmarked.filter(({ kind }) => isWanted(kind)).map(({ alloc }) => alloc.id);
  return {
    kind: "act",
    migrate: idsOf((kind) => kind !== "batch"),
    staying: [],
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

function groupKey({ jobId, namespace, taskGroup }: Allocation): string {
  return `${namespace}\u0000${jobId}\u0000${taskGroup}`;
}

interface GroupFate {
  readonly going: ReadonlySet<Allocation>;
  /** What keeps the others. */
  readonly held: Reason;
}

/**
 * Those that do not serve go first and are free; serving ones only while `count - max_parallel`
 * others serve (DESIGN §7). A replacement serves when its client has proven it as the migrate block
 * says. One that nobody has proven yet costs like a serving one: it may be.
 */
function judgeGroup(
  node: Node,
  { one, remaining }: { readonly one: Allocation; readonly remaining: readonly Remaining[] },
  state: StateReader,
): GroupFate {
  const ref = { namespace: one.namespace, id: one.jobId };
  const group = state.job(ref)?.taskGroups.find(({ name }) => name === one.taskGroup);
  const parallel = group?.migrate?.maxParallel ?? MIGRATE_PARALLEL;
  const candidates = remaining
    .map(({ alloc }) => alloc)
    .filter((alloc) => groupKey(alloc) === groupKey(one))
    .filter((alloc) => !isTerminal(alloc) && !isMarked(alloc));
  const rivals = state
    .allocsByJob(ref)
    .filter((alloc) => alloc.taskGroup === one.taskGroup && !isTerminal(alloc))
    .filter((alloc) => !isMarked(alloc));
  const beside = rivals.filter((alloc) => isBesideLive(alloc, state));
  const serving = rivals.filter(
    (alloc) => serves(alloc, state) && !isDoubled(alloc, beside, state),
  );
  const count = group?.count ?? 0;
  const allowed = serving.length - (count - parallel);
  const budget = Math.max(0, Math.min(allowed, surgeRoom(group, beside, state)));
  const free = candidates.filter(isIdle);
  const paid = candidates
    .filter((alloc) => !free.includes(alloc))
    .sort((a, b) => Number(serving.includes(a)) - Number(serving.includes(b)))
    .slice(0, budget);
  const staying = candidates.length - free.length - paid.length;
  const held = whyHeld({ node, one, staying, serving, rivals, parallel, count });
  return { going: new Set([...free, ...paid]), held };
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
  if (isNodeGone(state.node(alloc.nodeId))) return false;
  const deployment = state.deployment(alloc.deploymentId);
  const jobType = state.allocJob(alloc)?.type ?? JobType.service;
  return servingState(alloc, { deployment, jobType }) === Serving.yes;
}

/** It surely does not serve. */
function isIdle({ deploymentStatus, phase, serving }: Allocation): boolean {
  if (phase === AllocPhase.prepare || serving === false) return true;
  return deploymentStatus?.healthy === false && serving !== true;
}
