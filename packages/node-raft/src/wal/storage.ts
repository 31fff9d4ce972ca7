/**
 * What the driver needs of durable storage. Implementations: `WorkerStorage` (files, in a thread of
 * their own), `LocalStorage` (the same code in the caller's thread, for the simulator's disk) and
 * `MemoryStorage` (nothing survives; development mode).
 */
import type { Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import type { LogWrite } from "./wal.ts";

/**
 * Why a member's state must not be served: at `index` its digest was another than a majority's.
 * Kept beside the log, so that a restart does not forget it (SPEC, "Agreement of states").
 */
export interface Quarantine {
  /** The last checkpoint at which it had the majority's; 0 = none is known. */
  readonly after: number;
  /** The first at which it had not. */
  readonly index: number;
  readonly digest: string;
  readonly agreedDigest: string;
}

/** For operators. */
export function whenItDiffered({ after, index }: Quarantine): string {
  return after === 0 ? `at index ${index}` : `between index ${after} and ${index}`;
}

export interface StorageState {
  readonly memberId: MemberId;
  /** "" = no cluster yet; everything below is empty then. */
  readonly clusterId: string;
  readonly hardState: HardState | null;
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
  /** null = nothing is known against the state that is kept here. */
  readonly quarantine: Quarantine | null;
  /** What recovery found worth telling an operator, e.g. a torn write that was cut. */
  readonly notes: readonly string[];
}

export interface RaftStorage {
  /** Locks, recovers; `mintId` is asked once, for a fresh directory. */
  open(mintId: () => MemberId): Promise<StorageState>;
  /** Turns a fresh directory into a member of `clusterId`; all or nothing. */
  initialize(start: {
    clusterId: string;
    hardState: HardState;
    entries: readonly Entry[];
  }): Promise<void>;
  /**
   * Writes reach the disk in call order; `done` follows when this one and all before it are
   * durable. It is never called after a failure.
   */
  append(write: LogWrite, done: () => void): void;
  /** The sink's file counts only once an `append` with its mark is durable. */
  createSnapshot(meta: SnapshotMeta): Promise<SnapshotSink>;
  /** Chunk boundaries are not those of the writer. */
  readSnapshot(meta: SnapshotMeta): AsyncIterable<Uint8Array>;
  /** Entries up to `index` may go; a marked snapshot must cover them. */
  compact(index: number): Promise<void>;
  /** Resolves when it is durable. */
  quarantine(why: Quarantine): Promise<void>;
  /** First I/O error: nothing can be written any more, the member must stop. */
  onFailure(fn: (error: Error) => void): void;
  close(): Promise<void>;
}

export interface SnapshotSink {
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

/**
 * Pieces of any size become chunks of about `chunkBytes`; small ones are joined, large ones cut.
 */
export async function* rechunk(
  source: AsyncIterable<Uint8Array>,
  chunkBytes = SNAPSHOT_CHUNK_BYTES,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunk = new Uint8Array(0);
  let filled = 0;
  for await (const piece of source) {
    let at = 0;
    while (at < piece.length) {
      const part = piece.subarray(at, at + chunkBytes - filled);
      if (filled + part.length > chunk.length)
        chunk = grown(chunk, filled + part.length, chunkBytes);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < chunkBytes) continue;
      yield chunk;
      chunk = new Uint8Array(0);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.slice(0, filled);
}

/** Small snapshots need no large buffer; `max` is reached within a few steps. */
function grown(
  bytes: Uint8Array<ArrayBuffer>,
  least: number,
  max: number,
): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(max, Math.max(least, 4 * bytes.length)));
  larger.set(bytes);
  return larger;
}
