/**
 * Evaluations that wait for capacity, and what sets them free (spec chapter 6 §6.5). One per job,
 * the newest. Memory only: a new leader tracks every blocked evaluation of the state again; one
 * whose snapshot is older than a capacity change that came meanwhile is free at once.
 */
import {
  EvalStatus,
  EvalTrigger,
  type Evaluation,
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
  /** Class → index of its latest capacity change. */
  readonly #changedClasses = new Map<string, number>();
  readonly #changedNodes = new Map<string, number>();

  get size(): number {
    return this.#byJob.size;
  }

  /** Tracks a blocked evaluation. True = it need not wait: capacity has changed since. */
  block(evaluation: Evaluation, now: number): boolean {
    if (evaluation.status !== EvalStatus.blocked) return false;
    const key = jobOf(evaluation);
    const known = this.#byJob.get(key)?.evaluation;
    if (known !== undefined && known.createIndex > evaluation.createIndex) return false;
    if (this.#missedChange(evaluation)) {
      this.#byJob.delete(key);
      return true;
    }
    const isConflict = evaluation.triggeredBy === EvalTrigger.maxPlanAttempts;
    this.#byJob.set(key, { evaluation, retryAt: isConflict ? now + CONFLICT_RETRY_MS : null });
    return false;
  }

  /** A node became ready, eligible or larger, or an allocation on it ended. */
  capacityChanged(change: CapacityChange): readonly Evaluation[] {
    this.#changedClasses.set(change.computedClass, change.index);
    this.#changedNodes.set(change.nodeId, change.index);
    return this.#take((evaluation) => mayFit(evaluation, change));
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

  #missedChange(evaluation: Evaluation): boolean {
    const seen = evaluation.snapshotIndex || evaluation.createIndex;
    if (isPerNode(evaluation)) return (this.#changedNodes.get(evaluation.nodeId) ?? 0) > seen;
    for (const [computedClass, index] of this.#changedClasses) {
      if (index > seen && mayFit(evaluation, { nodeId: "", computedClass })) return true;
    }
    return false;
  }
}

/** A class that was never looked at may fit; one found wanting does not, until its name changes. */
function mayFit(
  evaluation: Evaluation,
  change: Pick<CapacityChange, "nodeId" | "computedClass">,
): boolean {
  if (isPerNode(evaluation)) return evaluation.nodeId === change.nodeId;
  if (evaluation.escapedComputedClass) return true;
  return evaluation.classEligibility[change.computedClass] !== false;
}

/** System jobs wait for one node each. */
function isPerNode(evaluation: Evaluation): boolean {
  const isSystem = evaluation.type === JobType.system || evaluation.type === JobType.sysbatch;
  return isSystem && evaluation.nodeId !== "";
}

function jobOf(evaluation: Evaluation): string {
  return `${evaluation.namespace}\u0000${evaluation.jobId}`;
}
