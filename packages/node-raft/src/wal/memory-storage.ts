/** Nothing survives the process: development mode, and tests of what is above. */
import type { MemberId, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import type { RaftStorage, SnapshotSink, StorageState } from "./storage.ts";
import type { LogWrite } from "./wal.ts";

export class MemoryStorage implements RaftStorage {
  /** The two newest snapshots, as on disk. */
  readonly #snapshots = new Map<number, Uint8Array[]>();

  open(mintId: () => MemberId): Promise<StorageState> {
    const nothing = { hardState: null, snapshot: null, entries: [], quarantine: null, notes: [] };
    return Promise.resolve({ memberId: mintId(), clusterId: "", ...nothing });
  }

  initialize(): Promise<void> {
    return Promise.resolve();
  }

  append(_write: LogWrite, done: () => void): void {
    queueMicrotask(done);
  }

  createSnapshot(meta: SnapshotMeta): Promise<SnapshotSink> {
    const chunks: Uint8Array[] = [];
    return Promise.resolve({
      write: (chunk: Uint8Array) => {
        chunks.push(chunk);
        return Promise.resolve();
      },
      commit: () => {
        this.#snapshots.set(meta.index, chunks);
        for (const index of [...this.#snapshots.keys()].slice(0, -2)) this.#snapshots.delete(index);
        return Promise.resolve();
      },
      abort: () => Promise.resolve(),
    });
  }

  async *readSnapshot(meta: SnapshotMeta): AsyncGenerator<Uint8Array> {
    const chunks = this.#snapshots.get(meta.index);
    if (chunks === undefined) throw new RaftError("io", `no snapshot at index ${meta.index}`);
    yield* chunks;
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  quarantine(): Promise<void> {
    return Promise.resolve();
  }

  onFailure(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
