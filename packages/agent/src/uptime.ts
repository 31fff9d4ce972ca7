/** Time that nobody sets, with what the machine has slept. */

/** Milliseconds each, since moments of their own. */
interface Times {
  /** Can be set. */
  wall(): number;
  /** Stands while the machine sleeps. */
  awake(): number;
  /** Of the machine, its sleep included; asking takes microseconds. */
  up(): number;
}

/** Far less than what the servers' clock takes for a step. */
const TOLERANCE_MS = 100;

/**
 * After a sleep the wall clock is ahead, and yet nobody has set it. What the machine has slept is
 * looked at when the wall clock has moved otherwise than the time that the program has been awake.
 */
export class Uptime {
  readonly #times: Times;
  readonly #startedAt: number;
  #leadMs: number;
  #asleepMs = 0;

  constructor(times: Times) {
    this.#times = times;
    this.#startedAt = times.up() - times.awake();
    this.#leadMs = times.wall() - times.awake();
  }

  readonly now = (): number => {
    const awake = this.#times.awake();
    const leadMs = this.#times.wall() - awake;
    if (Math.abs(leadMs - this.#leadMs) > TOLERANCE_MS) {
      this.#leadMs = leadMs;
      // What counts the machine's time is coarser than this: it may seem to have slept less.
      const asleepMs = this.#times.up() - awake - this.#startedAt;
      this.#asleepMs = Math.max(this.#asleepMs, asleepMs);
    }
    return awake + this.#asleepMs;
  };
}
