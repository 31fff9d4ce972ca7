/**
 * Feeds committed entries to the state machine in slices, so that heartbeats never wait long for it
 * (RAFT.md §4.3). Entries of the cluster's own (configurations, a new leader's no-op) only move the
 * applied index.
 */
import { assert } from "../core/assert.ts";
import type { Entry } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type { RaftTimers } from "./api.ts";
import type { Outcome, SessionMachine } from "./session-machine.ts";

const SLICE_MS = 8;
const ENTRIES_PER_CALL_MAX = 128;

export interface ApplierDeps<R> {
  readonly machine: SessionMachine<R>;
  readonly timers: RaftTimers;
  /** The last index that may be applied in one call which begins at `next`. */
  upTo(next: number): number;
  /** Null for an entry of the cluster's own. */
  applied(entry: Entry, outcome: Outcome<R> | null): void;
  /** End of a call: everything up to `index` is applied. */
  reached(index: number): void;
  /** More is waiting: call `run` again in a later turn. */
  again(): void;
}

export class Applier<R> {
  readonly #deps: ApplierDeps<R>;
  #queue: Entry[] = [];
  #next = 0;
  #applied: number;
  #stopped = false;

  constructor(deps: ApplierDeps<R>, applied: number) {
    this.#deps = deps;
    this.#applied = applied;
  }

  get applied(): number {
    return this.#applied;
  }

  add(entries: readonly Entry[]): void {
    if (entries.length === 0 || this.#stopped) return;
    if (this.#next === this.#queue.length) {
      this.#queue = [...entries];
      this.#next = 0;
    } else {
      for (const entry of entries) this.#queue.push(entry);
    }
  }

  /** The state machine now holds a snapshot at `index`; what was queued is part of it. */
  restarted(index: number): void {
    this.#queue = [];
    this.#next = 0;
    this.#applied = index;
  }

  /** For good: nothing more reaches the state machine. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#next = 0;
  }

  run(): void {
    if (this.#next >= this.#queue.length) return;
    const start = this.#deps.timers.now();
    while (this.#next < this.#queue.length) {
      this.#applySome();
      if (this.#deps.timers.now() - start < SLICE_MS) continue;
      if (this.#next < this.#queue.length) this.#deps.again();
      break;
    }
  }

  #applySome(): void {
    const room = this.#deps.upTo(this.#applied + 1) - this.#applied;
    const end = Math.min(this.#queue.length, this.#next + Math.min(ENTRIES_PER_CALL_MAX, room));
    const slice = this.#queue.slice(this.#next, end);
    const commands = slice.filter((entry) => !isOwn(entry));
    const outcomes = commands.length === 0 ? [] : this.#deps.machine.apply(commands);
    let next = 0;
    for (const entry of slice) {
      assert(
        entry.index === this.#applied + 1,
        () => `applied ${this.#applied}, then ${entry.index}`,
      );
      this.#applied = entry.index;
      this.#deps.applied(entry, isOwn(entry) ? null : (outcomes[next++] as Outcome<R>));
    }
    this.#next = end;
    this.#deps.reached(this.#applied);
  }
}

/** Of the cluster's own. Whatever else there is must be known: what others apply is not skipped. */
function isOwn({ index, kind }: Entry): boolean {
  if (kind === EntryKind.normal || kind === EntryKind.session) return false;
  assert(
    kind === EntryKind.config || kind === EntryKind.noop,
    () => `entry ${index} is of kind ${String(kind)}, which this version does not know`,
  );
  return true;
}
