/**
 * The replicated state machine: `apply(command, index)` is synchronous and deterministic (DESIGN
 * §6). It has no clock and no randomness; what is not deterministic came with the command. A user's
 * mistake is a rejected result; a throw is a bug, and the node must stop.
 */
import { assert } from "@drover/base";
import { applyCommand } from "./commands/apply-command.ts";
import {
  COMMAND_VERSION,
  type Command,
  type CommandResult,
  type StateEvent,
} from "./commands/command.ts";
import type { RestoredState } from "./restored-state.ts";
import { StateSnapshot } from "./snapshot.ts";
import { Hash64 } from "./store/hash.ts";
import { addRow } from "./store/row-digest.ts";
import { cloneStore, createStore, type Store, type TableName } from "./store/tables.ts";
import { type Change, Tx } from "./store/tx.ts";
import { eventsOf } from "./watch/events.ts";
import { WatchHub } from "./watch/watch-hub.ts";
import { touchedKeys } from "./watch/watch-key.ts";
import { earlierAnswer, refusedForRoom, rememberAnswer } from "./writes/answers.ts";
import { refreshTouchedJobs } from "./writes/touched-jobs.ts";

export interface Applied {
  readonly result: CommandResult;
  readonly events: readonly StateEvent[];
}

/** Called after each entry with what happened; must not throw and must not apply. */
export type AppliedListener = (applied: Applied, index: number) => void;

export class StateMachineStore {
  #store: Store;
  /** A fork's entries are in no log, so no server could compare their hash. */
  readonly #isFork: boolean;
  #index = 0;
  #clock = 0;
  #chain = new Hash64().digest();
  #snapshot: StateSnapshot | undefined;
  readonly #hub = new WatchHub(0);
  readonly #listeners = new Set<AppliedListener>();

  constructor(forked?: Store) {
    this.#store = forked ?? createStore();
    this.#isFork = forked !== undefined;
  }

  /** Index of the last entry that was applied or restored. */
  get index(): number {
    return this.#index;
  }

  /** Highest `now` of any command, epoch ms. A proposer never stamps less. */
  get clock(): number {
    return this.#clock;
  }

  /** Running hash over every entry and all that it changed (DESIGN §12.9); servers compare it. */
  get chain(): string {
    return this.#chain;
  }

  /** Entries come in log order; indexes may have gaps (entries that are not commands). */
  apply(command: Command, index: number): Applied {
    assert(index > this.#index, () => `entry ${index} follows ${this.#index}`);
    assert(
      command.v <= COMMAND_VERSION,
      () => `entry ${index} is of version ${command.v}, this program knows ${COMMAND_VERSION}`,
    );
    const now = Math.max(command.now, this.#clock);
    const tx = new Tx({ index, now, v: command.v }, this.#store);
    this.#index = index;
    this.#clock = tx.now;
    this.#snapshot = undefined;
    const result =
      earlierAnswer(tx, command) ?? refusedForRoom(tx, command) ?? this.#run(tx, command);
    if (!this.#isFork) this.#chain = nextChain(this.#chain, index, tx.changes);
    const applied = { result, events: eventsOf(command.tag, index, tx.changes) };
    this.#hub.notify(index, tx.changes.flatMap(touchedKeys));
    for (const listener of this.#listeners) listener(applied, index);
    return applied;
  }

  /** Entries that are not commands move the index too, so that nobody waits for them. */
  advance(index: number): void {
    assert(index > this.#index, () => `entry ${index} follows ${this.#index}`);
    this.#index = index;
    this.#snapshot = undefined;
  }

  /** O(1); the same object until the next entry. */
  snapshot(): StateSnapshot {
    this.#snapshot ??= new StateSnapshot(
      { index: this.#index, clock: this.#clock, chain: this.#chain },
      cloneStore(this.#store),
      this.#hub,
    );
    return this.#snapshot;
  }

  /**
   * A private copy at the same index, for dry runs: what it applies is seen nowhere else, and its
   * snapshots keep the chain of the log that it left.
   */
  fork(): StateMachineStore {
    const copy = new StateMachineStore(cloneStore(this.#store));
    copy.#index = this.#index;
    copy.#clock = this.#clock;
    copy.#chain = this.#chain;
    return copy;
  }

  onApplied(listener: AppliedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Replaces everything by a dump (raft snapshot) and wakes every waiter. */
  restore(restored: RestoredState): void {
    const { index, clock, chain } = restored.header;
    this.#index = index;
    this.#clock = clock;
    this.#chain = chain;
    this.#store = restored.store;
    this.#snapshot = undefined;
    this.#hub.wakeAll(index);
  }

  #run(tx: Tx, command: Command): CommandResult {
    const result = applyCommand(tx, command);
    assert(result.ok || tx.isClean, () => `rejected command ${command.tag} has written`);
    refreshTouchedJobs(tx, tx.changes);
    this.#moveTableIndexes(tx);
    rememberAnswer(tx, command, result);
    return result;
  }

  #moveTableIndexes(tx: Tx): void {
    const touched = new Set<TableName>(tx.changes.map((change) => change.table));
    for (const table of touched) tx.put("tableIndexes", table, tx.index);
  }
}

function nextChain(chain: string, index: number, changes: readonly Change[]): string {
  const hash = new Hash64(chain).add(String(index));
  for (const change of changes) {
    addRow(hash.add(change.table).add(change.key), change.after);
  }
  return hash.digest();
}
