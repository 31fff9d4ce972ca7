/** What must not compile: a decider that waits and does not say why, a reason without an end. */
import assert from "node:assert/strict";
import test from "node:test";
import { OPERATOR, type Plan, type Reason, Rule, waitsFor, waitsUntil } from "@drover/model";
import type { VerifiedPlan } from "./contracts.ts";
import type { whyOpen } from "./deployment/why-waits.ts";
import type { whyKeepEval } from "./gc/why-kept.ts";
import type { DeploymentDecision, DrainDecision, Expired, MissedDecision } from "./index.ts";

type Fits<T, U> = T extends U ? true : false;
type Replaced<T, R> = Omit<T, keyof R> & R;
type Part<R> = {
  readonly kind: "part";
  readonly plan: Plan;
  readonly refusals: R;
  readonly refreshIndex: number;
};
type Waits<R> = { readonly kind: "wait"; readonly reasons: R; readonly wakeAt: null };

const told = { rule: Rule.deploymentPaused, subject: OPERATOR, text: "it is paused" };

test("I4 who waits without a reason, and a reason without an end, do not compile", () => {
  const endless: Fits<Replaced<Reason, { waitsFor: readonly []; wakesAt: null }>, Reason> = false;
  const ended: Fits<Replaced<Reason, { waitsFor: readonly []; wakesAt: number }>, Reason> = true;
  const unknown: Fits<Replaced<Reason, { rule: "because" }>, Reason> = false;
  const silent: Fits<Waits<readonly []>, DeploymentDecision> = false;
  const spoken: Fits<Waits<readonly [Reason]>, DeploymentDecision> = true;
  const drain: Fits<Waits<readonly []>, DrainDecision> = false;
  const act = { kind: "act", migrate: [], stopWithoutPlacement: [], wakeAt: null } as const;
  const acts = { ...act, completed: false, deadlineReached: false };
  const unsaid: Fits<typeof acts, DrainDecision> = false;
  const open: Fits<readonly Reason[], ReturnType<typeof whyOpen>> = false;
  const missed: Fits<{ readonly kind: "wait"; readonly recheckAt: 1 }, MissedDecision> = false;
  const half: Fits<Part<readonly []>, VerifiedPlan> = false;
  const part: Fits<Part<readonly [Reason]>, VerifiedPlan> = true;
  const held: Fits<string, Expired["held"][number]> = false;
  const kept: Fits<"keep", ReturnType<typeof whyKeepEval>> = false;
  assert.deepEqual(
    [endless, ended, unknown, silent, spoken, drain, unsaid, open, missed, half, part, held, kept],
    [false, true, false, false, true, false, false, false, false, false, true, false, false],
  );
});

test("of many things waited for, some are named", () => {
  const many = Array.from({ length: 50 }, () => OPERATOR);
  assert.equal(waitsFor(told, OPERATOR, ...many).waitsFor.length, 20);
  assert.deepEqual([waitsUntil(7, told).wakesAt, waitsUntil(7, told).waitsFor], [7, []]);
});
