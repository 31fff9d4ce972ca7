/**
 * The latest events of this server, for `/v1/event/stream` (spec chapter 8 §8.10). Per server, not
 * replicated: after a snapshot was installed the ring says that there is a gap.
 */
import type { StateEvent } from "../commands/command.ts";

/** The events of one log entry. */
export interface EventBatch {
  readonly index: number;
  readonly events: readonly StateEvent[];
  /** Entries between the batch before and this one were never seen here. */
  readonly afterGap: boolean;
}

export class EventRing {
  readonly #capacity: number;
  readonly #listeners = new Set<(batch: EventBatch) => void>();
  #batches: EventBatch[] = [];
  #isGapped = false;

  constructor(capacity = 100) {
    this.#capacity = capacity;
  }

  push(index: number, events: readonly StateEvent[]): void {
    if (events.length === 0) return;
    const batch = { index, events, afterGap: this.#isGapped };
    this.#isGapped = false;
    this.#batches.push(batch);
    if (this.#batches.length > this.#capacity) this.#batches.shift();
    for (const listener of this.#listeners) listener(batch);
  }

  /** What came before is not continued by what comes next. */
  markGap(): void {
    this.#batches = [];
    this.#isGapped = true;
  }

  /** Buffered batches from the one closest to `index` on; 0 = all. */
  since(index: number): readonly EventBatch[] {
    const at = this.#batches.findIndex((batch) => batch.index >= index);
    return at < 0 ? [] : this.#batches.slice(at);
  }

  subscribe(listener: (batch: EventBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
