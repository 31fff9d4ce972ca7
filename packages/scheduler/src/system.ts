/** Schedules system and sysbatch jobs: each group once on every wanted node (spec §3.16). */
import {
  type Allocation,
  type AllocMetric,
  AllocPhase,
  type Deployment,
  type DeploymentStatusUpdate,
  isDeploymentActive,
  type Job,
  type Node,
  parallelOf,
  type TaskGroup,
} from "@drover/model";
import {
  addAllocation,
  blockedFor,
  carryOut,
  finishResult,
  isFound,
  replace,
} from "./carry-out.ts";
import { coalesce } from "./metrics.ts";
import { candidateNodes } from "./node-set.ts";
import type { Found } from "./placer.ts";
import { reconcileInput } from "./reconcile-input.ts";
import { deploymentIdFor } from "./reconciler/alloc-facts.ts";
import {
  createDeployment,
  needsDeployment,
  successful,
  triageDeployment,
} from "./reconciler/deployment-step.ts";
import { Draft } from "./reconciler/draft.ts";
import { groupAllocs, loseStopped, stopGroup } from "./reconciler/job-stop.ts";
import { activeOf, reconcile } from "./reconciler/reconcile.ts";
import {
  isSystemGroupDone,
  type NodeFit,
  type NodePlacement,
  reconcileSystemGroup,
  type SystemGroupResult,
} from "./reconciler/system.ts";
import type { ReconcileInput } from "./reconciler/types.ts";
import type { SchedulerInput, Slices } from "./scheduler.ts";
import { NO_PLACE, type NoPlace, type Placing, Session } from "./session.ts";

export function* scheduleSystem(input: SchedulerInput): Slices {
  const session = new Session(input);
  const request = reconcileInput(session);
  const { job } = session;
  if (job === undefined || job.stop) {
    const result = yield* reconcile(request);
    yield* carryOut(session, result, null);
    return finishResult(session, result, null);
  }
  return yield* new SystemPass(session, request, job).run();
}

class SystemPass {
  readonly #session: Session;
  readonly #input: ReconcileInput;
  readonly #job: Job;
  readonly #draft = new Draft();
  readonly #groups = new Map<string, SystemGroupResult>();
  /** Group → why nodes were left out by filters; told only if no node takes the group. */
  readonly #filtered = new Map<string, AllocMetric>();
  readonly #placed = new Map<string, number>();
  /** Group → placements that its deployment waits for: what is placed, and what it lost a place. */
  readonly #awaited = new Map<string, number>();

  constructor(session: Session, input: ReconcileInput, job: Job) {
    this.#session = session;
    this.#input = input;
    this.#job = job;
  }

