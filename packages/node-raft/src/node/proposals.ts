/**
 * Proposals on their way. One is answered when its index is applied here: with the result when the
 * entry is ours (same term), with `dropped` when another entry took its place. Until then a time-
 * out is an unknown outcome, whatever happened to the leadership.
 */
import type { EntryKind } from "../core/types.ts";
import { RaftError, type SessionId } from "./api.ts";
import type { Outcome } from "./session-machine.ts";

export interface Proposal<R> {
  readonly kind: typeof EntryKind.normal | typeof EntryKind.session;
  readonly data: Uint8Array;
  readonly deadline: number;
  resolve(value: { index: number; term: number; result: R }): void;
  /** Instead of `resolve` where a session is proposed. */
  readonly opened?: (session: SessionId) => void;
  reject(error: RaftError): void;
}

interface InFlight<R> {
  readonly term: number;
  readonly proposal: Proposal<R>;
}

/** Neighbours of one kind together, in order. */
export function runsOfKind<R>(queue: readonly Proposal<R>[]): readonly (readonly Proposal<R>[])[] {
  const runs: (readonly Proposal<R>[])[] = [];
  let from = 0;
  for (let at = 1; at <= queue.length; at += 1) {
    if (at < queue.length && queue[at]?.kind === queue[from]?.kind) continue;
    runs.push(from === 0 && at === queue.length ? queue : queue.slice(from, at));
    from = at;
  }
  return runs;
}

export class Proposals<R> {
  #queue: Proposal<R>[] = [];
  readonly #inFlight = new Map<number, InFlight<R>>();

  add(proposal: Proposal<R>): void {
    this.#queue.push(proposal);
  }

  /** Everything proposed since the last turn. */
  takeQueue(): Proposal<R>[] {
    const queue = this.#queue;
    this.#queue = [];
    return queue;
  }

  accepted(batch: readonly Proposal<R>[], term: number, firstIndex: number): void {
    for (const [i, proposal] of batch.entries()) {
      // A new entry at an index means that what was waiting there has been replaced.
      this.#lose(firstIndex + i);
      this.#inFlight.set(firstIndex + i, { term, proposal });
    }
  }

  /** The entry at `index` is applied. */
  applied(index: number, term: number, outcome: Outcome<R>): void {
    const waiting = this.#inFlight.get(index);
    if (waiting === undefined) return;
    if (waiting.term !== term) {
      this.#lose(index);
      return;
    }
    this.#inFlight.delete(index);
    const { proposal } = waiting;
    if (outcome.kind === "applied") proposal.resolve(outcome.answer);
    else if (outcome.kind === "opened") proposal.opened?.(outcome.session);
    else proposal.reject(new RaftError(outcome.code, outcome.message));
  }

  /** An entry of the cluster's own took the index. */
  passed(index: number): void {
    this.#lose(index);
  }

  /** A snapshot jumped over these indexes; nobody can say what became of them. */
  skippedTo(index: number): void {
    for (const [at, { proposal }] of this.#inFlight) {
      if (at > index) continue;
      this.#inFlight.delete(at);
      proposal.reject(new RaftError("timeout-unknown", "the outcome is inside a snapshot"));
    }
  }

  expire(now: number): void {
    for (const [index, { proposal }] of this.#inFlight) {
      if (proposal.deadline > now) continue;
      this.#inFlight.delete(index);
      const message = `not applied in time at index ${index}; it may still be`;
      proposal.reject(new RaftError("timeout-unknown", message));
    }
  }

  /** The node ends. */
  rejectAll(): void {
    for (const proposal of this.takeQueue()) {
      proposal.reject(new RaftError("stopped", "the node is stopping"));
    }
    for (const { proposal } of this.#inFlight.values()) {
      proposal.reject(new RaftError("timeout-unknown", "the node stopped before the outcome"));
    }
    this.#inFlight.clear();
  }

  #lose(index: number): void {
    const waiting = this.#inFlight.get(index);
    if (waiting === undefined) return;
    this.#inFlight.delete(index);
    const message = `another leader's entry took index ${index}`;
    waiting.proposal.reject(new RaftError("dropped", message));
  }
}

/** Why the core did not take what was proposed. */
export function refusal(reason: string, leaderAddress: string): RaftError {
  if (reason === "not-leader") {
    return new RaftError("not-leader", "this member does not lead", { leaderAddress });
  }
  const why =
    reason === "transferring" ? "leadership is being handed over" : "too much is uncommitted";
  return new RaftError("dropped", `not accepted: ${why}`, { leaderAddress });
}
