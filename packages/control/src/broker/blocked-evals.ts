/**
 * Evaluations that wait for capacity, and what sets them free (spec chapter 6 §6.5). One per job,
 * the newest. Memory only: a new leader tracks every blocked evaluation of the state again; one
 * whose snapshot is older than a capacity change that came meanwhile is free at once.
 */
import {
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isTerminal,
  JobType,
  type Reason,
  type StateReader,
} from "@drover/model";
import { whyBlocked } from "./why-eval.ts";

/** Blocked for placement conflicts, not for capacity: nothing else would wake it. */
const CONFLICT_RETRY_MS = 60_000;

export interface CapacityChange {
  /** Log index of the change. */
  readonly index: number;
  readonly nodeId: string;
  readonly computedClass: string;
}

interface Entry {
  readonly evaluation: Evaluation;
  /** Epoch ms; for those that no change of capacity sets free. */
  readonly retryAt: number | null;
}

export class BlockedEvals {
  readonly #byJob = new Map<string, Entry>();
  /** The latest of each class, and of each node. */
  readonly #ofClasses = new Map<string, CapacityChange>();
  readonly #ofNodes = new Map<string, CapacityChange>();

  get size(): number {
    return this.#byJob.size;
  }

  /** Tracks a blocked evaluation. True = it need not wait: capacity has changed since. */
  block(
    evaluation: Evaluation,
    { now, state }: { readonly now: number; readonly state: StateReader },
  ): boolean {
    if (evaluation.status !== EvalStatus.blocked) return false;
    const key = jobOf(evaluation);
    const known = this.#byJob.get(key)?.evaluation;
    if (known !== undefined && known.createIndex > evaluation.createIndex) return false;
    if (this.#missedChange(evaluation, state)) {
      this.#byJob.delete(key);
      return true;
    }
    const isConflict = evaluation.triggeredBy === EvalTrigger.maxPlanAttempts;
    this.#byJob.set(key, { evaluation, retryAt: isConflict ? now + CONFLICT_RETRY_MS : null });
    return false;
  }

  /** A node became ready, eligible or larger, or an allocation on it ended. */
  capacityChanged(change: CapacityChange, state: StateReader): readonly Evaluation[] {
    this.#ofClasses.set(change.computedClass, change);
    this.#ofNodes.set(change.nodeId, change);
    return this.#take((evaluation) => mayFit(evaluation, change, state));
  }

  /** Those whose time has come. */
  due(now: number): readonly Evaluation[] {
    return this.#take((_evaluation, entry) => entry.retryAt !== null && entry.retryAt <= now);
  }

  wakeAt(): number | null {
    let at: number | null = null;
    for (const { retryAt } of this.#byJob.values()) {
      if (retryAt !== null) at = at === null ? retryAt : Math.min(at, retryAt);
    }
    return at;
  }

  /** Why it is not set free; null = it is not here. */
  why(state: StateReader, evalId: string): Reason | null {
    for (const { evaluation, retryAt } of this.#byJob.values()) {
      if (evaluation.id === evalId) return whyBlocked(state, evaluation, retryAt);
    }
    return null;
  }

  /** The evaluation ended otherwise, or its job was stopped. */
  forget(evalId: string): void {
    for (const [key, entry] of this.#byJob) {
      if (entry.evaluation.id === evalId) this.#byJob.delete(key);
    }
  }

  #take(isFree: (evaluation: Evaluation, entry: Entry) => boolean): readonly Evaluation[] {
    const free: Evaluation[] = [];
    for (const [key, entry] of this.#byJob) {
      if (!isFree(entry.evaluation, entry)) continue;
      this.#byJob.delete(key);
      free.push(entry.evaluation);
    }
    return free;
  }

  #missedChange(evaluation: Evaluation, state: StateReader): boolean {
    const seen = evaluation.snapshotIndex || evaluation.createIndex;
    const changes = isPerNode(evaluation) ? this.#ofNodes : this.#ofClasses;
    for (const change of changes.values()) {
      if (change.index > seen && mayFit(evaluation, change, state)) return true;
    }
    return false;
  }
}

/** A class that was never looked at may fit; one found wanting does not, until its name changes. */
function mayFit(evaluation: Evaluation, change: CapacityChange, state: StateReader): boolean {
  const isFitting =
    evaluation.escapedComputedClass || evaluation.classEligibility[change.computedClass] !== false;
  return isFitting && (!isPerNode(evaluation) || lacksOn(evaluation, change.nodeId, state));
}

/**
 * System jobs wait for room on the very nodes that have none. A static port may be free on a node
 * because it has ended on another one that reports the same address.
 */
function isPerNode({ failedTgAllocs, type }: Evaluation): boolean {
  if (type !== JobType.system && type !== JobType.sysbatch) return false;
  const dimensions = Object.values(failedTgAllocs).flatMap((metric) =>
    Object.keys(metric.dimensionExhausted),
  );
  return !dimensions.some((dimension) => dimension.startsWith("network"));
}

/** What found no place is not there: its newest version does not run on the node. */
function lacksOn(evaluation: Evaluation, nodeId: string, state: StateReader): boolean {
  const { failedTgAllocs, jobId, namespace } = evaluation;
  const job = state.job({ namespace, id: jobId });
  const present = state
    .allocsByNode(nodeId)
    .filter((alloc) => alloc.namespace === namespace && alloc.jobId === jobId)
    .filter((alloc) => !isTerminal(alloc) && alloc.jobVersion === job?.version)
    .map((alloc) => alloc.taskGroup);
  return !Object.keys(failedTgAllocs).every((group) => present.includes(group));
}

function jobOf(evaluation: Evaluation): string {
  return `${evaluation.namespace}\u0000${evaluation.jobId}`;
}
