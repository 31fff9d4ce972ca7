/**
 * What is really the case, seen from outside: the newest committed state, the containers of all
 * engines and the catalog. Passes each event to every checker.
 */
import type { Allocation, Job } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import type { AppliedEntry, ClusterChecker } from "../checkers/checker.ts";
import { MAIN_TASK } from "../jobs.ts";
import type { SimCatalog } from "./catalog.ts";
import type { Container, EngineWatcher, SimEngine } from "./engine.ts";

export interface TruthDeps {
  readonly now: () => number;
  readonly checkers: readonly ClusterChecker[];
  /** Catches what a checker throws inside production code. */
  readonly guard: (fn: () => void) => void;
  /** For the log of a run. */
  readonly tell: (entry: AppliedEntry) => void;
  readonly note: (kind: string, ...parts: (string | number)[]) => void;
}

export class Truth implements EngineWatcher {
  readonly engines: SimEngine[] = [];
  catalog: SimCatalog | null = null;
  readonly #deps: TruthDeps;
  #state: StateSnapshot | null = null;
  /** Allocations that were seen serving at least once. */
  readonly #served = new Set<string>();
  /** Allocations that an operator had restarted. */
  readonly #restarted = new Set<string>();

  constructor(deps: TruthDeps) {
    this.#deps = deps;
  }

  /** Simulated milliseconds. */
  get now(): number {
    return this.#deps.now();
  }

  /** The newest committed state that any server has applied. */
  get state(): StateSnapshot | null {
    return this.#state;
  }

  applied(entry: AppliedEntry): void {
    if (entry.after.index <= (this.#state?.index ?? 0)) return;
    this.#state = entry.after;
    this.#deps.note("commit", entry.after.index, entry.command.tag);
    this.#deps.tell(entry);
    for (const checker of this.#deps.checkers) checker.applied?.(entry, this);
  }

  /** A write was answered well. */
  acknowledged(token: string): void {
    this.#deps.guard(() => {
      for (const checker of this.#deps.checkers) checker.acknowledged?.(token);
    });
  }

  /** A server has replaced its state by a snapshot. */
  restored(state: StateSnapshot): void {
    for (const checker of this.#deps.checkers) checker.restored?.(state);
  }

  restarting(allocId: string): void {
    this.#restarted.add(allocId);
  }

  mayRestart(allocId: string): boolean {
    return this.#restarted.has(allocId);
  }

  started(engine: SimEngine, container: Container): void {
    this.#deps.note("container start", engine.host, container.name, container.image);
    this.#deps.guard(() => {
      for (const checker of this.#deps.checkers) checker.started?.(engine, container, this);
    });
    this.changed();
  }

  stopping(engine: SimEngine, container: Container): void {
    this.#deps.note("container stop", engine.host, container.name);
    this.#deps.guard(() => {
      for (const checker of this.#deps.checkers) checker.stopping?.(engine, container, this);
    });
  }

  ended(engine: SimEngine, container: Container): void {
    const exitCode = container.exit?.exitCode ?? 0;
    this.#deps.note("container end", engine.host, container.name, exitCode);
    this.changed();
  }

  changed(): void {
    this.#deps.guard(() => {
      for (const alloc of this.#state?.allocs() ?? []) {
        if (!this.#served.has(alloc.id) && this.serves(alloc)) this.#served.add(alloc.id);
      }
      for (const checker of this.#deps.checkers) checker.changed?.(this);
    });
  }

  /** Once a second after everything is healed; `now`: the leader's clock. */
  look(now: number): void {
    if (this.#state === null) return;
    for (const checker of this.#deps.checkers) checker.looked?.(this.#state, now);
  }

  /** `servers`: the state of each that is up. */
  quiescent(servers: readonly StateSnapshot[] = []): void {
    for (const checker of this.#deps.checkers) checker.quiescent?.(this, servers);
  }

  hasServed(allocId: string): boolean {
    return this.#served.has(allocId);
  }

  containersOf(allocId: string): { engine: SimEngine; container: Container }[] {
    return this.engines.flatMap((engine) =>
      engine
        .running()
        .filter((container) => container.identity.allocId === allocId)
        .map((container) => ({ engine, container })),
    );
  }

  isRunning(alloc: Allocation): boolean {
    const engine = this.engines.find(({ nodeId }) => nodeId === alloc.nodeId);
    return engine !== undefined && mainContainer(engine, alloc.id) !== undefined;
  }

  /** As its job wants it judged: by its checks, or by its container alone (`health_check`). */
  serves(alloc: Allocation): boolean {
    const job = this.#state?.allocJob(alloc);
    const group = job?.taskGroups.find(({ name }) => name === alloc.taskGroup);
    const byChecks = (group?.update?.healthCheck ?? "checks") === "checks";
    return byChecks ? this.isServing(alloc) : this.isRunning(alloc);
  }

  /** Its container runs and works, and consumers of its services can find it. */
  isServing(alloc: Allocation): boolean {
    const engine = this.engines.find(({ nodeId }) => nodeId === alloc.nodeId);
    const container = engine === undefined ? undefined : mainContainer(engine, alloc.id);
    if (container === undefined) return false;
    const group = this.#state?.allocJob(alloc)?.taskGroups.find((g) => g.name === alloc.taskGroup);
    const wanted = (group?.services.length ?? 0) + countTaskServices(group);
    // Without a service nobody asks whether it works.
    if (wanted === 0) return true;
    if (container.readyAt > this.now) return false;
    const registered = [...(this.catalog?.services.values() ?? [])].filter(
      ({ spec, status }) => spec.allocId === alloc.id && status === "passing",
    );
    return registered.length >= wanted;
  }
}

function countTaskServices(group: Job["taskGroups"][number] | undefined): number {
  return group?.tasks.reduce((sum, task) => sum + task.services.length, 0) ?? 0;
}

/**
 * Allocations of a registration's group that the servers want to run and that can still do so; what
 * is out of reach may be replaced, and counts again when it is back (chapter 3.10).
 */
export function desiredToRun(state: StateSnapshot, job: Job, group: string): Allocation[] {
  return state
    .allocsByJob(job)
    .filter((alloc) => alloc.taskGroup === group && alloc.jobCreateIndex === job.createIndex)
    .filter((alloc) => alloc.desiredStatus === "run" && !hasEnded(alloc))
    .filter((alloc) => alloc.phase !== "prepare" && alloc.clientStatus !== "unknown");
}

/** Of the task that the allocation is there for, while it runs. */
export function mainContainer(engine: SimEngine, allocId: string): Container | undefined {
  for (const container of engine.containers.values()) {
    const { identity, exit } = container;
    if (identity.allocId === allocId && identity.taskName === MAIN_TASK && exit === null) {
      return container;
    }
  }
  return undefined;
}

export function hasEnded(alloc: Pick<Allocation, "clientStatus">): boolean {
  return ["complete", "failed", "lost"].includes(alloc.clientStatus);
}
