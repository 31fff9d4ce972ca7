/**
 * Snapshots of the state machine: taken when the log has grown, sent to a member that is too far
 * behind (snapshot-transfers.ts), installed when we are. A snapshot file is durable before the log
 * is told of it, and the log knows it durably before anything is dropped (RAFT.md §4.6).
 */
import { allMembers } from "../core/conf-state.ts";
import type { MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { RaftStorage } from "../wal/storage.ts";
import { storeSnapshot } from "../wal/storage-client.ts";
import { RaftError, type RaftLimits, type SnapshotStream } from "./api.ts";
import type { SessionMachine } from "./session-machine.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";
import { SnapshotTransfers, type TransfersDeps } from "./snapshot-transfers.ts";

export interface SnapshotsDeps<R> extends TransfersDeps {
  readonly self: MemberId;
  readonly storage: RaftStorage;
  readonly machine: SessionMachine<R>;
  readonly limits: RaftLimits;
  onFatal(error: Error): void;
}

export class Snapshots<R> {
  readonly #deps: SnapshotsDeps<R>;
  readonly #transfers: SnapshotTransfers;
  readonly #intake: SnapshotIntake;
  /** What to end when the node stops. */
  readonly #pending = new Set<(error: RaftError) => void>();
  #newest: SnapshotMeta | null = null;
  /** Of the last one that was taken here. */
  #newestBytes = 0;
  #taking: Promise<SnapshotMeta> | null = null;
  #receiving = false;
  #restoring = false;
  #running = true;
  #entriesSince = 0;
  #bytesSince = 0;
  #hasTurn = false;

  constructor(deps: SnapshotsDeps<R>) {
    this.#deps = deps;
    this.#transfers = new SnapshotTransfers(deps);
    this.#intake = new SnapshotIntake(deps);
  }

  /** What recovery found. */
  begin(newest: SnapshotMeta | null): void {
    this.#newest = newest;
  }

  get newest(): SnapshotMeta | null {
    return this.#newest;
  }

  halt(): void {
    this.#running = false;
    this.#transfers.halt();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const reject of pending) reject(new RaftError("stopped", "the node is stopping"));
  }

  noteApplied(bytes: number): void {
    this.#entriesSince += 1;
    this.#bytesSince += bytes;
  }

  /** Once per tick. */
  maybeTake(): void {
    if (!this.#receiving) this.#intake.forget(this.#deps.core.status().commit).catch(this.#failed);
    const { snapshotEntries, snapshotLogBytes } = this.#deps.limits;
    if (this.#entriesSince > 0) this.#takeTurns();
    const bytesMax = Math.max(snapshotLogBytes, this.#newestBytes / 2);
    if (this.#entriesSince < snapshotEntries && this.#bytesSince < bytesMax) return;
    if (this.#isInstalling() || this.#taking !== null) return;
    this.take().catch(this.#failed);
  }

  /** A disk that failed says so itself; anything else ends here: the log would only grow. */
  readonly #failed = (error: unknown): void => {
    if (!this.#running) return;
    this.#deps.onFatal(error instanceof Error ? error : new Error(String(error)));
  };

  /**
   * Members apply the same and would all write at once, with no quorum of idle disks left to commit
   * meanwhile. So the first one comes the earlier here the earlier this member's id comes in order.
   */
  #takeTurns(): void {
    if (this.#hasTurn) return;
    const { core, limits, self } = this.#deps;
    const members = allMembers(core.status().conf).toSorted();
    const rank = members.indexOf(self);
    if (rank === -1) return;
    this.#hasTurn = true;
    const share = 1 - (rank + 1) / members.length;
    this.#entriesSince += Math.floor(share * limits.snapshotEntries);
    this.#bytesSince += Math.floor(share * limits.snapshotLogBytes);
  }

  /** Shares one that is being taken. */
  take(): Promise<SnapshotMeta> {
    this.#taking ??= this.#take().finally(() => {
      this.#taking = null;
    });
    return this.#taking;
  }

  async #take(): Promise<SnapshotMeta> {
    const { core, storage, machine, timers, log } = this.#deps;
    const applied = core.status().applied;
    if (this.#isInstalling() || applied === 0) {
      throw new RaftError("refused", "there is no state to take a snapshot of yet");
    }
    if (this.#newest !== null && this.#newest.index >= applied) return this.#newest;
    const startedAt = timers.now();
    const meta = core.snapshotMeta(applied);
    const capture = machine.snapshot();
    this.#entriesSince = 0;
    this.#bytesSince = 0;
    let bytes = 0;
    const counted = (piece: Uint8Array) => {
      bytes += piece.length;
    };
    await this.#whileRunning(storeSnapshot(storage, meta, watched(capture.stream(), counted)));
    this.#newestBytes = bytes;
    const overtaken = this.#overtaking(meta);
    if (overtaken !== null) return overtaken;
    this.#newest = meta;
    await this.#whileRunning(this.#mark(meta));
    core.snapshotTaken(meta);
    await this.#compact(meta);
    this.#deps.wake();
    log("info", "snapshot taken", { index: meta.index, ms: timers.now() - startedAt });
    return meta;
  }

  /**
   * From the moment the core drops its log for a received one: then our state has no place in it.
   */
  #isInstalling(): boolean {
    return this.#restoring || this.#deps.core.status().installing !== 0;
  }

  /** A snapshot installed while ours was being written replaces it. */
  #overtaking(meta: SnapshotMeta): SnapshotMeta | null {
    return this.#newest !== null && this.#newest.index >= meta.index ? this.#newest : null;
  }

  #mark(meta: SnapshotMeta): Promise<void> {
    const write = { hardState: null, entries: [], mark: { meta, reset: false } };
    return new Promise((resolve) => this.#deps.storage.append(write, resolve));
  }

  async #compact(meta: SnapshotMeta): Promise<void> {
    const { core, storage, limits } = this.#deps;
    const status = core.status();
    const keep = { entries: limits.trailingEntries, bytes: limits.trailingBytes };
    const pinned = this.#transfers.pinnedIndex(meta.index);
    const target = Math.min(core.forgettable(meta.index, keep), pinned);
    if (target < status.firstIndex || this.#overtaking(meta)?.index !== meta.index) return;
    await this.#whileRunning(storage.compact(target));
    if (core.status().firstIndex <= target) core.compacted(target);
  }

  /** To a member that is too far behind. */
  send(message: Extract<Message, { type: "snapshot" }>): void {
    this.#transfers.send(message, this.#newest);
  }

  /** Resolves when the data is durable here and the core knows; rejects when it is not wanted. */
  async receive(message: Message, meta: SnapshotMeta, stream: SnapshotStream): Promise<void> {
    const { core, log } = this.#deps;
    const status = core.status();
    if (!this.#running || message.type !== "snapshot" || message.to !== this.#deps.self) {
      throw new RaftError("refused", "no snapshot is wanted here");
    }
    if (message.term < status.term) throw new RaftError("refused", "the sender's term is over");
    if (this.#receiving || this.#isInstalling()) throw new RaftError("refused", "one is under way");
    if (meta.index > status.commit) {
      this.#receiving = true;
      try {
        log("info", "receiving a snapshot", { from: message.from, index: meta.index });
        await this.#whileRunning(this.#intake.store(meta, stream));
      } finally {
        this.#receiving = false;
      }
    }
    this.#step({ ...message, meta });
  }

  #step(message: Message): void {
    try {
      this.#deps.core.step(message);
    } catch (error) {
      this.#deps.onFatal(error instanceof Error ? error : new Error(String(error)));
    }
    this.#deps.wake();
  }

  /** The state machine takes over a snapshot that is durable here. */
  async restore(meta: SnapshotMeta): Promise<void> {
    const { machine, storage, log } = this.#deps;
    this.#newest = meta;
    this.#restoring = true;
    this.#entriesSince = 0;
    this.#bytesSince = 0;
    try {
      await machine.restore(meta, storage.readSnapshot(meta));
      log("info", "snapshot installed", { index: meta.index, term: meta.term });
    } finally {
      this.#restoring = false;
    }
  }

  #whileRunning<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#running) this.#pending.add(reject);
      else reject(new RaftError("stopped", "the node is stopping"));
      work.then(
        (value) => {
          this.#pending.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#pending.delete(reject);
          reject(error);
        },
      );
    });
  }
}

async function* watched<T>(source: AsyncIterable<T>, see: (piece: T) => void): AsyncGenerator<T> {
  for await (const piece of source) {
    see(piece);
    yield piece;
  }
}
