/**
 * Time as this server's loops see it. Replicated time never goes back (DESIGN §6): on a leader
 * whose wall clock is behind it, it would stand still, and every deadline with it, until the wall
 * clock has caught up. So such a leader goes on from the replicated time at the pace of its clock.
 */
import type { Cancel, Clock } from "@drover/base";

export class SteadyClock implements Clock {
  readonly #wall: Clock;
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

  /** Called when leadership begins; answers how far the wall clock is behind, ms. */
  startFrom(replicated: number): number {
    this.#aheadMs = Math.max(0, replicated - this.#wall.now());
    return this.#aheadMs;
  }
}
