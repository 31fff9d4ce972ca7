/**
 * Is an allocation healthy (DESIGN §10, spec chapter 5 §5.2)? Healthy when all its tasks run and
 * all its checks pass, uninterrupted for the minimum time, before the deadline. A verdict is final.
 *
 * Time in which the catalog cannot be seen counts for nothing: the minimum time starts anew after
 * the gap, and the deadline moves by the gap, at most once its own length.
 */
import { assert, formatDuration, msToNanos } from "@drover/base";
import type { Task, TaskState } from "@drover/model";
import { hookOf, isSidecar } from "./coordinate-tasks.ts";

export interface HealthRules {
  readonly mode: "checks" | "task_states";
  readonly minHealthyMs: number;
  readonly healthyDeadlineMs: number;
}

/** Stored with what else is known of the allocation; a restarted agent begins it anew. */
export interface HealthTracking {
  readonly startedAt: number;
  /** How long the catalog was not visible while tracking, ms. */
  readonly blindMs: number;
}

/** Lost with the agent: the minimum time is then proven again. */
export interface HealthProgress {
  /** Everything has been good since; null = not good now. */
  readonly goodSince: number | null;
  /** The newest task start that `goodSince` belongs to. */
  readonly latestStart: number;
  /** Something has been missing since; meaningless while everything is good. */
  readonly badSince: number;
  /** When the inputs were last looked at, and whether the catalog was visible then. */
  readonly lookedAt: number;
  readonly visible: boolean;
}

export interface ExpectedCheck {
  readonly serviceId: string;
  readonly serviceName: string;
  readonly taskName: string;
  readonly name: string;
  /** "require_healthy" | "ignore_warnings" | "ignore". */
  readonly onUpdate: string;
}

export interface ObservedCheck {
  readonly serviceId: string;
  readonly name: string;
  readonly status: string;
  readonly output?: string;
}

export interface HealthInput {
  readonly now: number;
  readonly tasks: readonly { readonly task: Task; readonly state: TaskState }[];
  readonly expected: readonly ExpectedCheck[];
  readonly observed: readonly ObservedCheck[];
  /** False: the catalog could not be read. */
  readonly visible: boolean;
}

/** What an allocation that is not decided yet lacks. */
export type HealthWait =
  | { readonly kind: "task"; readonly task: string }
  | { readonly kind: "catalog" }
  | { readonly kind: "check-unseen"; readonly check: string; readonly service: string }
  | {
      readonly kind: "check-status";
      readonly check: string;
      readonly service: string;
      readonly status: string;
      /** What it said last; "" = nothing, or the catalog does not show it. */
      readonly output: string;
    }
  | { readonly kind: "time"; readonly until: number };

export type HealthWaits = readonly [HealthWait, ...HealthWait[]];

export type HealthStep = {
  readonly tracking: HealthTracking;
  readonly progress: HealthProgress;
  /** Epoch ms at which to look again although nothing has changed. */
  readonly recheckAt: number;
} & ({ readonly verdict: boolean } | { readonly verdict: null; readonly waits: HealthWaits });

export function startTracking(now: number): HealthTracking {
  return { startedAt: now, blindMs: 0 };
}

export function startProgress(now: number): HealthProgress {
  return { goodSince: null, badSince: now, latestStart: 0, lookedAt: now, visible: true };
}

export function deadlineAt(rules: HealthRules, tracking: HealthTracking): number {
  const extension = Math.min(tracking.blindMs, rules.healthyDeadlineMs);
  return tracking.startedAt + rules.healthyDeadlineMs + extension;
}

export function stepHealth(
  rules: HealthRules,
  before: { readonly tracking: HealthTracking; readonly progress: HealthProgress },
  input: HealthInput,
): HealthStep {
  assert(input.now >= before.tracking.startedAt, "health is tracked from its start on");
  const tracking = countBlindTime(before, input);
  const deadline = deadlineAt(rules, tracking);
  const tasks = judgeTasks(input);
  const missing = missingOf(rules, input, tasks);
  const good = tasks.kind === "good" && missing.length === 0;
  const latestStart = tasks.kind === "good" ? tasks.latestStart : 0;
  const goodSince = good ? since(before.progress, latestStart, input.now) : null;
  const progress: HealthProgress = {
    goodSince,
    badSince: before.progress.goodSince === null ? before.progress.badSince : input.now,
    latestStart,
    lookedAt: input.now,
    visible: catalogSeen(rules, input),
  };
  const readyAt = goodSince === null ? Number.POSITIVE_INFINITY : goodSince + rules.minHealthyMs;
  const verdict = verdictOf({ failed: tasks.kind === "failed", readyAt, deadline, now: input.now });
  const step = { tracking, progress, recheckAt: Math.min(readyAt, deadline) };
  if (verdict !== null) return { ...step, verdict };
  const [first = { kind: "time", until: readyAt } as const, ...others] = missing;
  return { ...step, verdict, waits: [first, ...others] };
}

function verdictOf(at: {
  failed: boolean;
  readyAt: number;
  deadline: number;
  now: number;
}): boolean | null {
  if (at.failed) return false;
  // A late wake-up must not turn an allocation that was ready in time into an unhealthy one.
  if (at.now >= at.readyAt && at.readyAt <= at.deadline) return true;
  return at.now >= at.deadline ? false : null;
}

function needsChecks(mode: HealthRules["mode"], input: HealthInput): boolean {
  return mode === "checks" && input.expected.length > 0;
}

function catalogSeen(rules: HealthRules, input: HealthInput): boolean {
  return input.visible || !needsChecks(rules.mode, input);
}

