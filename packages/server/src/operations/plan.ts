/**
 * The dry run of a registration (spec chapter 2 §2.7): the production state machine and scheduler
 * on a private copy, nothing proposed.
 */
import { EvalTrigger, type Evaluation, type Job, type JobInput, type Plan } from "@drover/model";
import { scheduleInSlices } from "@drover/scheduler";
import { commandVersionAt } from "@drover/state";
import type { ServerContext } from "../context.ts";
import { evalForJob } from "../leader/new-eval.ts";
import { prepareJob, unwrap } from "./jobs.ts";

export interface DryRun {
  readonly stored: Job | undefined;
  readonly job: Job;
  readonly plan: Plan;
  readonly failedGroups: Evaluation["failedTgAllocs"];
  readonly createdEvals: readonly Evaluation[];
  readonly warnings: readonly string[];
}

const NEW_JOB_INDEX = 100;

/** In slices, as a large job's takes long (DESIGN §7); the copy stays as it was at the first. */
export function* planJob(context: ServerContext, input: JobInput): Generator<void, DryRun, void> {
  const { job, warnings } = prepareJob(context, input);
  const stored = context.store.snapshot().job(job);
  const copy = context.store.fork();
  const evaluation = {
    ...evalForJob(job, EvalTrigger.jobRegister, context.random),
    annotatePlan: true,
  };
  const now = Math.max(context.clock.now(), copy.snapshot().clock);
  const index = Math.max(copy.snapshot().index, stored?.jobModifyIndex ?? NEW_JOB_INDEX) + 1;
  const applied = copy.apply(
    {
      tag: 1,
      v: commandVersionAt(context.engine.level()),
      now,
      token: `dry-run:${evaluation.id}`,
      job,
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evaluation,
      alwaysNewVersion: false,
      enforcePriorVersion: null,
    },
    index,
  );
  unwrap(applied.result);
  const state = copy.snapshot();
  const result = yield* scheduleInSlices({
    evaluation: state.evaluation(evaluation.id) ?? evaluation,
    state,
    now,
    random: context.random.fork(evaluation.id),
  });
  return {
    stored,
    job: state.job(job) ?? job,
    plan: result.plan,
    failedGroups: { ...result.failedGroups },
    createdEvals: result.blocked ? [...result.followups, result.blocked] : result.followups,
    warnings,
  };
}
