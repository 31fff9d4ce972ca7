/**
 * Wakes those who wait for a change. A wait is bound to the index its reader looked at: what has
 * changed since then ends it at once, so no wake-up is lost between look and wait. Waking too
 * often is allowed, too seldom is not: the reader looks again.
 */
import { isMatch, type TouchedKey, type WatchKey } from "./watch-key.ts";

/** Entries remembered for waits that begin after a change; older waits are woken at once. */
const HISTORY_MAX = 1024;
/** Of all of them together: a plan of a thousand allocations alone touches seven thousand. */
const HISTORY_KEYS_MAX = 16_384;

export interface Wait {
  /** Resolves with the index of the change; never rejects. */
  readonly promise: Promise<number>;
  /** Stops waiting; the promise stays unresolved. */
  cancel(): void;
}

interface Waiter {
  readonly keys: readonly WatchKey[];
  readonly wake: (index: number) => void;
}

interface Entry {
  readonly index: number;
  readonly touched: readonly TouchedKey[];
}

export class WatchHub {
  /** Waiters by table: a change looks only at those of its own tables. */
  readonly #waiters = new Map<string, Set<Waiter>>();
  #history: Entry[] = [];
  #historyKeys = 0;
  /** Changes up to here are forgotten. */
  #forgottenIndex: number;

  constructor(startIndex: number) {
    this.#forgottenIndex = startIndex;
  }

  get waiting(): number {
    const all = new Set<Waiter>();
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) all.add(waiter);
    return all.size;
  }

  changed(keys: readonly WatchKey[], afterIndex: number): Wait {
    const past = this.#changeAfter(keys, afterIndex);
    if (past !== undefined) return { promise: Promise.resolve(past), cancel: () => {} };
    let cancel = () => {};
    const promise = new Promise<number>((resolve) => {
      const waiter: Waiter = { keys, wake: resolve };
      for (const { table } of keys) this.#of(table).add(waiter);
      cancel = () => this.#forget(waiter);
    });
    return { promise, cancel: () => cancel() };
  }

  notify(index: number, touched: readonly TouchedKey[]): void {
    if (touched.length === 0) return;
    this.#remember({ index, touched });
    for (const key of touched) {
      for (const waiter of [...(this.#waiters.get(key.table) ?? [])]) {
        if (waiter.keys.some((watch) => isMatch(watch, key))) this.#wake(waiter, index);
      }
    }
  }

  /** Everything may have changed: a snapshot was installed. */
  wakeAll(index: number): void {
    this.#history = [];
    this.#historyKeys = 0;
    this.#forgottenIndex = index;
    for (const waiters of [...this.#waiters.values()]) {
      for (const waiter of [...waiters]) this.#wake(waiter, index);
    }
  }

  #remember(entry: Entry): void {
    this.#history.push(entry);
    this.#historyKeys += entry.touched.length;
    if (this.#history.length <= 2 * HISTORY_MAX && this.#historyKeys <= HISTORY_KEYS_MAX) return;
    // Half of it at a time; the newest stays, however much it touched.
    let gone = 0;
    while (gone < this.#history.length - 1) {
      const isEnough =
        this.#history.length - gone <= HISTORY_MAX && this.#historyKeys <= HISTORY_KEYS_MAX / 2;
      if (isEnough) break;
      const oldest = this.#history[gone++] as Entry;
      this.#historyKeys -= oldest.touched.length;
      this.#forgottenIndex = oldest.index;
    }
    this.#history = this.#history.slice(gone);
  }

  #changeAfter(keys: readonly WatchKey[], afterIndex: number): number | undefined {
    if (afterIndex < this.#forgottenIndex) return this.#forgottenIndex;
    for (const entry of this.#history) {
      if (entry.index <= afterIndex) continue;
      if (entry.touched.some((touched) => keys.some((key) => isMatch(key, touched)))) {
        return entry.index;
      }
    }
    return undefined;
  }

  #wake(waiter: Waiter, index: number): void {
    this.#forget(waiter);
    waiter.wake(index);
  }

  #forget(waiter: Waiter): void {
    for (const { table } of waiter.keys) this.#waiters.get(table)?.delete(waiter);
  }

  #of(table: string): Set<Waiter> {
    let waiters = this.#waiters.get(table);
    if (waiters === undefined) {
      waiters = new Set();
      this.#waiters.set(table, waiters);
    }
    return waiters;
  }
}
