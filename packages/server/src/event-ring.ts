/**
 * The latest events of this server (DESIGN §6): enough for a reader that comes back soon. After a
 * snapshot install, or for an index older than the ring, the reader is told of the gap.
 */
import type { StateEvent } from "@drover/state";
import type { Applied } from "./context.ts";

const ENTRIES_MAX = 1000;
/** Of all entries together: one plan alone may have thousands, and each holds a whole row. */
const EVENTS_MAX = 20_000;

export interface EventEntry {
  readonly index: number;
  readonly events: readonly StateEvent[];
}

export interface EventSubscription {
  /** True when entries after the asked index are no longer here. */
  readonly gap: boolean;
  /** Index of the first entry that is told. */
  readonly firstIndex: number;
  cancel(): void;
}

export class EventRing {
  readonly #entries: EventEntry[] = [];
  readonly #readers = new Set<(entry: EventEntry) => void>();
  #events = 0;
  /** Entries up to here are not in the ring any more. */
  #forgottenIndex = 0;

  append(applied: Applied): void {
    if (applied.events.length === 0) return;
    const entry = { index: applied.index, events: applied.events };
    this.#entries.push(entry);
    this.#events += entry.events.length;
    while (this.#entries.length > 1 && this.#isFull()) {
      const oldest = this.#entries.shift();
      this.#events -= oldest?.events.length ?? 0;
      this.#forgottenIndex = oldest?.index ?? this.#forgottenIndex;
    }
    for (const reader of this.#readers) reader(entry);
  }

  /** The state was replaced: what lies between is unknown. */
  reset(index: number): void {
    this.#entries.length = 0;
    this.#events = 0;
    this.#forgottenIndex = index;
  }

  #isFull(): boolean {
    return this.#entries.length > ENTRIES_MAX || this.#events > EVENTS_MAX;
  }

  /** Tells what is still here from `fromIndex` on, then everything new. 0 = all that is here. */
  subscribe(fromIndex: number, reader: (entry: EventEntry) => void): EventSubscription {
    const held = this.#entries.filter((entry) => entry.index >= fromIndex);
    const gap = fromIndex > 0 && fromIndex <= this.#forgottenIndex;
    for (const entry of held) reader(entry);
    this.#readers.add(reader);
    return {
      gap,
      firstIndex: held[0]?.index ?? this.#forgottenIndex,
      cancel: () => this.#readers.delete(reader),
    };
  }
}
