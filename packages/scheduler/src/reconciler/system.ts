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
import { inSlices } from "../slices.ts";
import { isCanary, isLive, ranSuccessfully } from "./alloc-facts.ts";
import { type Buckets, expectNoMore, sortIntoBuckets } from "./buckets.ts";
import { newDeploymentState, type Triage } from "./deployment-step.ts";
import { planDisconnects, planReconnects } from "./disconnect.ts";
import { type Draft, passOn } from "./draft.ts";
import { batchFollowups, DISCONNECT_KIND } from "./followups.ts";
import { hasUpdateStrategy, RANK, undecidedBudget } from "./limit.ts";
import { type Account, Open, type Outcome } from "./open.ts";
import { classifyContext, rescheduleContext, servingOf, stopAll } from "./pass.ts";
import { extractPairs, type Pair } from "./prepare.ts";
import { decideReschedule } from "./reschedule.ts";
import { Description, noUpdates, type ReconcileInput } from "./types.ts";
import { decideUpdates, type Outdated } from "./updates.ts";
import { HeldBy, Holds, whyNotReplaced } from "./why-group.ts";

/** Y8: a filter leaves a node out, however much room it has. */
export type NodeFit = "fits" | "full" | "filtered";

/** Y11: a filter leaves out the node on which one of an older version is. */
export interface Barred {
  readonly reason: string;
  /** The job's own constraints do. */
  readonly isExcluded: boolean;
}

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
  /** Y11: why a filter keeps the group's new version from an allocation's node; null = none does. */
  readonly whyBarred: (alloc: Allocation) => Barred | null;
  readonly triage: Triage;
  readonly draft: Draft;
}

/** Of what a group's pass has been given, every item is acted upon or held (W2). */
export type SystemAccount = Account<"missing" | "pairs" | "outdated">;

export interface SystemGroupResult {
  readonly places: NodePlacement[];
  /** The group's part in a deployment; its total still lacks the placements, and `own`. */
  readonly state: DeploymentState;
  /** Of the running deployment, and staying. */
  readonly own: number;
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
  const holds = new Holds();
  const { cancelled, pairs } = extractPairs(buckets, {
    job,
    deployment: triage.current,
    node: input.node,
    now: input.now,
    isCanarying: false,
    retry: (next) => decideReschedule(next, reschedule),
  });
  stopAll({ desired, draft }, cancelled);
  // Of those, what has ended is left as it is.
  const {
    disconnecting,
    expiring,
    ignore: _,
    lost,
    migrate,
    reconnecting,
    untainted,
    ...others
  } = buckets;
  expectNoMore(others);
  stopTainted(scope, { lost: [...lost, ...expiring], migrate });
  const reachable = keepReachable(scope, { disconnecting, reconnecting, untainted });
  const kept = [...reachable, ...pairs.map((pair) => pair.next)];
  const running = stopMisplaced(scope, kept);
  const updates = yield* decideUpdates(
    running.filter((alloc) => !isOver(input.isBatch, alloc, job)),
    (alloc) => input.decideUpdate(alloc, group),
  );
  for (const request of updates.inPlace) draft.updateInPlace(request);
  desired.inPlaceUpdate += updates.inPlace.length;
  desired.ignore += updates.ignore.length;
  const { outdated } = updates;
  const state = { ...(triage.current?.taskGroups[group.name] ?? newDeploymentState(group)) };
  const barred = yield* barredOf(scope, outdated);
  const replaceable = outdated.size - barred.size;
  state.desiredTotal = replaceable + updates.inPlace.length;
  const canaries = wantCanaries(scope, { state, replaceable, running });
  const updating = new Set(outdated.items);
  const needs: NodePlacement[] = [];
  const toPlace = yield* missingOnNodes(scope, running, updating);
  const missing = yield* toPlace.close(holds, (need) =>
    "rule" in need ? need : passOn(need, needs),
  );
  const { left, places } = asCanaries(needs, canaries);
  // What cannot be placed now uses nothing of the limit up.
  const starting = places.filter(({ fit }) => fit === "fits").length;
  const facts = { outdated, barred, pairs, running, canaries: left, starting, holds };
  const rolled = yield* rollSystem(scope, facts);
  const account: SystemAccount = { missing, ...rolled };
  const isUpdating = replaceable > 0 || updates.inPlace.length > 0;
  const isPlacing = places.some(({ previous }) => previous !== null);
  return {
    places,
    state,
    own: ownOf(scope),
    isUpdating,
    hadCurrentVersion: considered.some((alloc) => alloc.jobVersion === job.version),
    isIdle: !isUpdating && account.pairs.size === 0 && !isPlacing,
  };
}

