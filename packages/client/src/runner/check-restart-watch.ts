/** Looks at the checks of one allocation that may restart its tasks. */
import type { Cancel, Clock } from "@drover/base";
import {
  type CheckRestartState,
  stepCheckRestart,
  type WatchedCheck,
} from "../core/check-restart.ts";
import { hookOf, isSidecar } from "../core/coordinate-tasks.ts";
import { type AllocRecord, groupOf } from "../state/alloc-record.ts";
import type { ServicePlan } from "./service-registrar.ts";

export interface CheckRestartDeps {
  readonly clock: Clock;
  plans(record: AllocRecord): readonly ServicePlan[];
  restart(taskName: string, reason: string): void;
  wake(): void;
}

export class CheckRestartWatch {
  readonly #deps: CheckRestartDeps;
  #state: CheckRestartState = new Map();
  #timer: Cancel | null = null;

  constructor(deps: CheckRestartDeps) {
    this.#deps = deps;
  }

  look(record: AllocRecord): void {
    this.close();
    if (record.stage.kind !== "running") return;
    const checks = watchedChecks(record, this.#deps.plans(record));
    if (checks.length === 0) return;
    const step = stepCheckRestart(this.#state, checks, this.#deps.clock.now());
    this.#state = step.state;
    for (const { taskName, reason } of step.restart) this.#deps.restart(taskName, reason);
    if (step.restart.length > 0 || step.recheckAt === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#deps.clock.setTimer(step.recheckAt, () => this.#deps.wake());
  }

  close(): void {
    this.#timer?.();
    this.#timer = null;
  }
}

function watchedChecks(record: AllocRecord, plans: readonly ServicePlan[]): WatchedCheck[] {
  const checks: WatchedCheck[] = [];
  for (const { discovery, spec } of plans) {
    const rules = spec.checks.filter((check) => (check.definition.checkRestart?.limit ?? 0) > 0);
    if (rules.length === 0) continue;
    const view = discovery.view();
    const seen = view.visible ? (view.checksByService.get(spec.id) ?? []) : [];
    for (const check of rules) {
      checks.push({
        id: check.id,
        name: check.name,
        taskName: spec.taskName,
        definition: check.definition,
        status: seen.find((s) => s.id === check.id || s.name === check.name)?.status ?? null,
        startedAt: startOf(record, spec.taskName),
      });
    }
  }
  return checks;
}

function startOf(record: AllocRecord, taskName: string): number {
  let newest = 0;
  for (const task of groupOf(record.job, record.alloc).tasks) {
    const run = record.tasks[task.name];
    const counts =
      taskName === "" ? hookOf(task) === "" || isSidecar(task) : task.name === taskName;
    if (!counts || run === undefined) continue;
    if (run.phase.kind !== "running") return 0;
    newest = Math.max(newest, run.state.startedAt);
  }
  return newest;
}
