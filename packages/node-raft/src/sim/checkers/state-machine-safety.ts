/** All members go through the same states: the same digest after the same index (paper §5.4.3). */
import type { Entry, MemberId } from "../../core/types.ts";
import { type Checker, expect } from "./checker.ts";

export class StateMachineSafety implements Checker {
  readonly name = "state-machine-safety";
  readonly #chains = new Map<number, { readonly id: MemberId; readonly chain: number }>();

  applied(id: MemberId, entry: Entry, chain: number): void {
    this.#compare(id, entry.index, chain);
  }

  restored(id: MemberId, index: number, chain: number): void {
    this.#compare(id, index, chain);
  }

  #compare(id: MemberId, index: number, chain: number): void {
    const known = this.#chains.get(index);
    if (known === undefined) this.#chains.set(index, { id, chain });
    expect(known === undefined || known.chain === chain, this, () => {
      return `${id} and ${known?.id} differ after index ${index}`;
    });
  }
}
