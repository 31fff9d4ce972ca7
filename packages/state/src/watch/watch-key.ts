/** What a reader can wait for: a table, a row, or all rows whose key has a prefix. */
import { INDEXES_OF, type IndexName, indexKeys, type TableName } from "../store/tables.ts";
import type { Change } from "../store/tx.ts";

/** Index names stand beside table names: `allocsByJob` with a job's key is "its allocations". */
export type WatchKey =
  | { readonly table: TableName | IndexName }
  | { readonly table: TableName | IndexName; readonly key: string }
  | { readonly table: TableName | IndexName; readonly prefix: string };

export interface TouchedKey {
  readonly table: TableName | IndexName;
  readonly key: string;
}

/** A row's own key, and the index keys it had or has. */
export function touchedKeys(change: Change): TouchedKey[] {
  const touched: TouchedKey[] = [{ table: change.table, key: change.key }];
  for (const name of INDEXES_OF[change.table] ?? []) {
    const keys = new Set<string>();
    for (const row of [change.before, change.after]) {
      if (row !== null) for (const key of indexKeys(name, row)) keys.add(key);
    }
    for (const key of keys) touched.push({ table: name, key });
  }
  return touched;
}

export function isMatch(watch: WatchKey, touched: TouchedKey): boolean {
  if (watch.table !== touched.table) return false;
  if ("key" in watch) return watch.key === touched.key;
  return "prefix" in watch ? touched.key.startsWith(watch.prefix) : true;
}