function countBlindTime(
  before: { tracking: HealthTracking; progress: HealthProgress },
  input: HealthInput,
): HealthTracking {
  if (before.progress.visible) return before.tracking;
  const gap = Math.max(0, input.now - before.progress.lookedAt);
  return { ...before.tracking, blindMs: before.tracking.blindMs + gap };
}

function since(progress: HealthProgress, latestStart: number, now: number): number {
  const unbroken = progress.goodSince !== null && progress.latestStart === latestStart;
  return unbroken && progress.goodSince !== null ? progress.goodSince : now;
}

type TaskJudgement =
  | { kind: "failed" }
  | { kind: "waiting"; pending: readonly string[] }
  | { kind: "good"; latestStart: number };

function judgeTasks(input: Pick<HealthInput, "tasks">): TaskJudgement {
  let latestStart = 0;
  const pending: string[] = [];
  for (const { task, state } of input.tasks) {
    const hook = hookOf(task);
    if (hook === "poststop") continue;
    const done = state.state === "dead" && !state.failed;
    if (done && hook === "poststart" && !isSidecar(task)) continue;
    if (state.failed && state.state === "dead") return { kind: "failed" };
    if (state.state === "dead" && !(hook === "prestart" && !isSidecar(task))) {
      return { kind: "failed" };
    }
    if (state.state === "pending") pending.push(task.name);
    latestStart = Math.max(latestStart, state.startedAt);
  }
  return pending.length > 0 ? { kind: "waiting", pending } : { kind: "good", latestStart };
}

/**
 * Whether its checks pass now, whatever has been decided (H13); null = that cannot be seen. Tasks
 * that do not run have no checks that pass.
 */
export function checksPass(mode: HealthRules["mode"], input: HealthInput): boolean | null {
  if (!needsChecks(mode, input)) return true;
  if (judgeTasks(input).kind !== "good") return false;
  if (!input.visible) return null;
  return input.expected.every((want) => missingCheck(input, want) === null);
}

/** H14: it is not good any more, though nothing of it has failed for good. */
export function hasLost(mode: HealthRules["mode"], input: HealthInput): boolean {
  const { kind } = judgeTasks(input);
  return kind === "waiting" || (kind === "good" && checksPass(mode, input) === false);
}

/** Whether all tasks run that have to. */
export function tasksRun(tasks: HealthInput["tasks"]): boolean {
  return judgeTasks({ tasks }).kind === "good";
}

/** Empty = everything is good now. */
function missingOf(rules: HealthRules, input: HealthInput, tasks: TaskJudgement): HealthWait[] {
  if (tasks.kind === "waiting") return tasks.pending.map((task) => ({ kind: "task", task }));
  if (!needsChecks(rules.mode, input)) return [];
  if (!input.visible) return [{ kind: "catalog" }];
  return input.expected.flatMap((want) => missingCheck(input, want) ?? []);
}

function missingCheck(input: HealthInput, want: ExpectedCheck): HealthWait | null {
  const isSame = (each: { readonly serviceId: string; readonly name: string }) =>
    each.serviceId === want.serviceId && each.name === want.name;
  const found = input.observed.filter(isSame);
  const named = { check: want.name, service: want.serviceName };
  if (found.length !== input.expected.filter(isSame).length) {
    return { kind: "check-unseen", ...named };
  }
  const bad = found.find((each) => !tolerated(each.status, want.onUpdate));
  if (bad === undefined) return null;
  return { kind: "check-status", ...named, status: bad.status, output: bad.output ?? "" };
}

function tolerated(status: string, onUpdate: string): boolean {
  if (status === "passing") return true;
  if (status === "warning") return onUpdate === "ignore_warnings" || onUpdate === "ignore";
  return status === "critical" && onUpdate === "ignore";
}

/** The line that an undecided task's history gets when its allocation turned unhealthy (§5.2.1). */
export function unhealthyReason(
  rules: HealthRules,
  input: HealthInput,
  at: { readonly task: Task; readonly state: TaskState },
): string | null {
  const deadline = formatDuration(msToNanos(rules.healthyDeadlineMs));
  const { task, state } = at;
  // It runs when all is over, and has kept nothing.
  if (hookOf(task) === "poststop") return null;
  if (state.failed) return "Unhealthy because of failed task";
  if (state.state === "pending") return `Task not running by healthy_deadline of ${deadline}`;
  const longLived = hookOf(task) === "" || isSidecar(task);
  if (state.state === "dead") return longLived ? "Unhealthy because of dead task" : null;
  const bad = badServices(rules, input, task.name);
  if (bad.missing.length > 0) {
    const total = bad.expected;
    return bad.passing === 0 && bad.missing.length === total
      ? "Service checks not registered"
      : `Only ${bad.passing} out of ${total} checks registered and passing`;
  }
  if (bad.services.length > 0) {
    return `Services not healthy by deadline: ${bad.services.join(", ")}`;
  }
  const min = formatDuration(msToNanos(rules.minHealthyMs));
  return `Task not running for min_healthy_time of ${min} by healthy_deadline of ${deadline}`;
}

function badServices(
  rules: HealthRules,
  input: HealthInput,
  taskName: string,
): { services: string[]; missing: string[]; passing: number; expected: number } {
  const services = new Set<string>();
  const missing: string[] = [];
  let passing = 0;
  const expected =
    rules.mode === "checks"
      ? input.expected.filter((e) => e.taskName === taskName || e.taskName === "")
      : [];
  for (const want of expected) {
    const found = input.observed.find(
      (o) => o.serviceId === want.serviceId && o.name === want.name,
    );
    if (found === undefined) missing.push(want.name);
    else if (tolerated(found.status, want.onUpdate)) passing++;
    else services.add(want.serviceName);
  }
  return { services: [...services].sort(), missing, passing, expected: expected.length };
}