  *run(): Slices {
    const triage = triageDeployment(this.#input.deployment, this.#job);
    yield* loseStopped(this.#input, this.#draft);
    const isComplete = yield* this.#reconcileGroups(triage);
    const created = triage.current === null ? this.#newDeployment() : null;
    const deployment = created ?? activeOf(triage.current);
    yield* carryOut(this.#session, this.#draft, deployment);
    yield* this.#placeAll(deployment);
    this.#reportFiltered();
    const updates: DeploymentStatusUpdate[] = [...triage.updates];
    const { current } = triage;
    // The blocked evaluation waits for room on a further node, the deployment does not.
    const isPlacing = [...this.#placed.values()].some((count) => count > 0);
    if (isComplete && !isPlacing && current !== null && isDeploymentActive(current)) {
      updates.push(successful(current));
    }
    const { desired, followups, waits } = this.#draft;
    const planned = created ? this.#withTotals(created) : this.#grown(activeOf(current));
    return finishResult(
      this.#session,
      { deployment: planned, deploymentUpdates: updates, desired, followups, waits },
      this.#hasExhausted() ? blockedFor(this.#session) : null,
    );
  }

  *#reconcileGroups(triage: ReturnType<typeof triageDeployment>): Slices<boolean> {
    const input = this.#input;
    const job = this.#job;
    const candidates = candidateNodes(this.#session.state, job).nodes;
    const targets = new Map(candidates.map((node) => [node.id, node]));
    const byGroup = yield* groupAllocs(input.allocs);
    const names = new Set(job.taskGroups.map((group) => group.name));
    for (const [name, allocs] of byGroup) {
      if (!names.has(name)) yield* stopGroup(input, this.#draft, { name, allocs, isJob: false });
    }
    let isComplete = triage.current !== null;
    for (const declared of job.taskGroups) {
      const group = perNode(declared, targets.size);
      const allocs = byGroup.get(group.name) ?? [];
      const result = yield* reconcileSystemGroup({
        input,
        job,
        group,
        allocs,
        targets,
        lookAt: (node) => this.#lookAt(group, node),
        whyBarred: (alloc) => this.#session.placerFor(job).whyBarred(alloc, group),
        triage,
        draft: this.#draft,
      });
      this.#groups.set(group.name, result);
      const { current } = triage;
      const facts = { allocs, places: result.places };
      isComplete &&=
        result.isIdle && current !== null && isSystemGroupDone(group.name, facts, current);
    }
    return isComplete;
  }

  #newDeployment(): Deployment | null {
    if (this.#input.isBatch) return null;
    const groups: Record<string, SystemGroupResult["state"]> = {};
    for (const group of this.#job.taskGroups) {
      const result = this.#groups.get(group.name);
      if (!result) continue;
      const desiredTotal = result.state.desiredTotal + result.places.length;
      const state = { ...result.state, desiredTotal };
      if (needsDeployment({ group, ...result, state })) groups[group.name] = state;
    }
    if (Object.keys(groups).length === 0) return null;
    return createDeployment({
      id: this.#session.mintId(),
      job: this.#job,
      evalPriority: this.#input.evaluation.priority,
      now: this.#input.now,
      groups,
      earlier: this.#input.deployments,
    });
  }

  *#placeAll(deployment: Deployment | null): Slices<void> {
    const session = this.#session;
    const job = this.#job;
    const search = (group: TaskGroup, previous: Allocation) => {
      const node = session.state.node(previous.nodeId);
      return node ? this.#searchOn(group, node) : session.noteNoPlace(group, null);
    };
    for (const request of this.#draft.destructive) {
      const isPlaced = session.settle(replace(session, { job, deployment, ...request }, search));
      if (isPlaced) this.#countPlacement(request.group, 0);
      yield;
    }
    for (const { places } of this.#groups.values()) {
      for (const request of places) {
        const isPlaced = session.settle(this.#placeOne(deployment, request));
        const isOwed = deployment !== null && request.previous?.deploymentId === deployment.id;
        if (isPlaced || isOwed) increment(this.#awaited, request.group.name);
        yield;
      }
    }
  }

  #placeOne(deployment: Deployment | null, place: NodePlacement): Placing {
    const { group, isCanary, name, node, previous } = place;
    const found = this.#searchOn(group, node);
    if (!isFound(found)) return found;
    const version = {
      job: this.#job,
      group,
      deploymentId: deploymentIdFor(deployment, group.name),
    };
    this.#countPlacement(group, 1);
    return addAllocation(this.#session, version, found, {
      name,
      previous,
      isCanary,
      rescheduleTracker: null,
      phase: AllocPhase.go,
    });
  }

  /** A destructive update counts as a placement too, in what `plan` prints (spec §2.7). */
  #countPlacement(group: TaskGroup, isNew: 0 | 1): void {
    const desired = this.#draft.desired[group.name];
    if (desired) desired.place++;
    if (isNew) increment(this.#placed, group.name);
  }

  #searchOn(group: TaskGroup, node: Node): Found | NoPlace {
    const session = this.#session;
    const selection = session.placerFor(this.#job).selectOn(group, node);
    if (selection.node) return selection;
    const { metric } = selection;
    return metric.nodesFiltered > 0
      ? this.#noteFiltered(group, metric)
      : session.noteNoPlace(group, metric);
  }

  /** A filtered node is missing nothing, and nobody waits for it. */
  #lookAt(group: TaskGroup, node: Node): NodeFit {
    const selection = this.#session.placerFor(this.#job).selectOn(group, node);
    if (selection.node) return "fits";
    if (selection.metric.nodesFiltered === 0) return "full";
    this.#noteFiltered(group, selection.metric);
    return "filtered";
  }

  #noteFiltered(group: TaskGroup, metric: AllocMetric): NoPlace {
    const known = this.#filtered.get(group.name);
    if (known) coalesce(known, group);
    else this.#filtered.set(group.name, metric);
    return NO_PLACE;
  }

  #hasExhausted(): boolean {
    return Object.values(this.#session.failedGroups).some((metric) => metric.nodesExhausted > 0);
  }

  /** Y8: nodes that a filter leaves out are no failure, unless they all are. */
  #reportFiltered(): void {
    const { failedGroups, state } = this.#session;
    for (const [name, metric] of this.#filtered) {
      const isSomewhere =
        (this.#placed.get(name) ?? 0) > 0 ||
        state.allocsByJob(this.#input.ref).some((alloc) => alloc.taskGroup === name);
      if (!isSomewhere) failedGroups[name] ??= metric;
    }
  }

  /** The total counts what found a place; a group that found none has no part. */
  #withTotals(deployment: Deployment): Deployment | null {
    const taskGroups: Deployment["taskGroups"] = {};
    for (const [name, part] of Object.entries(deployment.taskGroups)) {
      const desiredTotal = this.#totalOf(name);
      if (desiredTotal > 0) taskGroups[name] = { ...part, desiredTotal };
    }
    return Object.keys(taskGroups).length === 0 ? null : { ...deployment, taskGroups };
  }

  /** Y10: nodes join and leave while it runs. null = its totals are as they were. */
  #grown(deployment: Deployment | null): Deployment | null {
    if (deployment === null) return null;
    const taskGroups: Deployment["taskGroups"] = {};
    for (const [name, part] of Object.entries(deployment.taskGroups)) {
      taskGroups[name] = { ...part, desiredTotal: this.#totalOf(name) };
    }
    const hasChanged = Object.entries(taskGroups).some(
      ([name, { desiredTotal }]) => desiredTotal !== deployment.taskGroups[name]?.desiredTotal,
    );
    return hasChanged ? { ...deployment, taskGroups } : null;
  }

  #totalOf(name: string): number {
    const result = this.#groups.get(name);
    const own = (result?.state.desiredTotal ?? 0) + (result?.own ?? 0);
    return own + (this.#awaited.get(name) ?? 0);
  }
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** A percentage is one of the nodes, whose number no job file knows (DESIGN §12.2). */
export function perNode(group: TaskGroup, nodes: number): TaskGroup {
  const { update } = group;
  if (update === null || update.maxParallelPercent === 0) return group;
  return { ...group, update: { ...update, maxParallel: parallelOf(update, nodes) } };
}
