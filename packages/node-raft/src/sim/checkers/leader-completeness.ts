/** A leader holds every entry committed in earlier terms (paper §5.4). */
import type { MemberId } from "../../core/types.ts";
import type { Ledger } from "../ledger.ts";
import { type Checker, expect, type MemberView } from "./checker.ts";

export class LeaderCompleteness implements Checker {
  readonly name = "leader-completeness";
  readonly #ledger: Ledger;
  /** The newest term that each member was seen to lead. */
  readonly #checked = new Map<MemberId, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  state(view: MemberView): void {
    if (view.role !== "leader") return;
    if (this.#checked.get(view.id) === view.term) return;
    this.#checked.set(view.id, view.term);
    const log = this.#ledger.issued.get(view.id);
    for (const [i, slot] of this.#ledger.committed.entries()) {
      const index = i + 1;
      if (slot.committedIn >= view.term || index <= (log?.baseIndex ?? 0)) continue;
      expect(log?.termAt(index) === slot.term, this, () => {
        const entry = `entry ${index} of term ${slot.term}, committed in ${slot.committedIn}`;
        return `${view.id} leads term ${view.term} without ${entry}`;
      });
    }
  }
}
