/**
 * The worlds that were met, by a digest of 64 bits of their form, in typed arrays: fourteen bytes
 * for each, so that ten millions fit where strings would not. Of so many worlds two would have the
 * same digest with a probability below 3 in a million.
 */
import { hash } from "node:crypto";
import { assert } from "@drover/base";

const START_SIZE = 1 << 12;
const FULL = 0.6;

/** Of a world that is being explored, and on the path to the one at hand. */
export const ON_PATH = 0xffff;

/** Eight characters of one byte each. */
export type Digest = string;

export function digest(text: string): Digest {
  return hash("sha1", text, "binary").slice(0, 8);
}

export class Visited {
  #high = new Uint32Array(START_SIZE);
  #low = new Uint32Array(START_SIZE);
  /** Steps of the longest run from it, and one; 0 = the place is free. */
  #longest = new Uint16Array(START_SIZE);
  /** Of its successors, to compare. */
  #successors = new Uint32Array(START_SIZE);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Steps of the longest run from it, or that it is on the path; undefined = never met. */
  longest(key: Digest): number | undefined {
    const found = this.#longest[this.#place(highOf(key), lowOf(key))] ?? 0;
    if (found === 0) return undefined;
    return found === ON_PATH ? ON_PATH : found - 1;
  }

  enter(key: Digest): void {
    if (this.#size >= this.#longest.length * FULL) this.#grow();
    const place = this.#place(highOf(key), lowOf(key));
    assert(this.#longest[place] === 0, "a world is entered once");
    this.#high[place] = highOf(key);
    this.#low[place] = lowOf(key);
    this.#longest[place] = ON_PATH;
    this.#size += 1;
  }

  leave(key: Digest, longest: number, successors: Digest): void {
    assert(longest + 1 < ON_PATH, () => `a run of ${longest} steps`);
    const place = this.#place(highOf(key), lowOf(key));
    this.#longest[place] = longest + 1;
    this.#successors[place] = lowOf(successors);
  }

  hasSuccessors(key: Digest, successors: Digest): boolean {
    return this.#successors[this.#place(highOf(key), lowOf(key))] === lowOf(successors);
  }

  /** Where it is, or the free place where it would be. */
  #place(high: number, low: number): number {
    const mask = this.#longest.length - 1;
    let place = low & mask;
    while (this.#longest[place] !== 0 && (this.#low[place] !== low || this.#high[place] !== high)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  #grow(): void {
    const [high, low, longest, successors] = [
      this.#high,
      this.#low,
      this.#longest,
      this.#successors,
    ];
    const size = longest.length * 2;
    this.#high = new Uint32Array(size);
    this.#low = new Uint32Array(size);
    this.#longest = new Uint16Array(size);
    this.#successors = new Uint32Array(size);
    for (const [from, value] of longest.entries()) {
      if (value === 0) continue;
      const place = this.#place(high[from] ?? 0, low[from] ?? 0);
      this.#high[place] = high[from] ?? 0;
      this.#low[place] = low[from] ?? 0;
      this.#longest[place] = value;
      this.#successors[place] = successors[from] ?? 0;
    }
  }
}

function highOf(key: Digest): number {
  return word(key, 0);
}

function lowOf(key: Digest): number {
  return word(key, 4);
}

function word(key: Digest, from: number): number {
  const [a, b, c] = [key.charCodeAt(from), key.charCodeAt(from + 1), key.charCodeAt(from + 2)];
  return ((a << 24) | (b << 16) | (c << 8) | key.charCodeAt(from + 3)) >>> 0;
}
