/** What users ask of a running allocation: restart, signal, exec, statistics, checks. */
import { DroverError } from "@drover/base";
import { BuiltinDiscovery, type CheckResult, type ServiceDiscovery } from "@drover/discovery";
import type { ExecSession, TaskDriver, TaskHandle, TaskStats } from "@drover/drivers";
import type { Reason } from "@drover/model";
import type { AllocRunner } from "../runner/alloc-runner.ts";

export interface AllocStats {
  /** null: the task does not run, or its driver keeps no statistics. */
  readonly tasks: Readonly<Record<string, TaskStats | null>>;
  /** Epoch ms. */
  readonly timestamp: number;
}

export interface AllocControlDeps {
  /** Throws `unknown-alloc`. */
  runner(allocId: string): AllocRunner;
  readonly discoveries: readonly ServiceDiscovery[];
  now(): number;
}

/** Errors: `unknown-alloc`, `unknown-task`, `not-running`. */
export class AllocControl {
  readonly #deps: AllocControlDeps;

  constructor(deps: AllocControlDeps) {
    this.#deps = deps;
  }

  /**
   * `task` "" = all; only running tasks are restarted. Answers when they run again, or have a restart
   * delay, or are dead: whoever restarts allocations one after the other waits for each.
   */
  async restart(
    allocId: string,
    request: { readonly task: string; readonly allTasks: boolean },
  ): Promise<void> {
    const runner = this.#deps.runner(allocId);
    const { task } = request;
    if (task !== "") await this.#running(runner, task);
    const what = request.allTasks ? "all tasks" : "running tasks";
    const replaced = runner.replaced(task);
    runner.restart(task, `User requested ${task === "" ? what : "task"} to restart`);
    await replaced;
  }

  /** `task` "" = all running ones. */
  async signal(
    allocId: string,
    request: { readonly task: string; readonly signal: string },
  ): Promise<void> {
    const runner = this.#deps.runner(allocId);
    const names = request.task === "" ? Object.keys(runner.record.tasks) : [request.task];
    for (const name of names) {
      const live =
        request.task === "" ? await runner.liveTask(name) : await this.#running(runner, name);
      if (live === null) continue;
      runner.noteSignal(name, request.signal);
      await live.driver.signal(live.handle, request.signal);
    }
  }

  async exec(
    allocId: string,
    request: { readonly task: string; readonly command: readonly string[]; readonly tty: boolean },
  ): Promise<ExecSession> {
    const runner = this.#deps.runner(allocId);
    const { driver, handle } = await this.#running(runner, request.task);
    return driver.exec(handle, { command: request.command, tty: request.tty });
  }

  async stats(allocId: string, task = ""): Promise<AllocStats> {
    const runner = this.#deps.runner(allocId);
    const names = task === "" ? Object.keys(runner.record.tasks) : [task];
    const tasks: Record<string, TaskStats | null> = {};
    for (const name of names) {
      if (runner.record.tasks[name] === undefined) throw unknownTask(name);
      const live = await runner.liveTask(name);
      tasks[name] = live === null ? null : await live.driver.stats(live.handle);
    }
    return { tasks, timestamp: this.#deps.now() };
  }

  /** Results of checks that this agent runs itself; Consul's are in Consul. */
  checks(allocId: string): readonly CheckResult[] {
    this.#deps.runner(allocId);
    return this.#deps.discoveries.flatMap((discovery) =>
      discovery instanceof BuiltinDiscovery ? discovery.checkResults(allocId) : [],
    );
  }

  /** What its tasks and its health wait for, with what the agent's own checks said last. */
  why(allocId: string): readonly Reason[] {
    const results = new Map(this.checks(allocId).map((each) => [each.check, each]));
    return this.#deps
      .runner(allocId)
      .why()
      .map((reason) => {
        const result = results.get(reason.evidence.check ?? "");
        if (result === undefined) return reason;
        const hint = `drover alloc checks ${allocId}`;
        return { ...reason, hint, evidence: { ...reason.evidence, ...evidenceOf(result) } };
      });
  }

  async #running(
    runner: AllocRunner,
    task: string,
  ): Promise<{ driver: TaskDriver; handle: TaskHandle }> {
    if (runner.record.tasks[task] === undefined) throw unknownTask(task);
    const live = await runner.liveTask(task);
    if (live === null) throw new DroverError("not-running", "Task not running");
    return live;
  }
}

export function unknownTask(name: string): DroverError {
  return new DroverError("unknown-task", `unknown task name ${JSON.stringify(name)}`);
}

/** The body alone often does not tell: an empty one, or a page of HTML, comes with a 500. */
function evidenceOf({ output, statusCode }: CheckResult): Record<string, string> {
  return {
    ...(statusCode > 0 && { "status code": String(statusCode) }),
    ...(output !== "" && { output }),
  };
}
