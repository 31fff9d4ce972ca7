/**
 * Log matching (paper §5.3): entries with the same index and term are the same and follow the same
 * entries. Checked by induction: content and predecessor's term belong to (index, term).
 */
import type { Entry, MemberId } from "../../core/types.ts";
import { digestEntry } from "../digest.ts";
import type { Ledger, ObservedWrite } from "../ledger.ts";
import { type Checker, expect } from "./checker.ts";

interface Known {
  readonly digest: number;
  readonly prevTerm: number;
}

export class LogMatching implements Checker {
  readonly name = "log-matching";
  readonly #ledger: Ledger;
  /** By index, then by term. */
  readonly #known = new Map<number, Map<number, Known>>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  issued(id: MemberId, write: ObservedWrite): void {
    const first = write.entries[0];
    if (first === undefined) return;
    const { snapshot } = write;
    let prevTerm =
      snapshot !== null && snapshot.index === first.index - 1
        ? snapshot.term
        : this.#ledger.issued.get(id)?.termAt(first.index - 1);
    expect(prevTerm !== undefined, this, () => `${id} writes ${first.index} after a gap`);
    for (const entry of write.entries) {
      this.#compare(id, entry, prevTerm ?? 0);
      prevTerm = entry.term;
    }
  }

  #compare(id: MemberId, entry: Entry, prevTerm: number): void {
    const digest = digestEntry(entry);
    const known = this.#know(entry, { digest, prevTerm });
    const key = () => `${entry.index}@${entry.term}`;
    expect(known.digest === digest, this, () => `${id} holds another entry ${key()} than others`);
    expect(known.prevTerm === prevTerm, this, () => {
      return `${id} holds ${key()} after term ${prevTerm}, others after term ${known.prevTerm}`;
    });
  }

  /** What it was when it was seen first. */
  #know({ index, term }: Entry, now: Known): Known {
    const terms = this.#known.get(index);
    const known = terms?.get(term);
    if (known !== undefined) return known;
    if (terms === undefined) this.#known.set(index, new Map([[term, now]]));
    else terms.set(term, now);
    return now;
  }
}
