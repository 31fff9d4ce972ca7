/**
 * The leader's deciders, each a pure function of a snapshot (DESIGN §7). `wakeAt` is the instant
 * (epoch ms) at which the answer may change without the state changing; null = never.
 */
import type { Evaluation, Plan, Reason, Reasons, StateReader } from "@drover/model";

/** What verification leaves of a plan (spec chapter 6 §6.6). */
export type VerifiedPlan =
  | { readonly kind: "whole"; readonly plan: Plan }
  | {
      readonly kind: "part";
      readonly plan: Plan;
      /** Of each node whose placements were dropped. */
      readonly refusals: Reasons;
      /** The scheduler must refresh to this index and plan the rest again. */
      readonly refreshIndex: number;
    };

/** `inFlight`: plans accepted before this one and not applied yet, oldest first. */
export type VerifyPlan = (
  plan: Plan,
  state: StateReader,
  inFlight: readonly Plan[],
) => VerifiedPlan;

export type DeploymentDecision =
  /** Over, or never there: nothing is left to decide. */
  | { readonly kind: "ended" }
  | { readonly kind: "wait"; readonly reasons: Reasons; readonly wakeAt: number | null }
  | {
      /** Ask the scheduler to go on; `reschedule` marks failed allocations that may be replaced. */
      readonly kind: "continue";
      readonly reschedule: readonly string[];
      readonly wakeAt: number | null;
    }
  | { readonly kind: "promote"; readonly groups: readonly string[] }
  | {
      readonly kind: "fail";
      readonly statusDescription: string;
      /** Version to return to; null = no revert. */
      readonly revertTo: number | null;
    };

export type DecideDeployment = (
  input: { readonly deploymentId: string; readonly now: number },
  state: StateReader,
) => DeploymentDecision;

export type DrainDecision =
  /** It does not drain. */
  | { readonly kind: "none" }
  | { readonly kind: "wait"; readonly reasons: Reasons; readonly wakeAt: number | null }
  | {
      readonly kind: "act";
      /** Allocations to mark for migration now. */
      readonly migrate: readonly string[];
      /** Why the others stay for now; empty = none does, or the deadline takes them all. */
      readonly staying: readonly Reason[];
      /** Batch allocations stopped at the deadline without replacement. */
      readonly stopWithoutPlacement: readonly string[];
      readonly completed: boolean;
      readonly deadlineReached: boolean;
      readonly wakeAt: number | null;
    };
export type DecideDrain = (
  input: { readonly nodeId: string; readonly now: number },
  state: StateReader,
) => DrainDecision;

/** One evaluation handed to a worker; `token` must accompany ack and nack. */
export interface Lease {
  readonly evaluation: Evaluation;
  readonly token: string;
  /** Delivery count, from 1. */
  readonly attempt: number;
}