function ownOf({ allocs, draft, triage }: SystemScope): number {
  const stopped = new Set(draft.stops.map(({ alloc }) => alloc));
  const own = allocs.filter((alloc) => isLive(alloc) && alloc.deploymentId === triage.current?.id);
  return own.filter((alloc) => !stopped.has(alloc)).length;
}

/** Y1: nodes that are gone lose theirs, drained nodes give theirs up; nobody replaces them. */
function stopTainted(
  { draft, group }: SystemScope,
  { lost, migrate }: Pick<Buckets, "lost" | "migrate">,
): void {
  const desired = draft.desired[group.name] ?? noUpdates();
  for (const alloc of lost) {
    draft.stop({ alloc, description: Description.lost, clientStatus: ClientStatus.lost });
    desired.stop++;
  }
  for (const alloc of migrate) {
    draft.stop({ alloc, description: Description.tainted });
    desired.stop++;
  }
}

/** Y2: the unreachable become unknown and stay; those that come back go on. */
function keepReachable(
  scope: SystemScope,
  buckets: Pick<Buckets, "disconnecting" | "reconnecting" | "untainted">,
): Allocation[] {
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
  for (const request of reconnects.stops) draft.stop(request);
  draft.attributeUpdates.push(...reconnects.updates);
  return [...buckets.untainted, ...buckets.disconnecting, ...reconnects.kept];
}

/** Y3: a node that is not meant any more, or cannot take the new version, loses its allocation. */
function stopMisplaced(scope: SystemScope, kept: readonly Allocation[]): Allocation[] {
  const { draft, group, input, job, targets } = scope;
  const desired = draft.desired[group.name] ?? noUpdates();
  return kept.filter((alloc) => {
    if (targets.has(alloc.nodeId)) return true;
    // What has ended there has no successor: the node takes nothing new.
    if (isTerminal(alloc)) return false;
    const node = input.node(alloc.nodeId);
    const isOnlyUnready = node !== undefined && !isNodeReady(node);
    if (isOnlyUnready && alloc.jobModifyIndex === job.jobModifyIndex) {
      desired.ignore++;
      return false;
    }
    draft.stop({ alloc, description: Description.notNeeded });
    desired.stop++;
    return false;
  });
}

/** Y4: a finished run of a sysbatch job is not repeated by the same version. */
function isOver(isBatch: boolean, alloc: Allocation, job: Job): boolean {
  if (!isClientTerminal(alloc)) return false;
  return !isBatch || alloc.jobModifyIndex === job.jobModifyIndex;
}

function* barredOf(
  { whyBarred }: SystemScope,
  outdated: Outdated,
): Slices<ReadonlyMap<Allocation, Barred>> {
  const barred = new Map<Allocation, Barred>();
  yield* inSlices(outdated.items, (alloc) => {
    const why = whyBarred(alloc);
    if (why !== null) barred.set(alloc, why);
  });
  return barred;
}

/**
 * Y11: where the new version is not meant to run the old one goes; where it only cannot, for want
 * of a driver say, the old one stays.
 */
function leaveBarred(draft: Draft, alloc: Allocation, { isExcluded, reason }: Barred): Outcome {
  if (isExcluded) return draft.stop({ alloc, description: Description.notNeeded });
  return whyNotReplaced.barred(alloc, reason);
}

