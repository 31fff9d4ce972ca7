/**
 * Which commands of which session are applied, and what came of them (thesis §6.3). Part of the
 * replicated state: it changes by what is applied and by nothing else, so every member knows, and
 * has forgotten, the same. Bounded: sessions by number, the one unused for longest goes first;
 * results of one session by number and by bytes; a client that says which it has got frees them.
 */
import type { ProposalSession, SessionId } from "./api.ts";
import { type SessionOpening, UNBOUNDED } from "./session-entry.ts";

/** A command that is applied; the result is in the bytes that count and go into snapshots. */
export interface AppliedCommand {
  readonly index: number;
  readonly term: number;
  readonly result: Uint8Array;
}

export interface Session {
  readonly id: SessionId;
  readonly resultsMax: number;
  readonly resultBytesMax: number;
  /** The client has the results up to this one and asks for none of them again. */
  readonly acknowledged: number;
  /** By sequence number; null while the state machine is at it. */
  readonly results: ReadonlyMap<number, AppliedCommand | null>;
}

/** What to do with a command. */
export type Verdict =
  | { readonly kind: "fresh"; done(applied: AppliedCommand): void }
  | { readonly kind: "repeated"; readonly applied: AppliedCommand }
  /** An earlier one of the session is being applied, which decides: ask again after it. */
  | { readonly kind: "busy" }
  | {
      readonly kind: "refused";
      readonly code: "session-expired" | "refused";
      readonly message: string;
    };

interface OpenSession {
  readonly id: SessionId;
  readonly resultsMax: number;
  readonly resultBytesMax: number;
  acknowledged: number;
  readonly results: Map<number, AppliedCommand | null>;
  /** Of `results`, as far as they are there. */
  bytes: number;
  /** Of `results`, those that the state machine is at. */
  pending: number;
  /** Capture after which it was last changed: an older one is copied before the next change. */
  readonly generation: number;
}

export class SessionTable {
  /** Least recently used first. */
  #sessions = new Map<SessionId, OpenSession>();
  #generation = 0;

  get size(): number {
    return this.#sessions.size;
  }

  /** The index is nobody else's, so a session that is forgotten never comes back under its id. */
  open(index: number, opening: SessionOpening): SessionId {
    const id = `${index}-${opening.nonce}`;
    const { resultsMax, resultBytesMax } = opening;
    const none = { acknowledged: 0, results: new Map(), bytes: 0, pending: 0 };
    const generation = this.#generation;
    this.#sessions.set(id, { id, resultsMax, resultBytesMax, ...none, generation });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= opening.sessionsMax) break;
      this.#sessions.delete(oldest);
    }
    return id;
  }

  ask({ id, seq, acknowledged }: ProposalSession): Verdict {
    const session = this.#use(id);
    if (session === null) {
      const message = `session ${id} has expired; command ${seq} is not applied by this proposal`;
      return { kind: "refused", code: "session-expired", message };
    }
    if (acknowledged > session.acknowledged) {
      session.acknowledged = acknowledged;
      for (const known of session.results.keys()) {
        if (known <= acknowledged) forget(session, known);
      }
    }
    if (seq <= session.acknowledged) {
      const message = `command ${seq} of session ${id} was answered, as its client said`;
      return { kind: "refused", code: "refused", message };
    }
    return this.#find(session, seq);
  }

  /** O(sessions): what they hold is copied only when they change while this is in use. */
  capture(): readonly Session[] {
    this.#generation += 1;
    return [...this.#sessions.values()];
  }

  restore(sessions: readonly Session[]): void {
    this.#sessions = new Map(
      sessions.map((session) => {
        const results = new Map(session.results);
        let bytes = 0;
        for (const applied of results.values()) bytes += applied?.result.length ?? 0;
        const counts = { bytes, pending: 0, generation: this.#generation };
        return [session.id, { ...session, results, ...counts }];
      }),
    );
  }

  #find(session: OpenSession, seq: number): Verdict {
    const { results, resultBytesMax } = session;
    const known = results.get(seq);
    if (known === null) return { kind: "busy" };
    if (known !== undefined) return { kind: "repeated", applied: known };
    if (results.size >= session.resultsMax) return full(session, `${results.size} results`);
    // What the state machine is at has no size yet. Members apply in batches of their own making,
    // and must judge alike: as if each command were applied before the next one is looked at.
    if (session.pending > 0 && resultBytesMax !== UNBOUNDED) return { kind: "busy" };
    if (session.bytes >= resultBytesMax) return full(session, `results of ${session.bytes} bytes`);
    results.set(seq, null);
    session.pending += 1;
    return {
      kind: "fresh",
      done: (applied) => {
        // Acknowledged by a command that came with it: nobody will ask.
        if (!results.has(seq)) return;
        results.set(seq, applied);
        session.pending -= 1;
        session.bytes += applied.result.length;
      },
    };
  }

  /** The session for a change, as the one used last. */
  #use(id: SessionId): OpenSession | null {
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

function forget(session: OpenSession, seq: number): void {
  const applied = session.results.get(seq);
  session.results.delete(seq);
  if (applied === null) session.pending -= 1;
  else session.bytes -= applied?.result.length ?? 0;
}

function full({ id }: OpenSession, what: string): Verdict {
  const message = `session ${id} holds ${what} not acknowledged`;
  return { kind: "refused", code: "refused", message };
}
