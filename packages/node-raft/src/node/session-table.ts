/**
 * Which commands of which session are applied, and what came of them (thesis §6.3). Part of the
 * replicated state: it changes by what is applied and by nothing else, so every member knows, and
 * has forgotten, the same. Bounded twice: sessions by number, the one unused for longest goes
 * first; results of one session by number, and a client that says which it has got frees them.
 */
import type { ProposalSession, SessionId } from "./api.ts";
import type { SessionOpening } from "./session-entry.ts";

/** A command that is applied; `result` is there once the state machine has answered. */
export interface AppliedCommand<R> {
  readonly index: number;
  readonly term: number;
  readonly result: R;
}

export interface Session<R> {
  readonly id: SessionId;
  readonly resultsMax: number;
  /** The client has the results up to this one and asks for none of them again. */
  readonly acknowledged: number;
  /** By sequence number; null while the state machine is at it. */
  readonly results: ReadonlyMap<number, AppliedCommand<R> | null>;
}

/** What to do with a command. */
export type Verdict<R> =
  | { readonly kind: "fresh"; done(applied: AppliedCommand<R>): void }
  | { readonly kind: "repeated"; readonly applied: AppliedCommand<R> }
  /** An earlier one with this number is being applied: ask again after it. */
  | { readonly kind: "busy" }
  | {
      readonly kind: "refused";
      readonly code: "session-expired" | "refused";
      readonly message: string;
    };

interface OpenSession<R> {
  readonly id: SessionId;
  readonly resultsMax: number;
  acknowledged: number;
  readonly results: Map<number, AppliedCommand<R> | null>;
  /** Capture after which it was last changed: an older one is copied before the next change. */
  readonly generation: number;
}

export class SessionTable<R> {
  /** Least recently used first. */
  #sessions = new Map<SessionId, OpenSession<R>>();
  #generation = 0;

  get size(): number {
    return this.#sessions.size;
  }

  /** The index is nobody else's, so a session that is forgotten never comes back under its id. */
  open(index: number, opening: SessionOpening): SessionId {
    const id = `${index}-${opening.nonce}`;
    const results = new Map<number, AppliedCommand<R> | null>();
    const { resultsMax } = opening;
    const generation = this.#generation;
    this.#sessions.set(id, { id, resultsMax, acknowledged: 0, results, generation });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= opening.sessionsMax) break;
      this.#sessions.delete(oldest);
    }
    return id;
  }

  ask({ id, seq, acknowledged }: ProposalSession): Verdict<R> {
    const session = this.#use(id);
    if (session === null) {
      const message = `session ${id} has expired; command ${seq} is not applied by this proposal`;
      return { kind: "refused", code: "session-expired", message };
    }
    if (acknowledged > session.acknowledged) {
      session.acknowledged = acknowledged;
      for (const known of session.results.keys()) {
        if (known <= acknowledged) session.results.delete(known);
      }
    }
    if (seq <= session.acknowledged) {
      const message = `command ${seq} of session ${id} was answered, as its client said`;
      return { kind: "refused", code: "refused", message };
    }
    return this.#find(session, seq);
  }

  /** O(sessions): what they hold is copied only when they change while this is in use. */
  capture(): readonly Session<R>[] {
    this.#generation += 1;
    return [...this.#sessions.values()];
  }

  restore(sessions: readonly Session<R>[]): void {
    this.#sessions = new Map(
      sessions.map((session) => {
        const results = new Map(session.results);
        return [session.id, { ...session, results, generation: this.#generation }];
      }),
    );
  }

  #find(session: OpenSession<R>, seq: number): Verdict<R> {
    const { results } = session;
    const known = results.get(seq);
    if (known === null) return { kind: "busy" };
    if (known !== undefined) return { kind: "repeated", applied: known };
    if (results.size >= session.resultsMax) {
      const message = `session ${session.id} holds ${results.size} results not acknowledged`;
      return { kind: "refused", code: "refused", message };
    }
    results.set(seq, null);
    return {
      kind: "fresh",
      done: (applied) => {
        // Acknowledged by a command that came with it: nobody will ask.
        if (results.has(seq)) results.set(seq, applied);
      },
    };
  }

  /** The session for a change, as the one used last. */
  #use(id: SessionId): OpenSession<R> | null {
    const session = this.#sessions.get(id);
    if (session === undefined) return null;
    const generation = this.#generation;
    const own =
      session.generation === generation
        ? session
        : { ...session, results: new Map(session.results), generation };
    this.#sessions.delete(id);
    this.#sessions.set(id, own);
    return own;
  }
}
