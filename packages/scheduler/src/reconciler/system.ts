/**
 * What a system or sysbatch job wants: each group once on every node it is meant for (spec §3.16).
 * Deployments are triaged as for service jobs, so that one of another version never stays current.
 */

import {
  type Allocation,
  ClientStatus,
  type Deployment,
  type DeploymentState,
  isClientTerminal,
  isNodeReady,
  isServerTerminal,
  isTerminal,
  type Job,
  type Node,
  type Reason,
  Serving,
  type TaskGroup,
} from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { isCanary, isLive, ranSuccessfully } from "./alloc-facts.ts";
import { type Buckets, sortIntoBuckets } from "./buckets.ts";
import { newDeploymentState, type Triage } from "./deployment-step.ts";
import { planDisconnects, planReconnects } from "./disconnect.ts";
import { batchFollowups, DISCONNECT_KIND } from "./followups.ts";
import { hasUpdateStrategy, RANK, undecidedBudget } from "./limit.ts";
import { classifyContext, type Draft, rescheduleContext, servingOf } from "./pass.ts";
import { extractPairs, isReady, type Pair } from "./prepare.ts";
import { decideReschedule } from "./reschedule.ts";
import { Description, noUpdates, type ReconcileInput } from "./types.ts";
import { decideUpdates } from "./updates.ts";
import { HeldBy, Holds, whyNotReplaced } from "./why-group.ts";

/** Y8: a filter leaves a node out, however much room it has. */
export type NodeFit = "fits" | "full" | "filtered";

export interface NodePlacement {
  /** As the node was before this plan. */
  readonly fit: NodeFit;
  readonly group: TaskGroup;
  readonly node: Node;
  readonly name: string;
  /** One that ended on the same node and is replaced. */
  readonly previous: Allocation | null;
  readonly isCanary: boolean;
}

interface SystemScope {
  readonly input: ReconcileInput;
  readonly job: Job;
  readonly group: TaskGroup;
  readonly allocs: readonly Allocation[];
  /** Ready nodes of the job's pool and datacenters. */
  readonly targets: ReadonlyMap<string, Node>;
  readonly lookAt: (node: Node) => NodeFit;
  readonly triage: Triage;
  readonly draft: Draft;
}

export interface SystemGroupResult {
  readonly places: NodePlacement[];
  /** The group's part in a deployment yet to be created; its total still lacks the placements. */
  readonly state: DeploymentState;
  readonly isUpdating: boolean;
  readonly hadCurrentVersion: boolean;
  readonly isIdle: boolean;
}

export function* reconcileSystemGroup(scope: SystemScope): Slices<SystemGroupResult> {
  const { allocs, draft, group, input, job, triage } = scope;
  const desired = noUpdates();
  draft.desired[group.name] = desired;
  const considered = allocs.filter((alloc) => !isServerTerminal(alloc));
  const buckets = yield* sortIntoBuckets(considered, classifyContext({ input }));
  const reschedule = rescheduleContext(scope);
  const { cancelled, pairs, waits } = extractPairs(buckets, {
    job,
    deployment: triage.current,
    node: input.node,
    now: input.now,
    isCanarying: false,
    retry: (next) => decideReschedule(next, reschedule),
  });
  draft.stops.push(...cancelled);
  draft.waits.push(...waits);
  desired.stop += cancelled.length;
  stopTainted(scope, buckets);
  const kept = [...keepReachable(scope, buckets), ...pairs.map((pair) => pair.next)];
  const running = stopMisplaced(scope, kept);
  const updates = decideUpdates(
    running.filter((alloc) => !isOver(input.isBatch, alloc, job)),
    (alloc) => input.decideUpdate(alloc, group),
  );
  draft.inPlace.push(...updates.inPlace);
  desired.inPlaceUpdate += updates.inPlace.length;
  desired.ignore += updates.ignore.length;
  const state = { ...(triage.current?.taskGroups[group.name] ?? newDeploymentState(group)) };
  state.desiredTotal = updates.destructive.length + updates.inPlace.length;
  const { destructive } = updates;
  const canaries = wantCanaries(scope, { state, destructive, running });
  const updating = new Set(destructive);
  const places = missingOnNodes(scope, running, { updating, isCanaryPhase: canaries !== null });
  // What cannot be placed now uses nothing of the limit up.
  const starting = places.filter(({ fit }) => fit === "fits").length;
  const replaced = rollSystem(scope, { destructive, pairs, running, canaries, starting });
  desired.destructiveUpdate += replaced;
  desired.ignore += updates.destructive.length - replaced;
  const isUpdating = updates.destructive.length > 0 || updates.inPlace.length > 0;
  return {
    places,
    state,
    isUpdating,
    hadCurrentVersion: considered.some((alloc) => alloc.jobVersion === job.version),
    isIdle: !isUpdating && pairs.length === 0 && places.every(({ previous }) => previous === null),
  };
}

