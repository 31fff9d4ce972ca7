/**
 * The latest events of this server (DESIGN §6), kept once for all readers: a reader is a position
 * and holds nothing of its own, so one that does not read costs no memory. When the ring has moved
 * past a reader, it is cut off and told from where to resume. What is missing for another
 * reason (asked for too late, or replaced by a snapshot) is marked as a gap.
 */
import type { StateEvent } from "@drover/state";
import type { Applied } from "./context.ts";

export interface EventRingLimits {
  readonly entries: number;
  /** Of all entries together: one plan alone may have thousands, and each holds a whole row. */
  readonly events: number;
  /** Of the commands that made them, which is about what their rows take. */
  readonly bytes: number;
}

const LIMITS: EventRingLimits = { entries: 4_096, events: 20_000, bytes: 32 << 20 };
/** A reader that names no index starts with this share of the ring, and so has room to be slow. */
const REPLAY_SHARE = 0.25;

export interface EventEntry {
  readonly index: number;
  readonly bytes: number;
  readonly events: readonly StateEvent[];
}

export type EventRead =
  | { readonly kind: "entry"; readonly entry: EventEntry }
  /** Events of the indexes `from` to `to` are not here, and it is not the reader's fault. */
  | { readonly kind: "gap"; readonly from: number; readonly to: number }
  /** The reader was slower than the ring; whoever goes on from `resumeIndex` is told of the gap. */
  | { readonly kind: "overtaken"; readonly resumeIndex: number }
  | { readonly kind: "none" };

export interface EventReader {
  next(): EventRead;
}

interface Size {
  entries: number;
  events: number;
  bytes: number;
}

export class EventRing {
  readonly #limits: EventRingLimits;
  readonly #entries: EventEntry[] = [];
  readonly #size: Size = { entries: 0, events: 0, bytes: 0 };
  readonly #waiting = new Set<() => void>();
  /** Entries up to here are not in the ring any more. */
  #forgottenIndex = 0;
  /** Up to here a snapshot has replaced the log: nobody was told of these entries. */
  #resetIndex = 0;

  constructor(limits: EventRingLimits = LIMITS) {
    this.#limits = limits;
  }

  append({ index, bytes, events }: Pick<Applied, "index" | "bytes" | "events">): void {
    if (events.length === 0) return;
    const entry = { index, bytes, events };
    this.#entries.push(entry);
    grow(this.#size, entry, 1);
    while (this.#entries.length > 1 && exceeds(this.#size, this.#limits, 1)) {
      const oldest = this.#entries.shift() as EventEntry;
      grow(this.#size, oldest, -1);
      this.#forgottenIndex = oldest.index;
    }
    this.#wake();
  }

  /** The state was replaced: what lies between is unknown. */
  reset(index: number): void {
    this.#entries.length = 0;
    Object.assign(this.#size, { entries: 0, events: 0, bytes: 0 });
    this.#forgottenIndex = index;
    this.#resetIndex = index;
    this.#wake();
  }

  /** Reads from `fromIndex` on, that index included; 0 = the latest that are here. */
  reader(fromIndex: number): EventReader {
    let nextIndex = fromIndex > 0 ? fromIndex : this.#replayIndex();
    const askedTooLate = this.#forgottenIndex;
    return {
      next: () => {
        const excused = Math.max(askedTooLate, this.#resetIndex);
        if (nextIndex <= excused) {
          const from = nextIndex;
          nextIndex = excused + 1;
          return { kind: "gap", from, to: excused };
        }
        if (nextIndex <= this.#forgottenIndex) {
          return { kind: "overtaken", resumeIndex: nextIndex };
        }
        const entry = this.#entries[this.#find(nextIndex)];
        if (!entry) return { kind: "none" };
        nextIndex = entry.index + 1;
        return { kind: "entry", entry };
      },
    };
  }

  /** Called, once, when there may be more to read; returns the cancellation. */
  onMore(fn: () => void): () => void {
    this.#waiting.add(fn);
    return () => this.#waiting.delete(fn);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const fn of waiting) fn();
  }

  #replayIndex(): number {
    const size: Size = { entries: 0, events: 0, bytes: 0 };
    let first = this.#forgottenIndex + 1;
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at] as EventEntry;
      grow(size, entry, 1);
      if (size.entries > 1 && exceeds(size, this.#limits, REPLAY_SHARE)) return first;
      first = entry.index;
    }
    return this.#forgottenIndex + 1;
  }

  /** Position of the first entry with this index or a later one. */
  #find(index: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as EventEntry).index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function grow(size: Size, entry: EventEntry, sign: 1 | -1): void {
  size.entries += sign;
  size.events += sign * entry.events.length;
  size.bytes += sign * entry.bytes;
}

function exceeds(size: Size, limits: EventRingLimits, share: number): boolean {
  return (
    size.entries > limits.entries * share ||
    size.events > limits.events * share ||
    size.bytes > limits.bytes * share
  );
}
