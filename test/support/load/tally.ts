/** Counts how requests ended. */
import type { ConnectionKind, Failure, LoadReport } from "./report.ts";

export class Tally {
  readonly #byConnection: Record<ConnectionKind, number> = { new: 0, reused: 0, held: 0, slow: 0 };
  readonly #failures: Failure[] = [];
  /** Requests ended in each second since the beginning. */
  readonly #seconds: number[] = [];
  readonly #instances = new Set<string>();
  readonly #inFlight = new Set<string>();
  readonly #held = new Set<string>();
  readonly #beganAt = performance.now();
  #requests = 0;
  #offered: { readonly requests: number; readonly tookMs: number } | null = null;

  /** No more are begun from now on: those that still run do not count towards the rate. */
  offered(): void {
    this.#offered = { requests: this.#requests, tookMs: performance.now() - this.#beganAt };
  }

  answered(on: ConnectionKind, from: { readonly instance: string; readonly stopping: boolean }) {
    this.#end(on);
    this.#instances.add(from.instance);
    if (from.stopping) this.#inFlight.add(from.instance);
  }

  failed(failure: Failure): void {
    this.#end(failure.on);
    this.#failures.push(failure);
  }

  /** A resting connection was closed by the process at its other end. */
  restEnded(instance: string): void {
    this.#held.add(instance);
  }

  report(late: Pick<LoadReport, "lagMaxMs" | "stallMaxMs">): LoadReport {
    const { requests, tookMs } = this.#offered ?? { requests: 0, tookMs: 0 };
    // Neither the first second, in which nothing was under way yet, nor the last, which is a part.
    const whole = this.#seconds.slice(1, Math.floor(tookMs / 1000));
    return {
      requests: this.#requests,
      byConnection: this.#byConnection,
      failures: this.#failures,
      tookMs,
      perSecond: (requests * 1000) / tookMs,
      perSecondLowest: Math.min(...whole),
      instances: this.#instances.size,
      stoppedInFlight: this.#inFlight.size,
      stoppedHeld: this.#held.size,
      ...late,
    };
  }

  #end(on: ConnectionKind): void {
    this.#requests += 1;
    this.#byConnection[on] += 1;
    const second = Math.floor((performance.now() - this.#beganAt) / 1000);
    while (this.#seconds.length <= second) this.#seconds.push(0);
    this.#seconds[second] = (this.#seconds[second] ?? 0) + 1;
  }
}
