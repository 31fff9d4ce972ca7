/**
 * Time as this server's loops see it. Replicated time never goes back (DESIGN §6): on a leader
 * whose wall clock is behind it, it would stand still, and every deadline with it, until the wall
 * clock has caught up; on one whose wall clock is ahead, every deadline would be over at once. So a
 * leader goes on from the median of the servers' clocks, or from the replicated time where that is
 * later, at the pace of its own clock.
 */
import type { Cancel, Clock } from "@drover/base";

export class SteadyClock implements Clock {
  readonly #wall: Clock;
  /** Of the wall clock; negative where that is ahead itself. */
  #aheadMs = 0;

  constructor(wall: Clock) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall.now() + this.#aheadMs;
  }

  setTimer(at: number, fn: () => void): Cancel {
    return this.#wall.setTimer(at - this.#aheadMs, fn);
  }

  /**
   * Called when leadership begins, with how far the servers' median is ahead of the wall clock, ms.
   * Answers how far time is ahead of it from now on.
   */
  startFrom(replicated: number, medianMs: number): number {
    this.#aheadMs = Math.max(medianMs, replicated - this.#wall.now());
    return this.#aheadMs;
  }
}
