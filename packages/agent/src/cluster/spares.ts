/** Servers that asked to take part and were not wanted then: they may be, later. */
import type { Clock } from "@drover/base";
import type { Spare } from "@raft/node-raft";

/** They ask every ten seconds: one that missed three times is not there. */
const FRESH_MS = 35_000;

export class Spares {
  readonly #clock: Clock;
  readonly #asked = new Map<string, { readonly spare: Spare; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  asked(spare: Spare): void {
    this.#asked.set(spare.id, { spare, at: this.#clock.now() });
  }

  forget(id: string): void {
    this.#asked.delete(id);
  }

  fresh(): readonly Spare[] {
    const since = this.#clock.now() - FRESH_MS;
    for (const [id, { at }] of this.#asked) if (at < since) this.#asked.delete(id);
    return [...this.#asked.values()].map(({ spare }) => spare);
  }
}
