/** What the scheduler would leave undone, by an evaluation that nobody carries out. */
import { SeededRandom } from "@drover/base";
import { capacityHint, shortage, whyAlloc } from "@drover/control";
import {
  CAPACITY,
  type DesiredUpdates,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isSameSubject,
  isTemplate,
  type Job,
  type JobRef,
  LEADER,
  pendingEvaluation,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  subjectOf,
  waitsFor,
} from "@drover/model";
import { inSlices, type SchedulerResult, scheduleInSlices } from "@drover/scheduler";

export interface DryRun {
  /** What a pass of the scheduler would leave undone. */
  readonly waits: readonly Reason[];
  /** Allocations that are not where they are to be, or not yet. */
  readonly unsettled: readonly Subject[];
}

/** In slices: whoever asks `why` of a large job keeps nobody waiting (DESIGN §7). */
export function* dryRun(
  state: StateReader,
  ref: JobRef,
  at: number,
): Generator<void, DryRun, void> {
  const job = state.job(ref);
  const waits = job && !job.stop && !isTemplate(job) ? yield* waitsOf(state, job, at) : [];
  const unsettled: Subject[] = [];
  yield* inSlices(state.allocsByJob(ref), (alloc) => {
    if (whyAlloc(state, alloc).length > 0) unsettled.push(subjectOf.allocation(alloc));
  });
  return { waits, unsettled };
}

function* waitsOf(
  state: StateReader,
  job: Job,
  at: number,
): Generator<void, readonly Reason[], void> {
  const now = Math.max(at, state.clock);
  const random = new SeededRandom(state.index);
  const result = yield* scheduleInSlices({ evaluation: evaluationOf(job), state, now, random });
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
