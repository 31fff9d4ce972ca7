/**
 * One life of a simulated program. Whatever enters it comes through `run`: now, when it goes on
 * after a pause, or never once it has died. What the old life still does then reaches nobody.
 */
import type { Clock, Random } from "@drover/base";
import { hashLabel } from "@drover/base";
import type { SimClock } from "@raft/node-raft/sim";

/** 2026-01-01: the wall clock of a world that has just begun. */
export const EPOCH_MS = 1_767_225_600_000;
/** A timer that fires at an instant must find it reached, whatever the rounding. */
const ROUNDING_MS = 0.01;

export class SimProcess {
  /** Machine it runs on. */
  readonly host: string;
  readonly time: SimClock;
  /** The wall clock of its machine, for production code. */
  readonly clock: Clock;
  #alive = true;
  #paused = false;
  #backlog: (() => void)[] = [];
  readonly #onEnd: (() => void)[] = [];

  /** `wallOffsetMs`: how far its machine's wall clock is ahead just now; it may step. */
  constructor(host: string, time: SimClock, wallOffsetMs: () => number) {
    this.host = host;
    this.time = time;
    this.clock = {
      now: () => Math.floor(EPOCH_MS + wallOffsetMs() + time.now),
      setTimer: (at, fn) => {
        const ms = at - EPOCH_MS - wallOffsetMs() - time.now;
        return this.after(Math.max(0, ms) + ROUNDING_MS, fn);
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Neither dead nor paused. */
  get responds(): boolean {
    return this.#alive && !this.#paused;
  }

  run(fn: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#backlog.push(fn);
    else fn();
  }

  after(ms: number, fn: () => void): () => void {
    let cancelled = false;
    const cancel = this.time.after(ms, () => {
      this.run(() => {
        if (!cancelled) fn();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const fn of this.#backlog.splice(0)) this.run(fn);
  }

  onEnd(fn: () => void): void {
    this.#onEnd.push(fn);
  }

  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#backlog = [];
    for (const fn of this.#onEnd.splice(0)) fn();
  }
}

/** Production's randomness over a seed of the simulation's. */
export class LabelledRandom implements Random {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  int(max: number): number {
    return Math.floor(this.next() * max);
  }

  fork(label: string): Random {
    return new LabelledRandom(this.#seed ^ hashLabel(label));
  }
}