/** Y5: at most `max_parallel` undecided ones; those that do not serve first. */
function* rollSystem(
  scope: SystemScope,
  facts: {
    readonly outdated: Outdated;
    readonly barred: ReadonlyMap<Allocation, Barred>;
    readonly pairs: readonly Pair[];
    readonly running: readonly Allocation[];
    /** How many more of them are canaries; null = this is no canary phase. */
    readonly canaries: number | null;
    /** Allocations of the new version that this plan starts besides. */
    readonly starting: number;
    readonly holds: Holds;
  },
): Slices<Account<"pairs" | "outdated">> {
  const { draft, group, input, triage } = scope;
  const { barred, canaries, holds, running, starting } = facts;
  const isBlocked = triage.isPaused || triage.isFailed;
  const pairs = yield* new Open("pairs", facts.pairs).close(holds, ({ hold, next, stop }) => {
    if (isBlocked) return HeldBy.deployment;
    return hold ?? draft.go({ next, stop });
  });
  // One that has ended stays when another takes its place on the node: it holds nothing up.
  const untainted = running.filter(
    (alloc) => !(isClientTerminal(alloc) && alloc.nextAllocation !== ""),
  );
  const limit = { group, deployment: triage.current, untainted };
  const budget = undecidedBudget({ ...limit, isBlocked, starting });
  const serving = servingOf(input);
  const ordered = yield* facts.outdated.inOrder(
    (alloc) => RANK[serving(alloc)],
    (a, b) => a - b,
  );
  const desired = draft.desired[group.name] ?? noUpdates();
  const isCanary = canaries !== null;
  let chosen = 0;
  let excluded = 0;
  const outdated = yield* ordered.close(holds, (old) => {
    if (isBlocked) return HeldBy.deployment;
    const bar = barred.get(old);
    if (bar !== undefined) {
      if (bar.isExcluded) excluded++;
      return leaveBarred(draft, old, bar);
    }
    if (chosen >= budget) return HeldBy.limit;
    if (canaries !== null && chosen >= canaries) return HeldBy.canaries;
    chosen++;
    return draft.replace({ group, old, retryOf: null, isCanary });
  });
  desired.destructiveUpdate += chosen;
  desired.stop += excluded;
  desired.ignore += outdated.size - chosen - excluded;
  const idle = running.filter((alloc) => serving(alloc) !== Serving.yes);
  const told = { limit, serving: running.length - idle.length, idle };
  draft.waits.push(...holds.reasons({ ref: input.ref, group, triage, ...told }));
  return { pairs, outdated };
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
    /** How many of an older version are to be replaced. */
    readonly replaceable: number;
    readonly running: readonly Allocation[];
  },
): number | null {
  const { replaceable, running, state } = facts;
  if (!hasUpdateStrategy(group) || state.promoted) return null;
  const { canary, maxParallel } = group.update;
  if (state.desiredCanaries === 0) {
    const isStarting = triage.current === null && replaceable > 0 && !input.isRevert();
    if (canary === 0 || !isStarting) return null;
    state.desiredCanaries = Math.min(maxParallel, Math.ceil((canary * replaceable) / 100));
  }
  const own = running.filter(
    (alloc) => isLive(alloc) && isCanary(alloc) && alloc.deploymentId === triage.current?.id,
  );
  return Math.max(0, state.desiredCanaries - own.length);
}

/** A look at a node is a search on it. */
const NODES_PER_SLICE = 20;

/** Y6: every target node without a running (for sysbatch: or finished) allocation gets one. */
function* missingOnNodes(
  scope: SystemScope,
  running: readonly Allocation[],
  updating: ReadonlySet<Allocation>,
): Slices<Open<"missing", NodePlacement | Reason>> {
  const onNode = new Map<string, Allocation>();
  yield* inSlices(running, (alloc) => {
    const known = onNode.get(alloc.nodeId);
    if (!known || isBetter(alloc, known)) onNode.set(alloc.nodeId, alloc);
  });
  const missing: (NodePlacement | Reason)[] = [];
  const look = (node: Node) => {
    const need = needOf(scope, { node, existing: onNode.get(node.id) ?? null }, updating);
    if (need !== "none") missing.push(need);
  };
  if (scope.group.count > 0) yield* inSlices(scope.targets.values(), look, NODES_PER_SLICE);
  return new Open("missing", missing);
}

/** Speaks for its node: a live one, else the latest. */
function isBetter(alloc: Allocation, known: Allocation): boolean {
  if (isLive(alloc) !== isLive(known)) return isLive(alloc);
  return alloc.createIndex > known.createIndex;
}

/**
 * Y9: while canaries are missing, what a node has not got anyway is one: were all others gone with
 * their nodes, nobody would be left to be promoted for.
 */
function asCanaries(
  needs: readonly NodePlacement[],
  canaries: number | null,
): { readonly places: NodePlacement[]; readonly left: number | null } {
  if (canaries === null) return { places: [...needs], left: null };
  let left = canaries;
  const places = needs.map((need) => {
    if (left === 0 || need.fit !== "fits") return need;
    left -= 1;
    return { ...need, isCanary: true };
  });
  return { places, left };
}

/** A version that cannot run is not tried again, nor is what a failed deployment has placed. */
function needOf(
  { group, input, job, lookAt, triage }: SystemScope,
  { existing, node }: { readonly node: Node; readonly existing: Allocation | null },
  updating: ReadonlySet<Allocation>,
): "none" | NodePlacement | Reason {
  if (existing !== null) {
    // Y4: the update takes the place of what an older version of a sysbatch job has ended with.
    if (!isClientTerminal(existing) || (input.isBatch && updating.has(existing))) return "none";
    const isOtherVersion = existing.jobModifyIndex !== job.jobModifyIndex;
    const isFailed = !isOtherVersion && !ranSuccessfully(existing);
    if (isFailed && existing.unretryableError !== "") return whyNotReplaced.versionFailed(existing);
    if (input.isBatch)
      return ranSuccessfully(existing) ? "none" : whyNotReplaced.notRepeated(existing);
    const isFrozen = triage.isFailed && existing.deploymentId === triage.current?.id;
    if (isFrozen) return whyNotReplaced.frozen(existing);
  }
  const fit = lookAt(node);
  if (fit === "filtered") return "none";
  const name = `${job.name}.${group.name}[0]`;
  return { fit, group, node, name, previous: existing, isCanary: false };
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
