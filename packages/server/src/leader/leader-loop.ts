/**
 * The runner that all loops of the leader share (DESIGN §7): a full pass on leadership, then a pass
 * whenever something changed or `wakeAt` is reached, each from a fresh snapshot. A pass never runs
 * beside itself. A loop keeps nothing that a new leader could not rebuild from state.
 */
import type { Cancel, Clock } from "@drover/base";
import { DroverError, errorText } from "@drover/base";
import type { Log } from "../context.ts";

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;

export interface LoopPass {
  /** Epoch ms of the next pass if nothing changes before; null = only on change. */
  readonly wakeAt: number | null;
}

export class LeaderLoop {
  readonly #name: string;
  readonly #pass: () => Promise<LoopPass>;
  readonly #clock: Clock;
  readonly #log: Log;
  #active = false;
  #running = false;
  #again = false;
  #retryMs = RETRY_MIN_MS;
  #cancelTimer: Cancel | null = null;

  constructor(
    options: { name: string; pass: () => Promise<LoopPass> },
    deps: { clock: Clock; log: Log },
  ) {
    this.#name = options.name;
    this.#pass = options.pass;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  start(): void {
    this.#active = true;
    this.#retryMs = RETRY_MIN_MS;
    this.wake();
  }

  stop(): void {
    this.#active = false;
    this.#disarm();
  }

  wake(): void {
    if (!this.#active) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    // A turn later, so that one entry with many changes makes one pass.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    this.#disarm();
    if (!this.#active) {
      this.#running = false;
      return;
    }
    let wakeAt: number | null = null;
    try {
      do {
        this.#again = false;
        wakeAt = (await this.#pass()).wakeAt;
      } while (this.#again && this.#active);
      this.#retryMs = RETRY_MIN_MS;
    } catch (error) {
      this.#log("warn", `${this.#name}: pass failed, trying again`, { error: errorText(error) });
      wakeAt = this.#clock.now() + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    }
    this.#running = false;
    if (!this.#active) return;
    if (this.#again) {
      this.wake();
      return;
    }
    if (wakeAt !== null) this.#cancelTimer = this.#clock.setTimer(wakeAt, () => this.wake());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}

/**
 * Acts on every item of a pass: one that is refused must not keep the others waiting. Throws what
 * failed first, so that the pass comes again; when the log itself does not answer, at once.
 */
export async function actOnEach<T>(
  items: Iterable<T>,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await act(item);
    } catch (error) {
      if (error instanceof DroverError && error.retryable) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
