/**
 * What a disk has confirmed is there when its member starts again: the log ends no earlier, unless
 * a later write that was not confirmed yet, and reached the disk all the same, made it shorter.
 */
import type { MemberId } from "../../core/types.ts";
import type { DiskContent, Ledger, ObservedWrite } from "../ledger.ts";
import { type Checker, expect } from "./checker.ts";

interface Pending {
  readonly seq: number;
  /** Where the log ends after it. */
  readonly last: number;
}

export class Durability implements Checker {
  readonly name = "durability";
  readonly #ledger: Ledger;
  /** Oldest first. */
  readonly #pending = new Map<MemberId, Pending[]>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  issued(id: MemberId, { seq, entries, snapshot }: ObservedWrite): void {
    const last = entries.at(-1)?.index ?? snapshot?.index;
    if (last === undefined) return;
    const pending = this.#pending.get(id);
    if (pending === undefined) this.#pending.set(id, [{ seq, last }]);
    else pending.push({ seq, last });
  }

  durable(id: MemberId, write: ObservedWrite): void {
    const pending = this.#pending.get(id);
    while (pending?.[0] !== undefined && pending[0].seq <= write.seq) pending.shift();
  }

  booted(id: MemberId, { entries, snapshot }: DiskContent): void {
    const confirmed = this.#ledger.durable.get(id)?.lastIndex ?? 0;
    const pending = this.#pending.get(id)?.map(({ last }) => last) ?? [];
    this.#pending.delete(id);
    const found = Math.max(entries.at(-1)?.index ?? 0, snapshot?.index ?? 0);
    expect(found >= Math.min(confirmed, ...pending), this, () => {
      return `${id} starts with a log to ${found}, and had ${confirmed} on its disk`;
    });
  }
}
