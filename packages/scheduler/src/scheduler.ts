/** The scheduler's contract: a pure function from an evaluation and a snapshot to a plan. */
import type { Random } from "@drover/base";
import type { AllocMetric, Evaluation, Plan, Reason, StateReader } from "@drover/model";

export interface SchedulerInput {
  readonly evaluation: Evaluation;
  readonly state: StateReader;
  /** Epoch ms; the only clock of the decision. */
  readonly now: number;
  readonly random: Random;
}

export interface SchedulerResult {
  readonly plan: Plan;
  /** Evaluations to create with the plan: delayed reschedules, disconnect time-outs. */
  readonly followups: readonly Evaluation[];
  /** The blocked evaluation that waits for capacity; null when everything was placed. */
  readonly blocked: Evaluation | null;
  /** Group → why it could not be placed. */
  readonly failedGroups: Readonly<Record<string, AllocMetric>>;
  /** Group → allocations still to be placed. */
  readonly queued: Readonly<Record<string, number>>;
  readonly deploymentId: string;
  /** What is left undone for now, and why. */
  readonly waits: readonly Reason[];
}

/** Service, batch, system or sysbatch by the evaluation's job. */
export type Schedule = (input: SchedulerInput) => SchedulerResult;

/** A decision that can be interrupted at each of its yields. */
export type Slices<R = SchedulerResult> = Generator<void, R, void>;
