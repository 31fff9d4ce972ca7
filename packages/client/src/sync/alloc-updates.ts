/**
 * Tells the servers what became of allocations. What changes in one turn of the event loop leaves
 * in one message; nothing is forgotten until it has been acknowledged (DESIGN §7, §8).
 */
import { type Cancel, type Clock, errorText, type Random } from "@drover/base";
import type { AllocClientReport } from "@drover/model";
import type { Log } from "../options.ts";

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
const LINES_DELAY_MS = 200;
/** Under load: news wait for others that are being written to disk, never longer than this. */
const HOLD_MS_MAX = 50;
/** Keeps one message well under the size of a log entry. */
const REPORTS_MAX = 256;

export interface AllocUpdatesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Resolves once committed. */
  send(reports: readonly AllocClientReport[]): Promise<void>;
  /** The newest report; null when the allocation has been forgotten. */
  report(allocId: string): AllocClientReport | null;
  /** Allocations are being worked on right now: their news can travel along. */
  busy(): boolean;
}

export class AllocUpdates {
  readonly #deps: AllocUpdatesDeps;
  readonly #dirty = new Set<string>();
  #online = false;
  #sending = false;
  #scheduled = false;
  #retryMs = FIRST_RETRY_MS;
  #timer: Cancel | null = null;
  /** The last message was not accepted: the next one waits for its turn. */
  #failing = false;
  #cancelHold: Cancel | null = null;

  constructor(deps: AllocUpdatesDeps) {
    this.#deps = deps;
  }

  get pending(): number {
    return this.#dirty.size;
  }

  /** Lines of history that nobody acts on wait a little for the next fact to travel with. */
  changed(allocId: string, urgent: boolean): void {
    this.#dirty.add(allocId);
    if (urgent) this.#schedule();
    else if (this.#timer === null && !this.#sending) this.#scheduleIn(LINES_DELAY_MS);
  }

  /** The session is open: everything that was not acknowledged goes again. */
  online(): void {
    this.#online = true;
    this.#failing = false;
    this.#retryMs = FIRST_RETRY_MS;
    this.#schedule();
  }

  offline(): void {
    this.#online = false;
    this.#timer?.();
    this.#timer = null;
    this.#cancelHold?.();
    this.#cancelHold = null;
    this.#scheduled = false;
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending || !this.#online || this.#failing) return;
    if (this.#dirty.size === 0) return;
    this.#timer?.();
    this.#timer = null;
    this.#scheduled = true;
    const { clock } = this.#deps;
    this.#cancelHold = clock.setTimer(clock.now() + HOLD_MS_MAX, () => this.#release());
    setImmediate(() => this.settled());
  }

  /** Work on an allocation is done: nothing more to wait for, perhaps. */
  settled(): void {
    if (this.#scheduled && !this.#deps.busy()) this.#release();
  }

  #release(): void {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    this.#cancelHold?.();
    this.#cancelHold = null;
    void this.#flush();
  }

  async #flush(): Promise<void> {
    if (!this.#online || this.#sending) return;
    const ids = [...this.#dirty].slice(0, REPORTS_MAX);
    for (const id of ids) this.#dirty.delete(id);
    const reports = ids.flatMap((id) => this.#deps.report(id) ?? []);
    if (reports.length === 0) return;
    this.#sending = true;
    try {
      await this.#deps.send(reports);
      this.#retryMs = FIRST_RETRY_MS;
      this.#failing = false;
    } catch (error) {
      this.#failing = true;
      for (const id of ids) this.#dirty.add(id);
      this.#deps.log("warn", "allocation updates were not accepted", { error: errorText(error) });
      this.#retryLater();
    } finally {
      this.#sending = false;
    }
    this.#schedule();
  }

  #retryLater(): void {
    if (!this.#online) return;
    const delayMs = this.#retryMs * (0.75 + 0.5 * this.#deps.random.next());
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#scheduleIn(delayMs);
  }

  #scheduleIn(delayMs: number): void {
    const { clock } = this.#deps;
    this.#timer?.();
    this.#timer = clock.setTimer(clock.now() + delayMs, () => {
      this.#timer = null;
      this.#failing = false;
      this.#schedule();
    });
  }
}
