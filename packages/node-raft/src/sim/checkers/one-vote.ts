/** A member votes for one candidate in a term, across all its lives (paper §5.2). */
import type { MemberId, Message } from "../../core/types.ts";
import { type Checker, expect } from "./checker.ts";

export class OneVote implements Checker {
  readonly name = "one-vote";
  readonly #votes = new Map<string, MemberId>();

  sent(message: Message): void {
    if (message.type === "vote") this.#vote(message.from, message.term, message.from);
    if (message.type === "voteReply" && message.granted) {
      this.#vote(message.from, message.term, message.to);
    }
  }

  #vote(voter: MemberId, term: number, candidate: MemberId): void {
    const key = `${voter}@${term}`;
    const known = this.#votes.get(key);
    expect(known === undefined || known === candidate, this, () => {
      return `${voter} votes for ${known} and for ${candidate} in term ${term}`;
    });
    this.#votes.set(key, candidate);
  }
}
