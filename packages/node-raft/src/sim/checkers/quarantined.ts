/**
 * Who is in quarantine, and who is not (SPEC, "Agreement of states"): only members whose state
 * really differs, at the index that they name; for good once it is on disk; never as a leader; and
 * soon, where nothing else went wrong.
 */
import type { MemberId } from "../../core/types.ts";
import { type Checker, expect, type MemberView } from "./checker.ts";

export interface StateTruth {
  /** The first index after which the member's state differed from the truth; 0 = it never did. */
  wrongFrom(id: MemberId): number;
  /** Milliseconds since that could be seen at a checkpoint; 0 = it cannot yet. */
  visibleForMs(id: MemberId): number;
  /** So long a member may take; Infinity where other things go wrong, too. */
  readonly boundMs: number;
}

export class Quarantined implements Checker {
  readonly name = "quarantine";
  readonly #truth: StateTruth;
  readonly #seen = new Set<MemberId>();
  readonly #durable = new Set<MemberId>();

  constructor(truth: StateTruth) {
    this.#truth = truth;
  }

  quarantined(id: MemberId): void {
    this.#durable.add(id);
  }

  state(view: MemberView): void {
    const { id, quarantine = null } = view;
    if (quarantine === null) {
      expect(!this.#durable.has(id), this, () => `${id} has forgotten its quarantine`);
      const ms = this.#truth.visibleForMs(id);
      expect(ms <= this.#truth.boundMs, this, () => `${id} differs for ${ms} ms and serves`);
      return;
    }
    expect(view.role !== "leader", this, () => `${id} leads in quarantine`);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const wrong = this.#truth.wrongFrom(id);
    const { after, index } = quarantine;
    expect(wrong > 0, this, () => `${id} is in quarantine at ${index}, and its state is right`);
    expect(after < wrong && wrong <= index, this, () => {
      return `${id} differs from ${wrong} on, and says: after ${after}, at ${index}`;
    });
  }
}
