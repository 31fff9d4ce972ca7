/**
 * Serves the requests of one member against its data directory, in order; see store-protocol.ts.
 */
import { assert, unreachable } from "../core/assert.ts";
import type { Entry } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { DiskStore } from "./disk-store.ts";
import { FrameWriter, readFrames } from "./frame.ts";
import { type StoreCall, type StoreReply, type StoreRequest, toFault } from "./store-protocol.ts";
import type { Vfs } from "./vfs.ts";
import { type EncodedWrite, type WalOptions, walDefaults } from "./wal.ts";

/** A batch beyond this is written in parts, so that one sync stays short. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024;

export interface StoreHostOptions {
  readonly dataDir: string;
  readonly wal?: WalOptions | undefined;
}

export class StoreHost {
  readonly #vfs: Vfs;
  readonly #options: StoreHostOptions;
  readonly #reply: (reply: StoreReply, transfer: readonly ArrayBuffer[]) => void;
  #store: DiskStore | null = null;
  #failed = false;

  constructor(
    vfs: Vfs,
    options: StoreHostOptions,
    reply: (reply: StoreReply, transfer: readonly ArrayBuffer[]) => void,
  ) {
    this.#vfs = vfs;
    this.#options = options;
    this.#reply = reply;
  }

  /** Appends that stand together become one write and one sync. */
  handle(requests: readonly StoreRequest[]): void {
    let group: EncodedWrite[] = [];
    let bytes = 0;
    for (const request of requests) {
      if (request.kind === "append" && bytes < GROUP_BYTES_MAX) {
        group.push(request.write);
        bytes += request.write.frames.length;
        continue;
      }
      this.#append(group);
      group = request.kind === "append" ? [request.write] : [];
      bytes = group[0]?.frames.length ?? 0;
      if (request.kind === "call") this.#call(request);
    }
    this.#append(group);
  }

  /** Zeros ahead, a new file: what no acknowledgement has to wait for. */
  idle(): void {
    if (this.#failed) return;
    try {
      this.#store?.maintain();
    } catch (error) {
      this.#fail(error);
    }
  }

  #append(group: readonly EncodedWrite[]): void {
    if (group.length === 0 || this.#failed) return;
    try {
      this.#open().append(group);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#reply({ kind: "appended", count: group.length }, []);
  }

  #call(call: StoreCall): void {
    try {
      const { value, transfer } = this.#perform(call);
      this.#reply({ kind: "result", id: call.id, value }, transfer);
    } catch (error) {
      this.#reply({ kind: "error", id: call.id, fault: toFault(error) }, []);
      // A damaged snapshot hurts its reader only; a disk that fails a write hurts everything.
      const harmless = call.method === "readChunk" || call.method === "openReader";
      if (!harmless && call.method !== "open") this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#reply({ kind: "failed", fault: toFault(error) }, []);
  }

  #open(): DiskStore {
    assert(this.#store !== null, () => "the data directory is not open");
    return this.#store;
  }

  #perform(call: StoreCall): { value: unknown; transfer: ArrayBuffer[] } {
    const nothing = { value: null, transfer: [] };
    switch (call.method) {
      case "open":
        return this.#openStore(call.args.mintedId);
      case "initialize": {
        const { clusterId, hardState, entryFrames } = call.args;
        this.#open().initialize({ clusterId, hardState, entries: decodeEntries(entryFrames) });
        return nothing;
      }
      case "compact":
        this.#open().compact(call.args.index);
        return nothing;
      case "quarantine":
        this.#open().quarantine(call.args.why);
        return nothing;
      case "close":
        this.#store?.close();
        this.#store = null;
        return nothing;
      default:
        return this.#snapshotCall(call);
    }
  }

  #snapshotCall(
    call: Exclude<
      StoreCall,
      { method: "open" | "initialize" | "compact" | "quarantine" | "close" }
    >,
  ): { value: unknown; transfer: ArrayBuffer[] } {
    const snapshots = this.#open().snapshots;
    const answer = (value: unknown) => ({ value: value ?? null, transfer: [] });
    switch (call.method) {
      case "beginSnapshot":
        return answer(snapshots.begin(call.args.meta));
      case "writeChunk":
        return answer(snapshots.write(call.args.handle, call.args.chunk));
      case "commitSnapshot":
        return answer(snapshots.commit(call.args.handle));
      case "abortSnapshot":
        return answer(snapshots.abort(call.args.handle));
      case "openReader":
        return answer(snapshots.openReader(call.args.meta));
      case "readChunk":
        return answer(snapshots.read(call.args.handle));
      case "closeReader":
        return answer(snapshots.closeReader(call.args.handle));
      default:
        return unreachable(call);
    }
  }

  #openStore(mintedId: string): { value: unknown; transfer: ArrayBuffer[] } {
    const { dataDir, wal } = this.#options;
    const { store, state } = told(dataDir, () =>
      DiskStore.open(this.#vfs, dataDir, () => mintedId, wal ?? walDefaults),
    );
    this.#store = store;
    const { entries, ...rest } = state;
    const entryFrames = encodeEntries(entries);
    return { value: { ...rest, entryFrames }, transfer: [entryFrames.buffer] };
  }
}

/** What the system refuses is no fault of ours: which directory, and why, but no stack. */
function told<T>(dataDir: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    const message = `${dataDir}: the directory cannot be opened (${error.message})`;
    throw new RaftError("io", message, { cause: error });
  }
}

export function encodeEntries(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter();
  for (const entry of entries) writer.entry(entry);
  return writer.finish();
}

export function decodeEntries(frames: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  for (const frame of readFrames(frames)) {
    assert(frame.type === "entry", () => `a ${frame.type} among entries`);
    entries.push(frame.entry);
  }
  return entries;
}
