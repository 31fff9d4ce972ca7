/**
 * The application's state machine with the session table before it: a command that is proposed
 * again is answered from the table and not applied again (thesis §6.3). Entries without a session
 * pass through as they are.
 */
import { assert } from "../core/assert.ts";
import type { Entry, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type { Committed, RaftError, SessionId, StateMachine } from "./api.ts";
import { decodeSessionEntry } from "./session-entry.ts";
import { defaultCodec, type ResultCodec, readSessions, withSessions } from "./session-stream.ts";
import { SessionTable } from "./session-table.ts";

interface Answer<R> {
  readonly index: number;
  readonly term: number;
  readonly result: R;
}

/** What became of an entry that was proposed. */
export type Outcome<R> =
  | { readonly kind: "applied"; readonly answer: Answer<R> }
  | { readonly kind: "opened"; readonly session: SessionId }
  | { readonly kind: "refused"; readonly code: RaftError["code"]; readonly message: string };

/** A command that waits to be applied together with its neighbours. */
interface Waiting<R> {
  readonly at: number;
  readonly command: Committed;
  done(answer: Answer<R>): void;
}

const NOTHING_TO_RECORD = (): void => {};

export class SessionMachine<R> {
  readonly #machine: StateMachine<R>;
  readonly #codec: ResultCodec<R>;
  readonly #table = new SessionTable();

  constructor(machine: StateMachine<R>, codec: ResultCodec<R> = defaultCodec()) {
    this.#machine = machine;
    this.#codec = codec;
  }

  /** One outcome per entry, in order; entries of the cluster's own are not given here. */
  apply(entries: readonly Entry[]): readonly Outcome<R>[] {
    if (entries.some((entry) => entry.kind === EntryKind.session)) {
      return this.#applyWithSessions(entries);
    }
    const results = this.#applyAll(entries.map(show));
    return entries.map(({ index, term }, i) => {
      return { kind: "applied", answer: { index, term, result: results[i] as R } };
    });
  }

  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const sessions = this.#table.capture();
    const capture = this.#machine.snapshot();
    return { stream: () => withSessions(sessions, capture.stream()) };
  }

  async restore(meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void> {
    const { sessions, state } = await readSessions(source);
    await this.#machine.restore(meta, state);
    this.#table.restore(sessions);
  }

  #applyWithSessions(entries: readonly Entry[]): readonly Outcome<R>[] {
    const outcomes: Outcome<R>[] = [];
    const waiting: Waiting<R>[] = [];
    const flush = (): void => this.#applyWaiting(waiting.splice(0), outcomes);
    for (const [at, entry] of entries.entries()) {
      if (entry.kind === EntryKind.session) {
        this.#applySessionEntry(entry, { at, outcomes, waiting, flush });
      } else {
        waiting.push({ at, command: show(entry), done: NOTHING_TO_RECORD });
      }
    }
    flush();
    return outcomes;
  }

  #applySessionEntry(
    entry: Entry,
    batch: { at: number; outcomes: Outcome<R>[]; waiting: Waiting<R>[]; flush(): void },
  ): void {
    const { at, outcomes, waiting, flush } = batch;
    const { index, term } = entry;
    const content = decodeSessionEntry(entry.data);
    if (content.type === "open") {
      outcomes[at] = { kind: "opened", session: this.#table.open(index, content) };
      return;
    }
    let verdict = this.#table.ask(content.session);
    if (verdict.kind === "busy") {
      flush();
      verdict = this.#table.ask(content.session);
    }
    switch (verdict.kind) {
      case "fresh": {
        const command = { index, term, data: content.data };
        const { done } = verdict;
        const keep = (answer: Answer<R>): void => {
          // What is kept must not keep the encoder's buffer with it.
          done({ index, term, result: new Uint8Array(this.#codec.encode(answer.result)) });
        };
        waiting.push({ at, command, done: keep });
        return;
      }
      case "repeated": {
        const result = this.#codec.decode(verdict.applied.result);
        outcomes[at] = { kind: "applied", answer: { ...verdict.applied, result } };
        return;
      }
      case "refused":
        outcomes[at] = verdict;
        return;
      case "busy":
        assert(false, () => `entry ${index} waits for one that was applied`);
    }
  }

  #applyWaiting(waiting: readonly Waiting<R>[], outcomes: Outcome<R>[]): void {
    if (waiting.length === 0) return;
    const results = this.#applyAll(waiting.map(({ command }) => command));
    for (const [i, { at, command, done }] of waiting.entries()) {
      const { index, term } = command;
      const answer = { index, term, result: results[i] as R };
      done(answer);
      outcomes[at] = { kind: "applied", answer };
    }
  }

  #applyAll(commands: readonly Committed[]): readonly R[] {
    const results = this.#machine.apply(commands);
    assert(results.length === commands.length, () => "the state machine answers each entry once");
    return results;
  }
}

function show(entry: Entry): Committed {
  return { index: entry.index, term: entry.term, data: entry.data };
}
