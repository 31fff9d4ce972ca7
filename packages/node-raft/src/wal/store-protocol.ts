/** What travels between the driver's thread and the one that owns the disk. */
import type { HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import type { Quarantine, StorageState } from "./storage.ts";
import type { EncodedWrite } from "./wal.ts";

/** Calls that are answered one by one, with their arguments and results. */
export interface StoreCalls {
  open: {
    args: { mintedId: MemberId };
    result: Omit<StorageState, "entries"> & { entryFrames: Uint8Array };
  };
  initialize: {
    args: { clusterId: string; hardState: HardState; entryFrames: Uint8Array };
    result: null;
  };
  compact: { args: { index: number }; result: null };
  quarantine: { args: { why: Quarantine }; result: null };
  beginSnapshot: { args: { meta: SnapshotMeta }; result: number };
  writeChunk: { args: { handle: number; chunk: Uint8Array }; result: null };
  commitSnapshot: { args: { handle: number }; result: null };
  abortSnapshot: { args: { handle: number }; result: null };
  openReader: { args: { meta: SnapshotMeta }; result: number };
  readChunk: { args: { handle: number }; result: Uint8Array | null };
  closeReader: { args: { handle: number }; result: null };
  close: { args: Record<string, never>; result: null };
}

export type StoreMethod = keyof StoreCalls;

export type StoreCall = {
  [M in StoreMethod]: {
    readonly kind: "call";
    readonly id: number;
    readonly method: M;
    readonly args: StoreCalls[M]["args"];
  };
}[StoreMethod];

export type StoreRequest = { readonly kind: "append"; readonly write: EncodedWrite } | StoreCall;

export interface StoreFault {
  readonly code: RaftError["code"];
  readonly message: string;
}

export type StoreReply =
  /** So many more appends, in order, are durable. */
  | { readonly kind: "appended"; readonly count: number }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly fault: StoreFault }
  /** The disk cannot be written any more. */
  | { readonly kind: "failed"; readonly fault: StoreFault };

/** The other side: a worker thread, or the same thread a little later. */
export interface StorePort {
  post(request: StoreRequest, transfer: readonly ArrayBuffer[]): void;
  onReply(fn: (reply: StoreReply) => void): void;
  end(): Promise<void>;
}

/** Errors lose their class between threads. */
export function toFault(error: unknown): StoreFault {
  if (error instanceof RaftError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "io", message };
}

export function fromFault(fault: StoreFault): RaftError {
  return new RaftError(fault.code, fault.message);
}