/** Y1: nodes that are gone lose theirs, drained nodes give theirs up; nobody replaces them. */
function stopTainted({ draft, group }: SystemScope, buckets: Buckets): void {
  const desired = draft.desired[group.name] ?? noUpdates();
  for (const alloc of [...buckets.lost, ...buckets.expiring]) {
    draft.stops.push({ alloc, description: Description.lost, clientStatus: ClientStatus.lost });
    desired.stop++;
  }
  for (const alloc of buckets.migrate) {
    draft.stops.push({ alloc, description: Description.tainted });
    desired.stop++;
  }
}

/** Y2: the unreachable become unknown and stay; those that come back go on. */
function keepReachable(scope: SystemScope, buckets: Buckets): Allocation[] {
  const { draft, input, job } = scope;
  const context = classifyContext({ input });
  const timeouts = planDisconnects(buckets.disconnecting, context.groupOf, input.now).timeouts;
  const followups = batchFollowups(timeouts, DISCONNECT_KIND, { ...input, job });
  draft.followups.push(...followups.evals);
  for (const [allocId, followupEvalId] of followups.evalOf) {
    draft.attributeUpdates.push({
      allocId,
      clientStatus: ClientStatus.unknown,
      clientDescription: Description.unknown,
      allocStateAt: input.now,
      followupEvalId,
    });
  }
  const reconnects = planReconnects(buckets.reconnecting, [], { ...context, job });
  draft.stops.push(...reconnects.stops);
  draft.attributeUpdates.push(...reconnects.updates);
  return [...buckets.untainted, ...buckets.disconnecting, ...reconnects.kept];
}

/** Y3: a node that is not meant any more, or cannot take the new version, loses its allocation. */
function stopMisplaced(scope: SystemScope, kept: readonly Allocation[]): Allocation[] {
  const { draft, group, input, job, targets } = scope;
  const desired = draft.desired[group.name] ?? noUpdates();
  return kept.filter((alloc) => {
    if (targets.has(alloc.nodeId) || isTerminal(alloc)) return true;
    const node = input.node(alloc.nodeId);
    const isOnlyUnready = node !== undefined && !isNodeReady(node);
    if (isOnlyUnready && alloc.jobModifyIndex === job.jobModifyIndex) {
      desired.ignore++;
      return false;
    }
    draft.stops.push({ alloc, description: Description.notNeeded });
    desired.stop++;
    return false;
  });
}

/** Y4: a finished run of a sysbatch job is not repeated by the same version. */
function isOver(isBatch: boolean, alloc: Allocation, job: Job): boolean {
  if (!isClientTerminal(alloc)) return false;
  return !isBatch || alloc.jobModifyIndex === job.jobModifyIndex;
}

/** Y5: at most `max_parallel` undecided ones; those that do not serve first. */
function rollSystem(
  scope: SystemScope,
  facts: {
    readonly destructive: readonly Allocation[];
    readonly pairs: readonly Pair[];
    readonly running: readonly Allocation[];
    /** How many more of them are canaries; null = this is no canary phase. */
    readonly canaries: number | null;
    /** Allocations of the new version that this plan starts besides. */
    readonly starting: number;
  },
): number {
  const { draft, group, input, triage } = scope;
  const holds = new Holds();
  const isBlocked = triage.isPaused || triage.isFailed;
  if (!isBlocked) {
    for (const { next, stop } of facts.pairs.filter(isReady)) draft.goes.push({ next, stop });
  }
  // One that has ended stays when another takes its place on the node: it holds nothing up.
  const untainted = facts.running.filter(
    (alloc) => !(isClientTerminal(alloc) && alloc.nextAllocation !== ""),
  );
  const limit = { group, deployment: triage.current, untainted };
  const budget = undecidedBudget({ ...limit, isBlocked, starting: facts.starting });
  const serving = servingOf(scope);
  const rank = (alloc: Allocation) => RANK[serving(alloc)];
  const ordered = facts.destructive.toSorted((a, b) => rank(a) - rank(b));
  const chosen = ordered.slice(0, Math.min(budget, facts.canaries ?? ordered.length));
  const isCanary = facts.canaries !== null;
  for (const old of chosen) draft.destructive.push({ group, old, retryOf: null, isCanary });
  const cause = isBlocked
    ? HeldBy.deployment
    : chosen.length >= budget
      ? HeldBy.limit
      : HeldBy.canaries;
  holds.add(cause, ordered.length - chosen.length);
  const count = facts.running.filter((alloc) => serving(alloc) === Serving.yes).length;
  draft.waits.push(...holds.reasons({ ref: input.ref, group, triage, limit, serving: count }));
  return chosen.length;
}

