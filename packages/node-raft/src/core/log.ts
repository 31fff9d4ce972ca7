/**
 * The log in memory, from the last compaction on, with its marks:
 *
 *   base <= applying <= commit <= last      stable, issued <= last
 *
 * `issued` was handed to the disk, `stable` is known to be on it, `applying` was handed to the
 * state machine. Terms below `base` are not known any more.
 */
import { assert } from "./assert.ts";
import type { Entry } from "./types.ts";

export class RaftLog {
  /** Index and term of the entry before the first one held. */
  #baseIndex: number;
  #baseTerm: number;
  #entries: Entry[] = [];
  commit: number;
  stable: number;
  issued: number;
  applying: number;

  constructor(baseIndex: number, baseTerm: number) {
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
    this.commit = baseIndex;
    this.stable = baseIndex;
    this.issued = baseIndex;
    this.applying = baseIndex;
  }

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** undefined: compacted away or not there yet. */
  termAt(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  entryAt(index: number): Entry {
    const entry = this.#entries[index - this.#baseIndex - 1];
    assert(entry !== undefined, () => `entry ${index} is not in ${this.#range()}`);
    return entry;
  }

  /** Entries in [from, to]. */
  slice(from: number, to: number): Entry[] {
    assert(from >= this.firstIndex, () => `entry ${from} is compacted, log ${this.#range()}`);
    assert(to <= this.lastIndex, () => `entry ${to} is not there yet, log ${this.#range()}`);
    return this.#entries.slice(from - this.#baseIndex - 1, to - this.#baseIndex);
  }

  /** From `from` on as many entries as fit into `bytesMax`, but at least one. */
  sliceBytes(from: number, bytesMax: number): Entry[] {
    const result: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= this.lastIndex; index += 1) {
      const entry = this.entryAt(index);
      bytes += entry.data.length;
      if (bytes > bytesMax && result.length > 0) break;
      result.push(entry);
    }
    return result;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, () => `append ${entry.index} to ${this.#range()}`);
    assert(entry.term >= this.lastTerm, () => `entry ${entry.index} goes back in term`);
    assert(Number.isSafeInteger(entry.index), () => `index ${entry.index} is not an integer`);
    this.#entries.push(Object.freeze(entry));
  }

  /** Only for a real conflict, and never into what is committed (RAFT.md §2.5 row 21). */
  truncateFrom(index: number): void {
    assert(index > this.commit, () => `truncation at ${index} below commit ${this.commit}`);
    assert(index > this.#baseIndex, () => `truncation at ${index} below ${this.#range()}`);
    this.#entries.length = index - this.#baseIndex - 1;
    this.stable = Math.min(this.stable, index - 1);
    this.issued = Math.min(this.issued, index - 1);
  }

  /** The log restarts, empty, after a snapshot. */
  restart(index: number, term: number): void {
    assert(index >= this.commit, () => `restart at ${index} below commit ${this.commit}`);
    this.#baseIndex = index;
    this.#baseTerm = term;
    this.#entries = [];
    this.commit = index;
    this.stable = 0;
    this.issued = index;
    this.applying = index;
  }

  /** Forgets entries up to and including `index`. */
  compact(index: number): void {
    if (index <= this.#baseIndex) return;
    assert(index <= this.applying, () => `compaction at ${index} above ${this.applying}`);
    const term = this.termAt(index);
    assert(term !== undefined, () => `compaction at ${index}, log ${this.#range()}`);
    this.#entries.splice(0, index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  commitTo(index: number): void {
    if (index <= this.commit) return;
    assert(
      index <= this.lastIndex,
      () => `commit ${index} is beyond ${this.#range()}: acknowledged entries were lost`,
    );
    this.commit = index;
  }

  /** §5.4.1: is a log ending there at least as up to date as ours? */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /**
   * Highest index <= `index` whose term is <= `term`: no entry between the two can match a log that
   * has `term` at `index`, so one round trip skips them all. Stops at the base.
   */
  findConflictByTerm(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    for (; at > this.#baseIndex; at -= 1) {
      const own = this.termAt(at);
      if (own === undefined || own <= term) break;
    }
    return at;
  }

  /** The index after which, up to `index`, there are at most `bytesMax` of entries. */
  tailBefore(index: number, bytesMax: number): number {
    let bytes = 0;
    let at = index;
    for (; at > this.#baseIndex; at -= 1) {
      bytes += this.entryAt(at).data.length;
      if (bytes > bytesMax) break;
    }
    return at;
  }

  bytesBetween(from: number, to: number): number {
    let bytes = 0;
    for (let index = from; index <= to; index += 1) bytes += this.entryAt(index).data.length;
    return bytes;
  }

  #range(): string {
    return `[${this.firstIndex}, ${this.lastIndex}]`;
  }
}
