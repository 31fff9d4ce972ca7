/**
 * The configurations that the log holds. The newest one is in force from the moment it is appended,
 * committed or not, and truncation rolls it back (paper §6; RAFT.md §2.5 row 2).
 */
import { assert } from "./assert.ts";
import type { ConfState } from "./types.ts";

interface ConfAt {
  readonly index: number;
  readonly conf: ConfState;
}

export class ConfHistory {
  /** Ascending; never empty: the first one holds from before the log starts. */
  #items: ConfAt[];

  constructor(first: ConfAt) {
    this.#items = [first];
  }

  get current(): ConfState {
    return this.#last().conf;
  }

  get currentIndex(): number {
    return this.#last().index;
  }

  push(index: number, conf: ConfState): void {
    assert(index > this.currentIndex, () => `config at ${index} after ${this.currentIndex}`);
    this.#items.push({ index, conf });
  }

  truncateFrom(index: number): void {
    while (this.currentIndex >= index) {
      assert(this.#items.length > 1, () => `truncation at ${index} removes every config`);
      this.#items.pop();
    }
  }

  restart(index: number, conf: ConfState): void {
    this.#items = [{ index, conf }];
  }

  /** The configuration at exactly `index`, as a snapshot there must carry it. */
  at(index: number): ConfState {
    const found = this.#items.findLast((item) => item.index <= index);
    assert(found !== undefined, () => `no config known at ${index}`);
    return found.conf;
  }

  /** Forgets what no snapshot at or after `index` needs. */
  compact(index: number): void {
    const keep = this.#items.findLastIndex((item) => item.index <= index);
    if (keep > 0) this.#items.splice(0, keep);
  }

  #last(): ConfAt {
    const last = this.#items.at(-1);
    assert(last !== undefined, () => "empty config history");
    return last;
  }
}
