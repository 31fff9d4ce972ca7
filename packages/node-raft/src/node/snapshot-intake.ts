/**
 * A snapshot being received. What came before its connection broke stays for a while, so that the
 * next one to the same sender goes on there (RAFT.md §4.6; rule X5 of SPEC.md).
 */
import type { SnapshotMeta } from "../core/types.ts";
import { type RaftStorage, rechunk, type SnapshotSink } from "../wal/storage.ts";
import type { RaftLimits, RaftTimers, SnapshotStream } from "./api.ts";

const CHUNK_BYTES_MAX = 256 * 1024;
const CHUNK_BYTES_MIN = 16;
/** As long as the sender keeps the log behind it. */
const KEPT_MS = 5 * 60_000;

export interface IntakeDeps {
  readonly storage: Pick<RaftStorage, "createSnapshot">;
  readonly timers: Pick<RaftTimers, "now">;
  readonly limits: Pick<RaftLimits, "messageBytesMax">;
}

interface Part {
  readonly streamId: string;
  readonly meta: SnapshotMeta;
  readonly sink: SnapshotSink;
  /** Written; what else had come was less than a chunk, and is lost. */
  bytes: number;
  brokenAt: number;
}

export class SnapshotIntake {
  readonly #deps: IntakeDeps;
  #kept: Part | null = null;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /** The snapshot's file is durable when it resolves. */
  async store(meta: SnapshotMeta, stream: SnapshotStream): Promise<void> {
    const part = this.#take(meta, stream.id) ?? (await this.#begin(meta, stream.id));
    const { messageBytesMax } = this.#deps.limits;
    const chunkBytes = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, messageBytesMax));
    try {
      for await (const chunk of rechunk(stream.from(part.bytes), chunkBytes)) {
        await part.sink.write(chunk);
        part.bytes += chunk.length;
      }
    } catch (error) {
      part.brokenAt = this.#deps.timers.now();
      if (stream.id === "") await part.sink.abort();
      else this.#kept = part;
      throw error;
    }
    await part.sink.commit();
  }

  /** Lets go of what nobody will finish: the log has come further, or it is too long ago. */
  async forget(commit: number): Promise<void> {
    const kept = this.#kept;
    if (kept === null) return;
    const isOver = this.#deps.timers.now() - kept.brokenAt >= KEPT_MS;
    if (kept.meta.index <= commit || isOver) await this.#drop();
  }

  #take(meta: SnapshotMeta, streamId: string): Part | null {
    const kept = this.#kept;
    if (kept === null || streamId === "" || kept.streamId !== streamId) return null;
    if (kept.meta.index !== meta.index || kept.meta.term !== meta.term) return null;
    this.#kept = null;
    return kept;
  }

  async #begin(meta: SnapshotMeta, streamId: string): Promise<Part> {
    await this.#drop();
    const sink = await this.#deps.storage.createSnapshot(meta);
    return { streamId, meta, sink, bytes: 0, brokenAt: 0 };
  }

  async #drop(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.sink.abort();
  }
}
