/**
 * Time as this server's loops see it. Replicated time never goes back (DESIGN §6): on a leader
 * whose wall clock is behind it, it would stand still, and every deadline with it, until the wall
 * clock has caught up; on one whose wall clock is ahead, every deadline would be over at once. So a
 * leader goes on from the median of the servers' clocks, or from the replicated time where that is
 * later, at the pace of its own clock. When somebody sets that clock in the middle of a leadership,
 * no deadline comes sooner or later for it.
 */
import type { Cancel, Clock } from "@drover/base";

/** What a time service corrects bit by bit is followed; more at once is a step. */
const STEP_MS = 500;

export class SteadyClock implements Clock {
  readonly #wall: Clock;
  /** Milliseconds since some moment; nobody sets it. */
  readonly #uptime: () => number;
  /** Of the wall clock; negative where that is ahead itself. */
  #aheadMs = 0;
  /** Of the wall clock, of what has been up. */
  #leadMs: number;

  constructor(wall: Clock, uptime: () => number) {
    this.#wall = wall;
    this.#uptime = uptime;
    this.#leadMs = wall.now() - uptime();
  }

  now(): number {
    this.#absorbStep();
    return this.#wall.now() + this.#aheadMs;
  }

  setTimer(at: number, fn: () => void): Cancel {
    this.#absorbStep();
    return this.#wall.setTimer(at - this.#aheadMs, fn);
  }

  #absorbStep(): void {
    const leadMs = this.#wall.now() - this.#uptime();
    const stepMs = leadMs - this.#leadMs;
    this.#leadMs = leadMs;
    if (Math.abs(stepMs) > STEP_MS) this.#aheadMs -= Math.round(stepMs);
  }

  /**
   * Called when leadership begins, with how far the servers' median is ahead of the wall clock, ms.
   * Answers how far time is ahead of it from now on.
   */
  startFrom(replicated: number, medianMs: number): number {
    this.#leadMs = this.#wall.now() - this.#uptime();
    this.#aheadMs = Math.max(medianMs, replicated - this.#wall.now());
    return this.#aheadMs;
  }
}
