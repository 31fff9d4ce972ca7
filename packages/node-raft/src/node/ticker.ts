/**
 * Calls once per tick on an absolute schedule and says how late it was. After a pause of the
 * process the missed ticks are not made up for: a member that slept must not campaign at once.
 */
import type { RaftTimers } from "./api.ts";

export class Ticker {
  readonly #timers: RaftTimers;
  readonly #tickMs: number;
  readonly #onTick: (lateMs: number) => void;
  #cancel: (() => void) | null = null;
  #dueAt = 0;

  constructor(timers: RaftTimers, tickMs: number, onTick: (lateMs: number) => void) {
    this.#timers = timers;
    this.#tickMs = tickMs;
    this.#onTick = onTick;
  }

  start(): void {
    this.#dueAt = this.#timers.now();
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #schedule(): void {
    const now = this.#timers.now();
    this.#dueAt = Math.max(this.#dueAt + this.#tickMs, now);
    this.#cancel = this.#timers.after(this.#dueAt - now, () => {
      const lateMs = this.#timers.now() - this.#dueAt;
      this.#schedule();
      this.#onTick(lateMs);
    });
  }
}
