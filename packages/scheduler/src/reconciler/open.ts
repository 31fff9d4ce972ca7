/**
 * What a pass owes to each thing that it is given (DESIGN §12.6): an act, or the reason for doing
 * nothing yet. A branch with neither does not compile, as there is nothing that it could return:
 * an `Acted` comes from the draft alone. Nor does a pass that leaves a whole step out: its group's
 * account names every step, and only the step can hand in that all of its list is `Closed`.
 */
import type { Reason } from "@drover/model";
import type { Slices } from "../scheduler.ts";
import { inSlices, sortInSlices } from "../slices.ts";
import type { Acted } from "./draft.ts";
import type { HeldBy, Holds } from "./why-group.ts";

export type Outcome = Acted | HeldBy | Reason;

/** Not exported: who has one has decided about every item. */
class Settled<K extends string> {
  readonly step: K;
  readonly #size: number;

  constructor(step: K, size: number) {
    this.step = step;
    this.#size = size;
  }

  /** Items that there were, acted upon or held. */
  get size(): number {
    return this.#size;
  }
}
export type Closed<K extends string> = Settled<K>;

/** What a pass hands in at its end: that each of its steps has closed its list. */
export type Account<Steps extends string> = { readonly [K in Steps]: Closed<K> };

export class Open<K extends string, T> {
  readonly step: K;
  /** To look at; who decides about them closes the list. */
  readonly items: readonly T[];

  constructor(step: K, items: readonly T[]) {
    this.step = step;
    this.items = items;
  }

  get size(): number {
    return this.items.length;
  }

  /** The same ones in another order; `keyOf` is asked once of each. */
  *inOrder<Key>(keyOf: (item: T) => Key, compare: (a: Key, b: Key) => number): Slices<Open<K, T>> {
    const keyed: { readonly item: T; readonly key: Key }[] = [];
    yield* inSlices(this.items, (item) => keyed.push({ item, key: keyOf(item) }));
    const sorted = yield* sortInSlices(keyed, (a, b) => compare(a.key, b.key));
    return new Open(
      this.step,
      sorted.map(({ item }) => item),
    );
  }

  /** Every item gets its outcome; those that are held are counted by what holds them. */
  *close(holds: Holds, decide: (item: T) => Outcome): Slices<Closed<K>> {
    yield* inSlices(this.items, (item) => holds.note(decide(item)));
    return new Settled(this.step, this.items.length);
  }
}
