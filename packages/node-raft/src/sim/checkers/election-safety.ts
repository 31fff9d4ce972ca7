/** At most one leader in a term (paper §5.2), and it is a member that the others call so. */
import type { MemberId } from "../../core/types.ts";
import { type Checker, expect, type MemberView } from "./checker.ts";

export class ElectionSafety implements Checker {
  readonly name = "election-safety";
  readonly #leaders = new Map<number, MemberId>();

  state(view: MemberView): void {
    const leader = view.role === "leader" ? view.id : view.leader;
    if (leader === "") return;
    const known = this.#leaders.get(view.term);
    expect(known === undefined || known === leader, this, () => {
      return `term ${view.term} has two leaders: ${known} and ${leader}`;
    });
    this.#leaders.set(view.term, leader);
  }
}
