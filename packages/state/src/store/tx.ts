/**
 * One command being applied: writes to the live tables, remembering what changed. There is no roll
 * back: a command checks everything it may refuse before its first write.
 */
import { assert } from "@drover/base";
import { Reader } from "./reader.ts";
import { type Rows, reindex, type Store, type TableName } from "./tables.ts";

export interface Change {
  readonly table: TableName;
  readonly key: string;
  /** null = there was no such row. */
  readonly before: unknown;
  /** null = the row is gone. */
  after: unknown;
}

export interface TxOptions {
  readonly index: number;
  /** Epoch ms, from the command. */
  readonly now: number;
  /** Of the command's meaning (see `COMMAND_VERSION`). */
  readonly v: number;
}

export class Tx {
  readonly index: number;
  readonly now: number;
  readonly v: number;
  /** The live tables, this command's own writes included. */
  readonly read: Reader;
  readonly #store: Store;
  readonly #changes = new Map<string, Change>();

  constructor(options: TxOptions, store: Store) {
    this.index = options.index;
    this.now = options.now;
    this.v = options.v;
    this.#store = store;
    this.read = new Reader(store);
  }

  /** In the order of each row's first write. */
  get changes(): readonly Change[] {
    return [...this.#changes.values()];
  }

  get isClean(): boolean {
    return this.#changes.size === 0;
  }

  get<N extends TableName>(table: N, key: string): Rows[N] | undefined {
    return this.#store.tables[table].get(key);
  }

  rows<N extends TableName>(table: N, prefix: string): Rows[N][] {
    return [...this.#store.tables[table].values(prefix)] as Rows[N][];
  }

  keys(table: TableName, prefix: string): string[] {
    return [...this.#store.tables[table].entries(prefix)].map(([key]) => key);
  }

  size(table: TableName): number {
    return this.#store.tables[table].size;
  }

  /** In key order. */
  first<N extends TableName>(table: N): [string, Rows[N]] | undefined {
    return this.#store.tables[table].first() as [string, Rows[N]] | undefined;
  }

  put<N extends TableName>(table: N, key: string, row: Rows[N]): void {
    const before = this.#store.tables[table].get(key) ?? null;
    this.#store.tables[table].set(key, row);
    this.#record({ table, key, before, after: row });
  }

  remove(table: TableName, key: string): void {
    const before = this.#store.tables[table].get(key) ?? null;
    assert(before !== null, () => `removes ${table}/${key}, which does not exist`);
    this.#store.tables[table].delete(key);
    this.#record({ table, key, before, after: null });
  }

  #record(change: Change): void {
    reindex(this.#store, change);
    const id = `${change.table}/${change.key}`;
    const earlier = this.#changes.get(id);
    if (earlier === undefined) this.#changes.set(id, change);
    else earlier.after = change.after;
  }
}
