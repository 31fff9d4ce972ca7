/**
 * Snapshots on their way to other members (RAFT.md §4.6; rules X1 to X3 of SPEC.md): at a pace that
 * leaves room for the log, tried again ever more seldom where they are not taken, and for a while
 * the log behind them stays.
 */
import type { RaftCore } from "../core/raft.ts";
import type { MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { RaftStorage } from "../wal/storage.ts";
import type { LogLevel, RaftLimits, RaftTimers, Transport } from "./api.ts";

/** So long, and so much of it, the log is kept for a member that is being sent a snapshot. */
const PIN_MS_MAX = 5 * 60_000;
const PIN_BYTES_MAX = 256 * 1024 * 1024;
/** Times two with each failure in a row; the first is tried again at the next heartbeat. */
const RETRY_TICKS_MAX = 128;
/** Shorter pauses are made together with the next one. */
const PAUSE_MS_MIN = 1;

type SnapshotMessage = Extract<Message, { type: "snapshot" }>;

export interface TransfersDeps {
  readonly core: RaftCore;
  readonly storage: Pick<RaftStorage, "readSnapshot">;
  readonly transport: Pick<Transport, "sendSnapshot">;
  readonly limits: Pick<RaftLimits, "tickMs" | "snapshotBytesPerSecond">;
  readonly timers: Pick<RaftTimers, "now" | "after" | "soon">;
  readonly log: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
  wake(): void;
  addressOf(id: MemberId): string;
  /** It would refuse. */
  isQuarantined(id: MemberId): boolean;
}

interface Transfer {
  readonly index: number;
  readonly since: number;
  over: boolean;
}

export class SnapshotTransfers {
  readonly #deps: TransfersDeps;
  /** The newest to each member, until the core has been told how it ended. */
  readonly #newest = new Map<MemberId, Transfer>();
  /** In a row. */
  readonly #failures = new Map<MemberId, number>();
  readonly #pauses = new Set<() => void>();
  /** When all that was sent so far may have been sent. */
  #paidUntil = 0;
  #running = true;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
  }

  halt(): void {
    this.#running = false;
    for (const end of [...this.#pauses]) end();
  }

  /** Streams the snapshot to a member and tells the core how that ended. */
  send(message: SnapshotMessage, meta: SnapshotMeta | null): void {
    const { transport, storage, timers, log, addressOf, isQuarantined } = this.#deps;
    const { to } = message;
    const transfer = { index: meta?.index ?? 0, since: timers.now(), over: false };
    this.#newest.set(to, transfer);
    if (meta === null || isQuarantined(to)) {
      this.#failed(to, transfer);
      return;
    }
    const fields = { to, index: meta.index };
    log("info", "sending a snapshot", fields);
    const source = this.#paced(storage.readSnapshot(meta));
    transport.sendSnapshot(to, addressOf(to), message, meta, source).then(
      () => {
        this.#failures.delete(to);
        this.#ended(to, transfer, true);
      },
      (error: unknown) => {
        if (this.#running) {
          log("warn", "a snapshot was not delivered", { ...fields, error: String(error) });
        }
        this.#failed(to, transfer);
      },
    );
  }

  /** The log after it stays, or the transfer would have been in vain. */
  pinnedIndex(snapshotIndex: number): number {
    const now = this.#deps.timers.now();
    let pinned = Number.POSITIVE_INFINITY;
    for (const { index, since, over } of this.#newest.values()) {
      if (!over && now - since < PIN_MS_MAX) pinned = Math.min(pinned, index);
    }
    if (pinned >= snapshotIndex) return pinned;
    const keep = { entries: Number.POSITIVE_INFINITY, bytes: PIN_BYTES_MAX };
    return Math.max(pinned, this.#deps.core.forgettable(snapshotIndex, keep));
  }

  /** Outside the turn that asked, as every other outcome. */
  #failed(to: MemberId, transfer: Transfer): void {
    transfer.over = true;
    const { timers, limits } = this.#deps;
    const failures = (this.#failures.get(to) ?? 0) + 1;
    this.#failures.set(to, failures);
    const ended = (): void => this.#ended(to, transfer, false);
    const ticks = failures === 1 ? 0 : Math.min(2 ** (failures - 1), RETRY_TICKS_MAX);
    if (ticks === 0) timers.soon(ended);
    else void this.#pause(ticks * limits.tickMs).then(ended);
  }

  #ended(to: MemberId, transfer: Transfer, ok: boolean): void {
    // In a later leadership there may be another one: then nobody waits for this.
    if (!this.#running || this.#newest.get(to) !== transfer) return;
    this.#newest.delete(to);
    this.#deps.core.snapshotSent(to, ok);
    this.#deps.wake();
  }

  /** All transfers together. */
  async *#paced(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { timers, limits } = this.#deps;
    for await (const piece of source) {
      yield piece;
      const ms = (piece.length * 1_000) / limits.snapshotBytesPerSecond;
      this.#paidUntil = Math.max(this.#paidUntil, timers.now()) + ms;
      const ahead = this.#paidUntil - timers.now();
      if (ahead >= PAUSE_MS_MIN) await this.#pause(ahead);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#running) return resolve();
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#deps.timers.after(ms, end);
      this.#pauses.add(end);
    });
  }
}
