/**
 * Runs one allocation: a mailbox of record changes, and the acts that a record implies. All changes
 * of a turn are folded, advanced by the pure core, written to disk, and only then acted on
 * (DESIGN §9), so whatever instant the agent dies at, the file says what may have been begun.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Cancel, errorText } from "@drover/base";
import type { TaskDriver, TaskHandle, TaskStartRequest } from "@drover/drivers";
import type { Allocation, AllocClientReport, Job, Reason, Task } from "@drover/model";
import {
  type AllocContext,
  advanceAlloc,
  cutOff,
  delayOver,
  portsClaimed,
  prepared,
  prepareFailed,
  resetTracking,
  servicesGone,
  stepTask,
  withDigests,
} from "../core/advance-alloc.ts";
import { allocReport, compareReports } from "../core/alloc-report.ts";
import { mergeDesired } from "../core/merge-desired.ts";
import { heldPorts } from "../core/task-env.ts";
import {
  deregisterUnconfirmed,
  driverFailure,
  restartSignaled,
  signaling,
} from "../core/task-events.ts";
import { handleOf, type TaskInput } from "../core/task-run.ts";
import { whyUnsettled } from "../core/why-unsettled.ts";
import { setupTask } from "../hooks/setup-task.ts";
import { type AllocRecord, groupOf, isStopKnown, runsUntil } from "../state/alloc-record.ts";
import { type AllocPaths, allocPaths } from "./alloc-paths.ts";
import { AllocServices } from "./alloc-services.ts";
import { CheckRestartWatch } from "./check-restart-watch.ts";
import { HealthWatch } from "./health-watch.ts";
import { prepareAlloc } from "./prepare-alloc.ts";
import { areReplaced, RecordWaits } from "./record-waits.ts";
import { untilDone } from "./retry.ts";
import type { RunnerDeps, RunnerOptions } from "./runner-deps.ts";
import { environmentOf, startRequest, taskIdentity } from "./start-request.ts";
import { TaskLoop } from "./task-loop.ts";
import { timerAt } from "./timer-at.ts";
import { recordVerdict, revokeVerdict, withChecks } from "./verdict.ts";

type Change = (record: AllocRecord) => AllocRecord;

export class AllocRunner {
  readonly paths: AllocPaths;
  readonly services: AllocServices;
  readonly #options: RunnerOptions;
  readonly #deps: RunnerDeps;
  readonly #closed = new AbortController();
  readonly #loops = new Map<string, TaskLoop>();
  readonly #checkRestart: CheckRestartWatch;
  readonly #health: HealthWatch;
  #record: AllocRecord;
  readonly #changes: Change[] = [];
  #draining = false;
  #drained: Promise<void> = Promise.resolve();
  #restored: boolean;
  /** Stage whose act has been begun. */
  #acted = "";
  #timer: Cancel | null = null;
  #stopWaiting: (() => void) | null = null;
  readonly #waits = new RecordWaits();
  /** Ends the preparation that is under way. */
  #pull: AbortController | null = null;

  constructor(
    options: RunnerOptions,
    deps: RunnerDeps,
    from: { record: AllocRecord; restored: boolean },
  ) {
    this.#options = options;
    this.#deps = { ...deps, random: deps.random.fork(from.record.alloc.id) };
    this.#record = from.record;
    this.#restored = from.restored;
    this.paths = allocPaths(options.allocBase, from.record.alloc.id);
    this.services = this.#createServices();
    const plans = (record: AllocRecord) => this.services.plans(record);
    const wake = () => this.catalogChanged();
    this.#health = new HealthWatch({
      clock: deps.clock,
      plans,
      onVerdict: (verdict) => this.#apply((record) => recordVerdict(record, verdict)),
      onChecks: (pass) => this.#apply((record) => withChecks(record, pass)),
      onLost: (pass, now) => this.#apply((record) => revokeVerdict(record, pass, now)),
      onBlind: (tracking, unseen) =>
        this.#apply((record) => ({ ...record, tracking: record.tracking && tracking, unseen })),
      wake,
    });
    this.#checkRestart = new CheckRestartWatch({
      clock: deps.clock,
      plans,
      restart: (taskName, reason) => this.restart(taskName, reason, true),
      wake,
    });
  }

  get record(): AllocRecord {
    return this.#record;
  }

  report(): AllocClientReport {
    return allocReport(this.#record);
  }

  /** Why it is not where it is to be; empty = it is. */
  why(): readonly Reason[] {
    const record = this.#record;
    const portHolder = this.#deps.ports.holder(record.alloc.id, heldPorts(record.alloc));
    const trouble = this.services.trouble(record);
    const health = this.#health.why(record, trouble) ?? [];
    return whyUnsettled({ record, portHolder, health, trouble });
  }

  /** A restored runner claims what its processes hold before any new one may ask. */
  claimRestored(): void {
    const kind = this.#record.stage.kind;
    if (!this.#restored || kind === "preparing" || kind === "waiting" || kind === "done") return;
    this.#deps.ports.restore(this.#record.alloc.id, heldPorts(this.#record.alloc));
    this.services.assume(this.#record);
  }

  /** While the agent was away nobody saw whether it was healthy: its deadline begins anew. */
  start(): void {
    const now = this.#deps.clock.now();
    this.#apply((record) => (this.#restored ? resetTracking(record, now) : record), true);
  }

  /** What the servers want now. */
  want(alloc: Allocation, job: Job): void {
    this.#apply((record) => mergeDesired(record, { alloc, job }, this.#deps.clock.now()));
  }

  /** Tombstone: stop, then forget. */
  remove(): void {
    this.#apply((record) => (record.removed ? record : { ...record, removed: true }));
  }

  /** The catalog's view or the time changed. What is being written is followed by a look anyway. */
  catalogChanged(): void {
    this.services.observe();
    if (!this.#draining) this.#look();
  }

  /** Restarts running tasks; `taskName` "" = all of them. */
  restart(taskName: string, reason: string, counts = false): void {
    const now = this.#deps.clock.now();
    for (const task of this.#tasks()) {
      if (taskName !== "" && task.name !== taskName) continue;
      const ending = { kind: "restart", counts, reason } as const;
      this.#post(task, { kind: "end", ending, event: restartSignaled(now, reason) });
    }
  }

  /** Resolves when the processes that run now have ended, and what follows them runs. */
  replaced(taskName: string): Promise<void> {
    return this.#waits.until(this.#record, areReplaced(this.#record, taskName, this.#deps.clock));
  }

  /** Stops it because its job says so, without a word of the servers. */
  cutOff(reason: string): void {
    this.#apply((record) => cutOff(record, reason));
  }

  /** Development mode: bring everything down because the agent goes. */
  kill(): void {
    this.#apply((record) => ({ ...record, alloc: { ...record.alloc, desiredStatus: "stop" } }));
  }

  /** The running process of a task; null when there is none. */
  async liveTask(taskName: string): Promise<{ driver: TaskDriver; handle: TaskHandle } | null> {
    const task = this.#tasks().find((t) => t.name === taskName);
    const handle = (await this.#loops.get(taskName)?.live()) ?? null;
    const driver = task === undefined ? undefined : this.#deps.driver(task.driver);
    return handle === null || driver === undefined ? null : { driver, handle };
  }

  noteSignal(taskName: string, signal: string): void {
    const task = this.#tasks().find((t) => t.name === taskName);
    if (task === undefined) return;
    this.#post(task, { kind: "noted", event: signaling(this.#deps.clock.now(), signal) });
  }

  /** The directory of an allocation that has ended. */
  async removeFiles(): Promise<void> {
    await this.#deps.disk.removeTree(this.paths.root);
  }

  /** Resolves when nothing of it runs any more. */
  done(): Promise<void> {
    return this.#waits.until(this.#record, ({ stage }) => stage.kind === "done");
  }

  /**
   * Leaves the tasks alone; what is under way is found again from the files. Resolves when no file
   * is being written any more.
   */
  close(): Promise<void> {
    this.#closed.abort();
    this.#timer?.();
    this.#stopWaiting?.();
    this.#health.close();
    this.#checkRestart.close();
    for (const loop of this.#loops.values()) loop.close();
    return this.#drained;
  }

  #tasks(): readonly Task[] {
    return groupOf(this.#record.job, this.#record.alloc).tasks;
  }

  #post(task: Task, input: TaskInput): void {
    this.#apply((record) => stepTask(record, task, input, this.#context()));
  }

  #context(): AllocContext {
    const { clock, random } = this.#deps;
    return { now: clock.now(), random, maxKillTimeoutMs: this.#options.maxKillTimeoutMs };
  }

  /** `always`: act even when nothing changed, as after a restart. */
  #apply(change: Change, always = false): void {
    if (this.#closed.signal.aborted) return;
    this.#changes.push(change);
    if (!this.#draining) this.#drained = this.#drain(always);
  }

  async #drain(always: boolean): Promise<void> {
    this.#draining = true;
    this.#deps.working(true);
    let must = always;
    // What else is being told in this moment belongs to the same turn.
    await null;
    try {
      while (this.#changes.length > 0 && !this.#closed.signal.aborted) {
        const changed = await this.#turn();
        if (changed || must) this.#act();
        this.#waits.tell(this.#record);
        must = false;
      }
      this.#draining = false;
      this.#look();
    } catch (error) {
      // A bug in one allocation's state must not take the other tasks of the machine along.
      const fields = { allocId: this.#record.alloc.id, error: errorText(error) };
      this.#deps.log("error", "running an allocation failed", fields);
      this.#draining = false;
    } finally {
      this.#deps.working(false);
    }
  }

  /** What the catalog and the clock may have decided. */
  #look(): void {
    if (this.#closed.signal.aborted) return;
    this.#health.look(this.#record);
    this.#checkRestart.look(this.#record);
  }

  /** Folds what has come in; true when the record on disk is a new one. */
  async #turn(): Promise<boolean> {
    const before = this.#record;
    let next = this.#fold(before);
    const fresh = !this.#restored && this.#acted === "";
    if (next === before && !fresh) return false;
    if (fresh) next = await this.#foresee(next);
    const news = fresh && !isStopKnown(next) ? "lines" : compareReports(before, next);
    if (news !== "none") next = { ...next, seq: next.seq + 1 };
    const written = await untilDone(this.#retry(), "writing allocation state", () =>
      this.#deps.store.write(next),
    );
    if (written === null) return false;
    this.#record = next;
    if (news !== "none") this.#deps.changed(next.alloc.id, news === "facts");
    return true;
  }

  /** What has come in, and what follows from it. */
  #fold(record: AllocRecord): AllocRecord {
    let next = record;
    for (const change of this.#changes.splice(0)) next = change(next);
    return this.#advance(next);
  }

  /** A setup that waits for nobody is over before the first write, and saves the second. */
  async #foresee(record: AllocRecord): Promise<AllocRecord> {
    for (const task of this.#tasks()) this.#loop(task).anticipate(record.tasks[task.name]);
    await nextTurn();
    let next = record;
    for (const task of this.#tasks()) {
      const input = this.#loop(task).foresee();
      if (input !== null) next = stepTask(next, task, input, this.#context());
    }
    return this.#fold(next);
  }

  /** Free ports are taken in the same turn: every turn costs a write to disk. */
  #advance(record: AllocRecord): AllocRecord {
    const next = advanceAlloc(record, this.#context());
    if (next.stage.kind !== "waiting") return next;
    if (!this.#deps.ports.claim(next.alloc.id, heldPorts(next.alloc)).ok) return next;
    return advanceAlloc(portsClaimed(next, this.#context()), this.#context());
  }

  #retry() {
    const { clock, random, log } = this.#deps;
    return { clock, random, log, closed: this.#closed.signal };
  }

  #act(): void {
    const record = this.#record;
    const restored = this.#restored;
    this.#restored = false;
    this.services.sync(record);
    for (const task of this.#tasks()) {
      const run = record.tasks[task.name];
      if (run === undefined) continue;
      if (handleOf(run) === null && run.phase.kind === "blocked") continue;
      this.#loop(task).sync(run, restored);
    }
    if (record.stage.kind === this.#acted) {
      if (record.stage.kind === "done" && record.removed) void this.#forget();
      return;
    }
    this.#acted = record.stage.kind;
    this.#enterStage(record);
  }

  #enterStage(record: AllocRecord): void {
    this.#timer?.();
    this.#timer = null;
    // One that was stopped while it waited must not take ports that it would never give back.
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    this.#pull?.abort();
    this.#pull = null;
    switch (record.stage.kind) {
      case "preparing":
        void this.#prepare();
        return;
      case "waiting":
        this.#claimPorts();
        return;
      case "leaving":
        void this.#leaveCatalog();
        return;
      case "delaying":
        this.#timer = timerAt(this.#deps.clock, record.stage.wakeAt, () =>
          this.#apply((r) => delayOver(r, this.#context())),
        );
        return;
      case "done":
        this.#deps.ports.release(record.alloc.id);
        this.#deps.ended(record.alloc.id);
        if (record.removed) void this.#forget();
        return;
      case "running":
        this.#limitRun(record);
        return;
      case "stopping":
        return;
    }
  }

  #limitRun(record: AllocRecord): void {
    const at = runsUntil(record);
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = timerAt(this.#deps.clock, at, () =>
      this.cutOff("allocation exceeded max_run_duration"),
    );
  }

  #claimPorts(): void {
    const { ports } = this.#deps;
    const claim = (): boolean => {
      const { alloc } = this.#record;
      if (!ports.claim(alloc.id, heldPorts(alloc)).ok) return false;
      this.#stopWaiting?.();
      this.#stopWaiting = null;
      this.#apply((record) => portsClaimed(record, this.#context()));
      return true;
    };
    if (!claim()) this.#stopWaiting = ports.onRelease(claim);
  }

  async #leaveCatalog(): Promise<void> {
    const graceMs = await this.services.leave(null);
    this.#apply((record) => servicesGone(record, graceMs, this.#context()));
  }

  #createServices(): AllocServices {
    const { hostAddress, deregisterAckTimeoutMs, consumerGraceMs } = this.#options;
    const { log, clock, node, discovery } = this.#deps;
    return new AllocServices(
      { hostAddress, ackTimeoutMs: deregisterAckTimeoutMs, consumerGraceMs },
      {
        ...{ log, clock, node, discovery },
        lookup: (record, task) => environmentOf({ ...this.#requestInput(task, {}), record }).lookup,
        unconfirmed: (names, only) => {
          const event = deregisterUnconfirmed(clock.now(), names);
          for (const task of only === null ? this.#tasks() : [only]) {
            this.#post(task, { kind: "noted", event });
          }
        },
      },
    );
  }

  async #prepare(): Promise<void> {
    const pull = new AbortController();
    this.#pull = pull;
    const outcome = await prepareAlloc(this.#tasks(), {
      ...this.#retry(),
      closed: AbortSignal.any([pull.signal, this.#closed.signal]),
      wanted: () => !isStopKnown(this.#record),
      driver: this.#deps.driver,
      request: async (task) => this.#request(task, await this.#setup(task)),
      imagesReady: (driver, request, digest) => this.#imagesReady(driver, request, digest),
      trouble: (task, error) => {
        const event = driverFailure(this.#deps.clock.now(), errorText(error));
        this.#post(task, { kind: "noted", event });
      },
    });
    if (outcome.kind === "prepared") this.#apply(prepared);
    if (outcome.kind !== "refused") return;
    const { task, message } = outcome;
    this.#apply((record) => prepareFailed(record, task, message, this.#context()));
  }

  #imagesReady(driver: TaskDriver, request: TaskStartRequest, digest: string): void {
    if (digest === "") return;
    const digests: Record<string, string> = {};
    for (const image of driver.images(request.config)) digests[image] = digest;
    this.#deps.imagesPresent(digests);
    this.#apply((record) => withDigests(record, digests));
  }

  async #setup(task: Task): Promise<Readonly<Record<string, string>>> {
    this.services.refuseBad(this.#record);
    const env = environmentOf(this.#requestInput(task, {}));
    const { disk } = this.#deps;
    return await setupTask({ task, job: this.#record.job, paths: this.paths, env, disk });
  }

  #request(task: Task, templated: Readonly<Record<string, string>>): TaskStartRequest {
    return startRequest(this.#requestInput(task, templated));
  }

  #requestInput(task: Task, templated: Readonly<Record<string, string>>) {
    return {
      record: this.#record,
      task,
      node: this.#deps.node(),
      clusterId: this.#deps.clusterId(),
      paths: this.paths,
      templated,
      images: (config: TaskStartRequest["config"]) =>
        this.#deps.driver(task.driver)?.images(config) ?? [],
    };
  }

  #loop(task: Task): TaskLoop {
    const known = this.#loops.get(task.name);
    if (known !== undefined) return known;
    const owner = { clusterId: this.#deps.clusterId(), nodeId: this.#deps.node().id };
    const driver = this.#deps.driver(task.driver);
    const loop = new TaskLoop({
      ...this.#retry(),
      driver,
      maxKillTimeoutMs: this.#options.maxKillTimeoutMs,
      identity: taskIdentity(this.#record, task.name, owner),
      task: () => this.#tasks().find((t) => t.name === task.name) ?? task,
      setup: async () => this.#request(task, await this.#setup(task)),
      prepared: (request, ready) => {
        if (driver !== undefined) this.#imagesReady(driver, request, ready.imageDigest);
      },
      leave: () => this.services.leave(task),
      post: (input) => this.#post(task, input),
    });
    this.#loops.set(task.name, loop);
    return loop;
  }

  async #forget(): Promise<void> {
    const { id } = this.#record.alloc;
    await this.services.leave(null);
    const done = await untilDone(this.#retry(), "removing allocation state", async () => {
      await this.removeFiles();
      await this.#deps.store.remove(id);
    });
    if (done !== null) this.#deps.forgotten(id);
  }
}
