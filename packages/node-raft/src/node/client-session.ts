/**
 * A client's side of a session: numbers its commands and says which outcomes it has. Plain data,
 * so that it may live wherever the client does, far from any member.
 */
import type { ProposalSession, SessionId } from "./api.ts";

export class ClientSession {
  readonly id: SessionId;
  #last = 0;
  #acknowledged = 0;
  readonly #answered = new Set<number>();

  /** `id` is what `openSession` gave. */
  constructor(id: SessionId) {
    this.id = id;
  }

  /** For the next command; a command that is proposed again goes with the same one. */
  next(): ProposalSession {
    this.#last += 1;
    return { id: this.id, seq: this.#last, acknowledged: this.#acknowledged };
  }

  /** The outcome is known, or nobody wants it any more: the command is not proposed again. */
  answered(seq: number): void {
    this.#answered.add(seq);
    while (this.#answered.delete(this.#acknowledged + 1)) this.#acknowledged += 1;
  }
}
