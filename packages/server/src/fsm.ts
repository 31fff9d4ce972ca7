/**
 * The replicated state machine as the log engine sees it: bytes in, results out. Decoding, telling
 * listeners and streaming snapshots live here; the rules are @drover/state's.
 */
import {
  type Command,
  type CommandResult,
  type DumpRecord,
  RestoredState,
  type StateMachineStore,
} from "@drover/state";
import { decodeMessage, encodeMessage } from "@drover/wire";
import type { Applied } from "./context.ts";

export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** Few, because one of them may be a job of a MiB. */
const FRAME_RECORDS = 8;
/** Encoded or decoded in less than 8 ms (RAFT.md §4.6): then others have their turn. */
const SLICE_BYTES = 512 * 1024;

export class ServerFsm {
  readonly #store: StateMachineStore;
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #restored = new Set<() => void>();

  constructor(store: StateMachineStore) {
    this.#store = store;
  }

  apply(entries: readonly CommittedEntry[]): readonly CommandResult[] {
    return entries.map((entry) => {
      const command = decodeMessage(entry.data) as Command;
      const { result, events } = this.#store.apply(command, entry.index);
      const { index, data } = entry;
      const applied: Applied = { index, command, result, events, bytes: data.byteLength };
      for (const listener of this.#listeners) listener(applied);
      return result;
    });
  }

  /** What the members of the cluster compare with each other (DESIGN §12.9). */
  digest(): string {
    return this.#store.chain;
  }

  /** O(1) now, streamed later: the snapshot is immutable. */
  snapshot(): { stream(): AsyncIterable<Uint8Array> } {
    const snapshot = this.#store.snapshot();
    return { stream: () => encodeRecords(snapshot.dump()) };
  }

  async restore(_meta: unknown, source: AsyncIterable<Uint8Array>): Promise<void> {
    const restored = new RestoredState();
    const slices = new Slices();
    for await (const { records, bytes } of decodeRecords(source)) {
      for (const record of records) restored.add(record);
      await slices.done(bytes);
    }
    this.#store.restore(restored);
    for (const listener of this.#restored) listener();
  }

  onApplied(fn: (applied: Applied) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** A snapshot replaced the state: whoever kept something of it must look anew. */
  onRestored(fn: () => void): () => void {
    this.#restored.add(fn);
    return () => this.#restored.delete(fn);
  }
}

/** Length-prefixed msgpack arrays of records. */
async function* encodeRecords(records: Iterable<DumpRecord>): AsyncGenerator<Uint8Array> {
  let batch: DumpRecord[] = [];
  const slices = new Slices();
  for (const record of records) {
    batch.push(record);
    if (batch.length < FRAME_RECORDS) continue;
    const part = frame(batch);
    yield part;
    batch = [];
    await slices.done(part.length);
  }
  if (batch.length > 0) yield frame(batch);
}

function frame(batch: readonly DumpRecord[]): Uint8Array {
  const body = encodeMessage(batch);
  const out = new Uint8Array(4 + body.byteLength);
  new DataView(out.buffer).setUint32(0, body.byteLength);
  out.set(body, 4);
  return out;
}

interface Frame {
  readonly records: readonly DumpRecord[];
  readonly bytes: number;
}

async function* decodeRecords(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let pending = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const end = 4 + pending.readUInt32BE(0);
      yield { records: decodeMessage(pending.subarray(4, end)) as DumpRecord[], bytes: end };
      pending = pending.subarray(end);
    }
  }
  if (pending.length > 0) throw new Error("the snapshot ends in the middle of a record");
}

/** Lets others have their turn after each slice of work. */
class Slices {
  #bytes = 0;

  async done(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes < SLICE_BYTES) return;
    this.#bytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
