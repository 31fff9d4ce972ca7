/**
 * Performs what a task's run implies and feeds the results back. The loop decides nothing: it acts
 * once per phase, after the phase is on disk, and follows every process it knows of to its end.
 */
import { type Cancel, errorText } from "@drover/base";
import {
  type PreparedTask,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  type TaskIdentity,
  TaskStartError,
  type TaskStartRequest,
} from "@drover/drivers";
import type { Task } from "@drover/model";
import { killTimeoutMs, taskAction } from "../core/next-task-action.ts";
import { driverMessage } from "../core/task-events.ts";
import { handleOf, type TaskInput, type TaskRun } from "../core/task-run.ts";
import { type RetryDeps, untilDone } from "./retry.ts";
import { timerAt } from "./timer-at.ts";

export interface TaskLoopDeps extends RetryDeps {
  /** undefined: this node has no such driver. */
  readonly driver: TaskDriver | undefined;
  readonly maxKillTimeoutMs: number;
  readonly identity: TaskIdentity;
  task(): Task;
  /** Directories, payload, templates; then the request to start. Throws TaskStartError. */
  setup(): Promise<TaskStartRequest>;
  prepared(request: TaskStartRequest, prepared: PreparedTask): void;
  /** Resolves when the task's services are gone; what its consumers still need, in ms. */
  leave(): Promise<number>;
  post(input: TaskInput): void;
}

interface Setup {
  readonly request: TaskStartRequest;
  readonly prepared: PreparedTask;
}

export class TaskLoop {
  readonly #deps: TaskLoopDeps;
  #acted = "";
  #timer: Cancel | null = null;
  #pull: AbortController | null = null;
  /** The setup, begun while the record that announces it is being written. */
  #early: Promise<Setup> | null = null;
  #foreseen: Setup | null = null;
  #watched: TaskHandle | null = null;
  /** The process as the driver knows it now; null once it is known to be gone. */
  #attached: Promise<TaskHandle | null> = Promise.resolve(null);
  #request: TaskStartRequest | null = null;
  #lastMessage = "";

  constructor(deps: TaskLoopDeps) {
    this.#deps = deps;
  }

