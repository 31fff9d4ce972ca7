/**
 * Log matching (paper §5.3): entries with the same index and term are the same and follow the same
 * entries. Checked by induction: content and predecessor's term belong to (index, term).
 */
import type { MemberId } from "../../core/types.ts";
import { digestEntry } from "../digest.ts";
import type { Ledger, ObservedWrite } from "../ledger.ts";
import { type Checker, expect } from "./checker.ts";

export class LogMatching implements Checker {
  readonly name = "log-matching";
  readonly #ledger: Ledger;
  readonly #known = new Map<string, { readonly digest: number; readonly prevTerm: number }>();

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
      const key = `${entry.index}@${entry.term}`;
      const digest = digestEntry(entry);
      const known = this.#known.get(key);
      if (known === undefined) this.#known.set(key, { digest, prevTerm: prevTerm ?? 0 });
      expect(known === undefined || known.digest === digest, this, () => {
        return `${id} holds another entry ${key} than others`;
      });
      expect(known === undefined || known.prevTerm === prevTerm, this, () => {
        return `${id} holds ${key} after term ${prevTerm}, others after term ${known?.prevTerm}`;
      });
      prevTerm = entry.term;
    }
  }
}
