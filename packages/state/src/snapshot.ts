/** One immutable view of the replicated state at an index. */
import type { StateReader } from "@drover/model";
import { Hash64 } from "./store/hash.ts";
import { Reader } from "./store/reader.ts";
import { type Store, TABLE_NAMES, type TableName } from "./store/tables.ts";
import type { Wait, WatchHub } from "./watch/watch-hub.ts";
import type { WatchKey } from "./watch/watch-key.ts";

/** First record of a dump. */
export interface DumpHeader {
  readonly kind: "header";
  readonly format: 1;
  readonly index: number;
  readonly clock: number;
  readonly chain: string;
}
export interface DumpRow {
  readonly kind: "row";
  readonly table: TableName;
  readonly key: string;
  readonly row: unknown;
}
/** Plain data for the raft snapshot; the server encodes it. */
export type DumpRecord = DumpHeader | DumpRow;

export interface SnapshotMeta {
  readonly index: number;
  readonly clock: number;
  /** Running hash of every entry up to `index`: equal on servers that applied the same log. */
  readonly chain: string;
}

export class StateSnapshot extends Reader implements StateReader {
  readonly index: number;
  readonly clock: number;
  readonly chain: string;
  readonly #hub: WatchHub;

  constructor(meta: SnapshotMeta, store: Store, hub: WatchHub) {
    super(store);
    this.index = meta.index;
    this.clock = meta.clock;
    this.chain = meta.chain;
    this.#hub = hub;
  }

  /**
   * The only way to wait (DESIGN §3): resolves when something of `keys` has changed after this
   * snapshot, at once if it already has. Cancel it when a time-out comes first.
   */
  changed(keys: readonly WatchKey[]): Wait {
    return this.#hub.changed(keys, this.index);
  }

  *dump(): Generator<DumpRecord> {
    const { index, clock, chain } = this;
    yield { kind: "header", format: 1, index, clock, chain };
    for (const table of TABLE_NAMES) {
      for (const [key, row] of this.store.tables[table].entries()) {
        yield { kind: "row", table, key, row };
      }
    }
  }

  /** Hash of the whole state, for comparing servers; walks every row. */
  stateHash(): string {
    const hash = new Hash64();
    for (const record of this.dump()) {
      if (record.kind === "header") hash.add(`${record.index}:${record.clock}`);
      else hash.add(record.table).add(record.key).add(JSON.stringify(record.row));
    }
    return hash.digest();
  }
}
