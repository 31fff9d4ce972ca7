/**
 * Follows one allocation until its health is decided: looks at tasks and catalog after each change,
 * and again when the pure tracker says that time alone may decide.
 */
import type { Cancel, Clock } from "@drover/base";
import { CheckStatus } from "@drover/discovery";
import type { Reasons } from "@drover/model";
import {
  checksPass,
  deadlineAt,
  type ExpectedCheck,
  type HealthInput,
  type HealthProgress,
  type HealthRules,
  type HealthTracking,
  hasLost,
  type ObservedCheck,
  startProgress,
  stepHealth,
} from "../core/alloc-health.ts";
import { healthRules, servingMode } from "../core/health-rules.ts";
import { isRevocable } from "../core/verdict.ts";
import { type Undecided, whyUndecided } from "../core/why-undecided.ts";
import { type AllocRecord, groupOf, isStopKnown, tasksOf } from "../state/alloc-record.ts";
import type { ServicePlan } from "./service-registrar.ts";

export interface Verdict {
  readonly healthy: boolean;
  readonly at: number;
  readonly rules: HealthRules;
  readonly input: HealthInput;
}

export interface HealthWatchDeps {
  readonly clock: Clock;
  /** All services of the allocation, also those not registered yet. */
  plans(record: AllocRecord): readonly ServicePlan[];
  onVerdict(verdict: Verdict): void;
  onChecks(pass: boolean): void;
  /** It was healthy in its deployment, and does not serve any more. */
  onLost(pass: boolean | null, now: number): void;
  /** The catalog went, or came back: how long it was away must survive a restart. */
  onBlind(tracking: HealthTracking, unseen: boolean): void;
  /** Time may have decided. */
  wake(): void;
}

export class HealthWatch {
  readonly #deps: HealthWatchDeps;
  #tracking: HealthTracking | null = null;
  #startedAt = -1;
  #progress: HealthProgress = startProgress(0);
  #timer: Cancel | null = null;
  #undecided: Omit<Undecided, "trouble"> | null = null;
  /** Checks of which there has been a result since this agent runs. */
  readonly #shown = new Set<string>();

  constructor(deps: HealthWatchDeps) {
    this.#deps = deps;
  }

  look(record: AllocRecord): void {
    this.#timer?.();
    this.#timer = null;
    this.#undecided = null;
    if (!this.#decide(record)) this.#watchChecks(record);
  }

  /** Returns whether there is a verdict only now: what follows from it is looked at with it. */
  #decide(record: AllocRecord): boolean {
    const rules = healthRules(record.alloc, record.job, groupOf(record.job, record.alloc));
    if (record.tracking === null || rules === null) return false;
    const now = this.#deps.clock.now();
    const tracking = this.#resume(record.tracking, now);
    const input = this.#input(record, now);
    const before = this.#progress;
    const step = stepHealth(rules, { tracking, progress: before }, input);
    this.#tracking = step.tracking;
    this.#progress = step.progress;
    if (step.verdict !== null) {
      this.#deps.onVerdict({ healthy: step.verdict, at: now, rules, input });
      return true;
    }
    const { badSince, goodSince } = step.progress;
    const deadline = deadlineAt(rules, step.tracking);
    this.#undecided = { waits: step.waits, rules, since: goodSince ?? badSince, deadline };
    const unseen = !step.progress.visible;
    if ((record.unseen ?? false) !== unseen || (!before.visible && !unseen)) {
      this.#deps.onBlind(step.tracking, unseen);
    }
    this.#timer = this.#deps.clock.setTimer(step.recheckAt, () => this.#deps.wake());
    return false;
  }

  /** H13: from its first verdict on, whether its checks pass is told as it changes. */
  #watchChecks(record: AllocRecord): void {
    const known = record.checksPass ?? null;
    if (record.stage.kind !== "running" || isStopKnown(record)) return;
    if (known === null && record.tracking !== null) return;
    const mode = servingMode(record.alloc, record.job, groupOf(record.job, record.alloc));
    if (mode === null) return;
    const now = this.#deps.clock.now();
    const input = this.#onlyShown(this.#input(record, now));
    const passes = checksPass(mode, input);
    if (isRevocable(record.verdict) && hasLost(mode, input)) {
      // What was good until now is no part of the time to come, whichever deadline that has (H14).
      this.#progress = startProgress(now);
      this.#deps.onLost(passes ?? known, now);
    } else if (passes !== null && passes !== known) this.#deps.onChecks(passes);
  }

  /** Why it is not decided, as of the latest look; null = it is, or is not to be. */
  why(record: AllocRecord, trouble: string): Reasons | null {
    if (this.#undecided === null) return null;
    const states = Object.entries(record.tasks).map(([name, { state }]) => [name, state] as const);
    const alloc = { ...record.alloc, taskStates: Object.fromEntries(states) };
    return whyUndecided(alloc, { ...this.#undecided, trouble });
  }

  close(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #resume(stored: HealthTracking, now: number): HealthTracking {
    if (stored.startedAt !== this.#startedAt || this.#tracking === null) {
      this.#startedAt = stored.startedAt;
      this.#progress = startProgress(now);
      this.#tracking = stored;
    }
    return this.#tracking;
  }

  /** An agent that has just started sees nothing of its services until they are checked again. */
  #onlyShown(input: HealthInput): HealthInput {
    const keyOf = ({ serviceId, name }: ObservedCheck | ExpectedCheck) => `${serviceId}\0${name}`;
    for (const check of input.observed) {
      if (check.status !== CheckStatus.pending) this.#shown.add(keyOf(check));
    }
    const isShown = input.expected.every((check) => this.#shown.has(keyOf(check)));
    return { ...input, visible: input.visible && isShown };
  }

  #input(record: AllocRecord, now: number): HealthInput {
    const plans = this.#deps.plans(record);
    const expected: ExpectedCheck[] = [];
    const observed: ObservedCheck[] = [];
    let visible = true;
    for (const { discovery, spec } of plans) {
      if (spec.checks.length === 0) continue;
      const view = discovery.view();
      visible = visible && view.visible;
      for (const check of spec.checks) expected.push(expectedCheck(spec, check));
      const ours = new Set(spec.checks.map((check) => check.name));
      for (const seen of view.checksByService.get(spec.id) ?? []) {
        if (ours.has(seen.name)) observed.push({ ...seen, serviceId: spec.id });
      }
    }
    return { now, tasks: tasksOf(record), expected, observed, visible };
  }
}

function expectedCheck(
  spec: ServicePlan["spec"],
  check: ServicePlan["spec"]["checks"][number],
): ExpectedCheck {
  return {
    serviceId: spec.id,
    serviceName: spec.name,
    taskName: spec.taskName,
    name: check.name,
    onUpdate: check.definition.onUpdate || spec.onUpdate,
  };
}