  /**
   * Call before `run` is on disk: its setup makes directories and looks for images, it starts
   * nothing, so that it may go on beside the write.
   */
  anticipate(run: TaskRun | undefined): void {
    if (run?.phase.kind !== "setup" || this.#acted !== "" || this.#early !== null) return;
    const early = this.#prepare();
    this.#early = early;
    // Whoever waits for a failure is told; until then nobody does.
    early.then(
      (setup) => {
        if (this.#early === early) this.#foreseen = setup;
      },
      () => undefined,
    );
  }

  /** The anticipated setup is over and went well: its phase need not be on disk. */
  foresee(): TaskInput | null {
    const setup = this.#foreseen;
    this.#foreseen = null;
    if (setup === null) return null;
    this.#early = null;
    this.#done(setup);
    return { kind: "ready" };
  }

  /** Call after `run` is on disk. `restored`: its process was started by an earlier agent. */
  sync(run: TaskRun, restored: boolean): void {
    if (this.#deps.closed.aborted) return;
    const handle = handleOf(run);
    if (handle !== null && handle !== this.#watched) this.#watch(handle, restored);
    const phase = run.phase;
    if (phase.kind === "setup" && phase.ending?.kind === "kill") this.#pull?.abort();
    if (phase.kind === this.#acted) return;
    this.#acted = phase.kind;
    this.#timer?.();
    this.#timer = null;
    void this.#act(run);
  }

  /** For exec, signals and statistics; null when no process runs. */
  async live(): Promise<TaskHandle | null> {
    return this.#watched === null ? null : await this.#attached;
  }

  close(): void {
    this.#timer?.();
    this.#pull?.abort();
  }

  async #act(run: TaskRun): Promise<void> {
    const action = taskAction(run);
    switch (action.kind) {
      case "none":
        return;
      case "setup":
        return await this.#setup();
      case "start":
        return await this.#start();
      case "leave":
        return this.#post({ kind: "left", graceMs: await this.#deps.leave() });
      case "wait":
        return this.#wait(action.until);
      case "stop":
        return await this.#stop();
      case "destroy":
        return await this.#destroy();
    }
  }

  async #setup(): Promise<void> {
    const early = this.#early;
    this.#early = null;
    this.#foreseen = null;
    try {
      this.#done(await (early ?? this.#prepare()));
      this.#post({ kind: "ready" });
    } catch (error) {
      this.#post({ kind: "setupFailed", ...failure(error) });
    }
  }

  #done({ request, prepared }: Setup): void {
    this.#request = request;
    this.#deps.prepared(request, prepared);
  }

  async #prepare(): Promise<Setup> {
    const pull = new AbortController();
    this.#pull = pull;
    try {
      const driver = this.#driver();
      const request = await this.#deps.setup();
      return { request, prepared: await driver.prepare(request, this.#note, pull.signal) };
    } finally {
      this.#pull = null;
    }
  }

  async #start(): Promise<void> {
    try {
      const driver = this.#driver();
      // A restarted agent finds the phase on disk, but not the request.
      const request = this.#request ?? (await this.#deps.setup());
      this.#request = null;
      const handle = await driver.start(request, this.#note);
      this.#post({ kind: "started", handle });
    } catch (error) {
      this.#post({ kind: "startFailed", ...failure(error) });
    }
  }

  #wait(until: number): void {
    this.#timer = timerAt(this.#deps.clock, until, () => this.#post({ kind: "woke" }));
  }

  async #stop(): Promise<void> {
    const task = this.#deps.task();
    const timeoutMs = killTimeoutMs(task, this.#deps.maxKillTimeoutMs);
    await untilDone(this.#deps, `stopping task ${task.name}`, async () => {
      const handle = await this.#attached;
      if (handle === null) return;
      await this.#driver().stop(handle, { killSignal: task.killSignal, timeoutMs });
    });
  }

  async #destroy(): Promise<void> {
    const driver = this.#deps.driver;
    const { identity } = this.#deps;
    const done = await untilDone(this.#deps, `removing task ${identity.taskName}`, async () => {
      await driver?.destroy(identity);
    });
    this.#watched = null;
    if (done !== null) this.#post({ kind: "destroyed" });
  }

  #watch(handle: TaskHandle, restored: boolean): void {
    this.#watched = handle;
    this.#attached = restored ? this.#recover(handle) : Promise.resolve(handle);
    void this.#follow(this.#attached);
  }

  async #recover(handle: TaskHandle): Promise<TaskHandle | null> {
    const what = `finding task ${this.#deps.identity.taskName} again`;
    const found = await untilDone(this.#deps, what, () => this.#driver().recover(handle));
    return found?.value ?? null;
  }

  async #follow(attached: Promise<TaskHandle | null>): Promise<void> {
    const handle = await attached;
    const { closed, clock } = this.#deps;
    if (closed.aborted) return;
    if (handle === null) {
      this.#watched = null;
      return this.#post({ kind: "exited", exit: vanished(clock.now()) });
    }
    const what = `waiting for task ${this.#deps.identity.taskName}`;
    const exit = await untilDone(this.#deps, what, () => this.#driver().wait(handle, closed));
    if (exit === null || closed.aborted) return;
    this.#attached = Promise.resolve(null);
    this.#watched = null;
    this.#post({ kind: "exited", exit: exit.value });
  }

  #driver(): TaskDriver {
    const driver = this.#deps.driver;
    if (driver !== undefined) return driver;
    const name = this.#deps.task().driver;
    throw new TaskStartError("no-driver", `this node has no driver ${JSON.stringify(name)}`, {
      retryable: true,
    });
  }

  readonly #note = (event: { message: string; details: Record<string, string> }): void => {
    // A pull reports its progress many times; the history keeps one line per message.
    if (event.message === this.#lastMessage) return;
    this.#lastMessage = event.message;
    const line = driverMessage(this.#deps.clock.now(), event.message, event.details);
    this.#post({ kind: "noted", event: line });
  };

  #post(input: TaskInput): void {
    if (!this.#deps.closed.aborted) this.#deps.post(input);
  }
}

function failure(error: unknown): {
  message: string;
  retryable: boolean;
  event: "Driver Failure" | "Setup Failure";
} {
  const named = error instanceof TaskStartError;
  const setup = named && error.code === "unsupported";
  return {
    message: errorText(error),
    retryable: named ? error.retryable : true,
    event: setup ? "Setup Failure" : "Driver Failure",
  };
}

function vanished(now: number): TaskExit {
  return {
    exitCode: -1,
    signal: 0,
    oomKilled: false,
    error: "the task was gone when the agent looked for it",
    finishedAt: now,
  };
}