/**
 * Y9: `canary` is a share of the nodes in percent, at most `max_parallel` of them; they are
 * replaced where they run, and the other nodes wait for the promotion. Sets what `state` desires.
 * Returns how many are still missing; null = no canary phase.
 */
function wantCanaries(
  { group, input, triage }: SystemScope,
  facts: {
    readonly state: DeploymentState;
    readonly destructive: readonly Allocation[];
    readonly running: readonly Allocation[];
  },
): number | null {
  const { destructive, running, state } = facts;
  if (!hasUpdateStrategy(group) || state.promoted) return null;
  const { canary, maxParallel } = group.update;
  if (state.desiredCanaries === 0) {
    const isStarting = triage.current === null && destructive.length > 0 && !input.isRevert();
    if (canary === 0 || !isStarting) return null;
    state.desiredCanaries = Math.min(maxParallel, Math.ceil((canary * destructive.length) / 100));
  }
  const own = running.filter(
    (alloc) => isLive(alloc) && isCanary(alloc) && alloc.deploymentId === triage.current?.id,
  );
  return Math.max(0, state.desiredCanaries - own.length);
}

/** Y6: every target node without a running (for sysbatch: or finished) allocation gets one. */
function missingOnNodes(
  scope: SystemScope,
  running: readonly Allocation[],
  facts: { readonly updating: ReadonlySet<Allocation>; readonly isCanaryPhase: boolean },
): NodePlacement[] {
  const { draft, group, input, job, targets } = scope;
  if (group.count === 0) return [];
  const onNode = new Map<string, Allocation>();
  for (const alloc of running) {
    const known = onNode.get(alloc.nodeId);
    if (!known || isBetter(alloc, known)) onNode.set(alloc.nodeId, alloc);
  }
  const places: NodePlacement[] = [];
  for (const node of targets.values()) {
    const existing = onNode.get(node.id);
    // Y4: the update takes the place of what an older version of a sysbatch job has ended with.
    if (input.isBatch && existing && facts.updating.has(existing)) continue;
    const need = existing ? needOf(scope, existing, job) : "another";
    if (need !== "another") {
      if (need !== "none") draft.waits.push(need);
      continue;
    }
    const fit = scope.lookAt(node);
    if (fit === "filtered") continue;
    places.push({
      fit,
      group,
      node,
      name: `${job.name}.${group.name}[0]`,
      previous: existing ?? null,
      isCanary: facts.isCanaryPhase && existing !== undefined && isCanary(existing),
    });
  }
  return places;
}

/** Speaks for its node: a live one, else the latest. */
function isBetter(alloc: Allocation, known: Allocation): boolean {
  if (isLive(alloc) !== isLive(known)) return isLive(alloc);
  return alloc.createIndex > known.createIndex;
}

/** A version that cannot run is not tried again, nor is what a failed deployment has placed. */
function needOf(
  { input, triage }: SystemScope,
  existing: Allocation,
  job: Job,
): "none" | "another" | Reason {
  if (!isClientTerminal(existing)) return "none";
  const isOtherVersion = existing.jobModifyIndex !== job.jobModifyIndex;
  const isFailed = !isOtherVersion && !ranSuccessfully(existing);
  if (isFailed && existing.unretryableError !== "") return whyNotReplaced.versionFailed(existing);
  if (input.isBatch)
    return ranSuccessfully(existing) ? "none" : whyNotReplaced.notRepeated(existing);
  const isFrozen = triage.isFailed && existing.deploymentId === triage.current?.id;
  return isFrozen ? whyNotReplaced.frozen(existing) : "another";
}

/** Y7: nothing left to do, and everything the deployment runs is healthy. */
export function isSystemGroupDone(
  name: string,
  { allocs, places }: { allocs: readonly Allocation[]; places: readonly NodePlacement[] },
  deployment: Deployment,
): boolean {
  const state = deployment.taskGroups[name];
  if (state === undefined) return true;
  if (state.desiredCanaries > 0 && !state.promoted) return false;
  const own = allocs.filter((alloc) => alloc.deploymentId === deployment.id && isLive(alloc));
  if (places.length > 0 && own.length === 0) return false;
  return own.every((alloc) => alloc.deploymentStatus?.healthy === true);
}
