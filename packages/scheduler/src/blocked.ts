/** The evaluation that waits for capacity (spec §6.5). */
import {
  type AllocMetric,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  type Job,
} from "@drover/model";
import type { Feasibility } from "./feasible/pipeline.ts";
import { newEvaluation } from "./reconciler/followups.ts";

interface BlockedContext {
  readonly job: Job;
  readonly evaluation: Evaluation;
  readonly snapshotIndex: number;
  readonly now: number;
  readonly mintId: () => string;
  readonly failedGroups: Readonly<Record<string, AllocMetric>>;
  /** Of the groups that failed. */
  readonly feasibilities: readonly Feasibility[];
}

/** An evaluation that was blocked already waits on under its own id. */
export function blockedEvaluation(context: BlockedContext): Evaluation {
  const { evaluation } = context;
  const isReblocked = evaluation.status === EvalStatus.blocked;
  const base = isReblocked
    ? evaluation
    : {
        ...newEvaluation(context, EvalTrigger.queuedAllocs),
        jobModifyIndex: evaluation.jobModifyIndex,
      };
  const escapedComputedClass = context.feasibilities.some((each) => each.escapesClass);
  return {
    ...base,
    status: EvalStatus.blocked,
    statusDescription: "created to place remaining allocations",
    failedTgAllocs: { ...context.failedGroups },
    classEligibility: escapedComputedClass ? {} : mergeClasses(context.feasibilities),
    escapedComputedClass,
    snapshotIndex: context.snapshotIndex,
    modifyTime: context.now,
  };
}

/** A class is worth waiting for when any failed group could use it. */
function mergeClasses(feasibilities: readonly Feasibility[]): Record<string, boolean> {
  const merged: Record<string, boolean> = {};
  for (const { classes } of feasibilities) {
    for (const [name, isEligible] of classes) merged[name] = (merged[name] ?? false) || isEligible;
  }
  return merged;
}
