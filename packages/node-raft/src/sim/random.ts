/**
 * Seeded randomness (sfc32). Each part of the world forks its own stream, so parts do not disturb
 * each other.
 */
import type { RandomSource } from "../core/options.ts";

export class SimRandom implements RandomSource {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, label = "") {
    let mixed = 0x9e3779b9 ^ (seed | 0);
    for (const char of label) mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193);
    this.#a = mixed | 0;
    this.#b = Math.imul(mixed ^ Math.floor(seed / 2 ** 32), 0x85ebca6b) | 0;
    this.#c = 0x2545f491;
    for (let i = 0; i < 12; i += 1) this.next();
  }

  /** Uniform 32-bit unsigned integer. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    return result >>> 0;
  }

  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.next() / 2 ** 32;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.float() * (to - from);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.int(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** One of `pick`ed by weight; weights need not add up to anything. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.float() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return this.pick(entries)[0];
  }

  fork(label: string): SimRandom {
    return new SimRandom(this.next(), label);
  }
}
