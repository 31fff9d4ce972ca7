/**
 * A state that is made of a dump, record by record: whoever reads a long one lets others have their
 * turn in between, and nobody sees it before it takes the place of another.
 */
import { assert } from "@drover/base";
import type { DumpHeader, DumpRecord } from "./snapshot.ts";
import { createStore, reindex } from "./store/tables.ts";

export class RestoredState {
  readonly store = createStore();
  #header: DumpHeader | undefined;

  /** In the order of the dump; throws where that does not begin with its header. */
  add(record: DumpRecord): void {
    if (record.kind === "header") {
      assert(record.format === 1, () => `unknown dump format ${record.format}`);
      this.#header = record;
      return;
    }
    assert(this.#header !== undefined, "a dump begins with its header");
    const { table, key, row } = record;
    this.store.tables[table].set(key, row as never);
    reindex(this.store, { table, key, before: null, after: row });
  }

  get header(): DumpHeader {
    assert(this.#header !== undefined, "a dump has a header");
    return this.#header;
  }
}
