/** What the scheduler would leave undone, by an evaluation that nobody carries out. */
import { SeededRandom } from "@drover/base";
import { capacityHint, shortage } from "@drover/control";
import {
  CAPACITY,
  type DesiredUpdates,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isSameSubject,
  type Job,
  LEADER,
  pendingEvaluation,
  type Reason,
  Rule,
  type StateReader,
  subjectOf,
  waitsFor,
} from "@drover/model";
import { type SchedulerResult, schedule } from "@drover/scheduler";

export function dryRun(state: StateReader, job: Job, at: number): readonly Reason[] {
  const now = Math.max(at, state.clock);
  const random = new SeededRandom(state.index);
  const result = schedule({ evaluation: evaluationOf(job), state, now, random });
  const groups = Object.keys(result.plan.annotations?.desiredTgUpdates ?? {});
  return [...result.waits, ...groups.flatMap((group) => whyOpen(state, job, { group, result }))];
}

/** What keeps a group beside the rules: room, or only that nobody has asked yet. */
function whyOpen(
  state: StateReader,
  job: Job,
  { group, result }: { readonly group: string; readonly result: SchedulerResult },
): readonly Reason[] {
  const subject = subjectOf.group(job, group);
  const metric = result.failedGroups[group];
  if (metric) {
    if (isBlocked(state, job, group)) return [];
    const text = `no place for ${metric.coalescedFailures + 1}: ${shortage(metric)}`;
    const hint = capacityHint([metric]);
    const told = { rule: Rule.groupNoCapacity, subject, text, hint };
    return [waitsFor(told, CAPACITY)];
  }
  const changes = changesOf(result.plan.annotations?.desiredTgUpdates[group]);
  if (changes === 0 || result.waits.some((each) => isSameSubject(each.subject, subject))) return [];
  const text = `${changes} to place, stop or replace, at the next evaluation of its job`;
  return [waitsFor({ rule: Rule.groupAwaitsEvaluation, subject, text }, LEADER)];
}

/** Then the evaluation says it. */
function isBlocked(state: StateReader, job: Job, group: string): boolean {
  return state
    .evalsByJob(job)
    .some((each) => each.status === EvalStatus.blocked && group in each.failedTgAllocs);
}

function changesOf(desired: DesiredUpdates | undefined): number {
  if (!desired) return 0;
  const { canary, destructiveUpdate, inPlaceUpdate, migrate, place, stop } = desired;
  return canary + destructiveUpdate + inPlaceUpdate + migrate + place + stop;
}

function evaluationOf(job: Job): Evaluation {
  return pendingEvaluation({
    id: "why",
    namespace: job.namespace,
    priority: job.priority,
    type: job.type,
    triggeredBy: EvalTrigger.scheduled,
    jobId: job.id,
    jobModifyIndex: job.jobModifyIndex,
  });
}
