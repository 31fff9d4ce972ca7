/** What the scheduler wants done, and how `plan` describes it (spec chapter 1 §1.13). */
import { type Infer, int, list, map, object, record, string } from "../schema/field.ts";
import type { Allocation } from "./allocation.ts";
import { type Deployment, DeploymentStatus } from "./deployment.ts";

export const desiredUpdatesSchema = record("DesiredUpdates", {
  ignore: int({ default: 0 }),
  place: int({ default: 0 }),
  migrate: int({ default: 0 }),
  stop: int({ default: 0 }),
  inPlaceUpdate: int({ default: 0 }),
  destructiveUpdate: int({ default: 0 }),
  canary: int({ default: 0 }),
  preemptions: int({ default: 0 }),
  disconnect: int({ default: 0 }),
  reconnect: int({ default: 0 }),
  rescheduleNow: int({ default: 0 }),
  rescheduleLater: int({ default: 0 }),
});
export type DesiredUpdates = Infer<typeof desiredUpdatesSchema>;

export const planAnnotationsSchema = record("PlanAnnotations", {
  desiredTgUpdates: map(object(desiredUpdatesSchema), {
    wire: "DesiredTGUpdates",
    keepEmpty: true,
  }),
  preemptedAllocs: list(string()),
});
export type PlanAnnotations = Infer<typeof planAnnotationsSchema>;

/** A stop the plan asks for; client-owned fields are set only where the server overrides them. */
export interface PlannedStop {
  readonly allocId: string;
  readonly nodeId: string;
  /** `stop`, or `evict` for a preempted one. */
  readonly desiredStatus: string;
  readonly desiredDescription: string;
  /** "lost" or "unknown" where the server decides; absent otherwise. */
  readonly clientStatus?: string;
  readonly clientDescription?: string;
  /** Epoch ms, when `clientStatus` is a new unknown or reconnect entry of `allocStates`. */
  readonly allocStateAt?: number;
  readonly followupEvalId?: string;
  readonly preemptedBy?: string;
}

export interface DeploymentStatusUpdate {
  readonly deploymentId: string;
  readonly status: string;
  readonly statusDescription: string;
}

/** The scheduler's decision. Ids in it are minted before it is proposed; applying it twice is harmless. */
export interface Plan {
  readonly id: string;
  readonly evalId: string;
  readonly priority: number;
  readonly namespace: string;
  readonly jobId: string;
  readonly jobVersion: number;
  readonly allAtOnce: boolean;
  /** State index the decision was taken from. */
  readonly snapshotIndex: number;
  readonly stops: readonly PlannedStop[];
  /** New allocations and in-place updates, complete but for indexes and times. */
  readonly placements: readonly Allocation[];
  /** Allocations whose attributes only change (follow-up ids, reconnects), not their placement. */
  readonly attributeUpdates: readonly PlannedAttributeUpdate[];
  readonly deployment: Deployment | null;
  readonly deploymentUpdates: readonly DeploymentStatusUpdate[];
  readonly annotations: PlanAnnotations | null;
}

export interface PlannedAttributeUpdate {
  readonly allocId: string;
  readonly followupEvalId?: string;
  readonly clientStatus?: string;
  readonly clientDescription?: string;
  readonly allocStateAt?: number;
  readonly lastReschedule?: string;
  /** "" = it is back, and what had replaced it is to stop. */
  readonly nextAllocation?: "";
}

export function isPlanEmpty(plan: Plan): boolean {
  return (
    plan.stops.length === 0 &&
    plan.placements.length === 0 &&
    plan.attributeUpdates.length === 0 &&
    plan.deployment === null &&
    plan.deploymentUpdates.length === 0
  );
}

/** Of a plan that is cut: it succeeds with the last step that is taken, or with a later plan. */
export function withoutSuccess(plan: Plan): Plan["deploymentUpdates"] {
  return plan.deploymentUpdates.filter(({ status }) => status !== DeploymentStatus.successful);
}
