/** What becomes of an evaluation with the plan that it led to (spec chapter 6 §6.1, §6.5). */
import { EvalStatus, type Evaluation, type Plan } from "@drover/model";
import type { SchedulerResult } from "@drover/scheduler";

/** The evaluation as it ends, and those it gives rise to. */
export function evalOutcome(
  evaluation: Evaluation,
  stored: Evaluation | undefined,
  result: SchedulerResult,
  snapshotIndex: number,
): Evaluation[] {
  const ended: Evaluation = {
    ...evaluation,
    status: EvalStatus.complete,
    statusDescription: "",
    nextEval: result.followups[0]?.id ?? "",
    queuedAllocations: { ...result.queued },
    failedTgAllocs: { ...result.failedGroups },
    deploymentId: result.deploymentId || evaluation.deploymentId,
    planAnnotations: result.plan.annotations,
    snapshotIndex,
  };
  const { blocked } = result;
  const followups = result.followups.map((each) => ({ ...each, snapshotIndex }));
  if (!blocked) return [ended, ...followups];
  if (stored?.status === EvalStatus.blocked) {
    const again = {
      ...stored,
      failedTgAllocs: ended.failedTgAllocs,
      queuedAllocations: ended.queuedAllocations,
      snapshotIndex,
      classEligibility: blocked.classEligibility,
      escapedComputedClass: blocked.escapedComputedClass,
    };
    return [again, ...followups];
  }
  return [{ ...ended, blockedEval: blocked.id }, ...followups, blocked];
}

/**
 * Of a plan that went through in part: the waiting evaluations that its allocations name. Without
 * them these would wait for evaluations that do not exist.
 */
export function namedFollowups(
  plan: Pick<Plan, "stops" | "placements" | "attributeUpdates">,
  followups: readonly Evaluation[],
): readonly Evaluation[] {
  const changes = [...plan.stops, ...plan.placements, ...plan.attributeUpdates];
  const named = new Set(changes.map((change) => change.followupEvalId));
  return followups.filter(({ id }) => named.has(id));
}
