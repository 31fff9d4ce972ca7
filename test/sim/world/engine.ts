/**
 * The container engine of one machine. It outlives the agent; what it has begun it finishes, though
 * nobody waits for the answer any more.
 */
import type { TaskExit, TaskIdentity } from "@drover/drivers";
import type { SimClock, SimRandom } from "@raft/node-raft/sim";
import { type ImageKind, imageKind } from "./images.ts";
import { EPOCH_MS } from "./process.ts";

const READY_MS: Readonly<Partial<Record<ImageKind, readonly [number, number]>>> = {
  slow: [3_000, 8_000],
};

export interface Container {
  /** Counts the containers of this engine: the id that a handle remembers. */
  readonly serial: number;
  readonly name: string;
  readonly identity: TaskIdentity;
  readonly image: string;
  readonly kind: ImageKind;
  readonly ports: readonly number[];
  readonly startedAt: number;
  /** Simulated time from which its check passes; Infinity = never. */
  readonly readyAt: number;
  exit: TaskExit | null;
  readonly waiters: Set<() => void>;
}

export interface EngineWatcher {
  started(engine: SimEngine, container: Container): void;
  /** An agent asks for the end of a container that runs. */
  stopping(engine: SimEngine, container: Container): void;
  ended(engine: SimEngine, container: Container): void;
}

export class SimEngine {
  readonly host: string;
  readonly nodeId: string;
  readonly time: SimClock;
  readonly random: SimRandom;
  readonly images = new Set<string>();
  readonly containers = new Map<string, Container>();
  /** Newest container of each task of each allocation, also when it has been removed. */
  readonly newest = new Map<string, Container>();
  /** False: the daemon does not answer; containers go on. */
  up = true;
  readonly #watcher: EngineWatcher;
  readonly #whenUp: (() => void)[] = [];
  #serial = 0;

  constructor(
    options: { readonly host: string; readonly nodeId: string },
    deps: { readonly time: SimClock; readonly random: SimRandom; readonly watcher: EngineWatcher },
  ) {
    this.host = options.host;
    this.nodeId = options.nodeId;
    this.time = deps.time;
    this.random = deps.random;
    this.#watcher = deps.watcher;
  }

  running(): Container[] {
    return [...this.containers.values()].filter((container) => container.exit === null);
  }

  /** Calls back at once, or when the daemon answers again. */
  whenUp(fn: () => void): void {
    if (this.up) fn();
    else this.#whenUp.push(fn);
  }

  outage(): void {
    this.up = false;
  }

  recover(): void {
    this.up = true;
    for (const fn of this.#whenUp.splice(0)) fn();
  }

  /** The name is the lock: one that is taken is not created again. */
  create(name: string, from: Pick<Container, "identity" | "image" | "ports">): Container {
    if (this.containers.has(name)) throw new Error(`409: ${name} exists`);
    const kind = imageKind(from.image);
    const [min, max] = READY_MS[kind] ?? [50, 800];
    const ready = this.time.now + this.random.between(min, max);
    this.#serial += 1;
    const container: Container = {
      ...from,
      serial: this.#serial,
      name,
      kind,
      startedAt: this.time.now,
      readyAt: kind === "sick" ? Number.POSITIVE_INFINITY : ready,
      exit: null,
      waiters: new Set(),
    };
    this.containers.set(name, container);
    this.newest.set(`${from.identity.allocId}/${from.identity.taskName}`, container);
    this.#watcher.started(this, container);
    if (kind === "crash") this.#exitIn(container, this.random.between(100, 2_500), 1);
    if (kind === "batch") this.#exitIn(container, this.random.between(1_000, 9_000), 0);
    if (kind === "hook") this.#exitIn(container, this.random.between(50, 900), 0);
    return container;
  }

  /** Sends the signal; the container ends when it pleases, or is killed. */
  signal(container: Container, killAfterMs: number): void {
    if (container.exit !== null) return;
    this.#watcher.stopping(this, container);
    const obeys = container.kind !== "stubborn";
    const ms = obeys ? this.random.between(5, 700) : killAfterMs;
    this.#exitIn(container, Math.min(ms, killAfterMs), obeys ? 0 : 137);
  }

  remove(name: string): void {
    const container = this.containers.get(name);
    if (container === undefined) return;
    if (container.exit === null) {
      this.#watcher.stopping(this, container);
      this.exit(container, 137);
    }
    this.containers.delete(name);
  }

  /** Ends by itself or by an accident. */
  exit(container: Container, exitCode: number): void {
    if (container.exit !== null) return;
    container.exit = {
      exitCode,
      signal: 0,
      oomKilled: false,
      error: "",
      finishedAt: Math.floor(EPOCH_MS + this.time.now),
    };
    for (const wake of [...container.waiters]) wake();
    this.#watcher.ended(this, container);
  }

  /** The machine loses power. Nothing runs when it is back. */
  powerLoss(): void {
    for (const container of this.running()) {
      container.waiters.clear();
      this.exit(container, 137);
    }
    this.up = true;
    this.#whenUp.length = 0;
  }

  #exitIn(container: Container, ms: number, exitCode: number): void {
    this.time.after(ms, () => this.exit(container, exitCode));
  }
}
