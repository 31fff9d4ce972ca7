/**
 * The disk of a member that runs the bare core: whole writes, in order, each durable after a while.
 * At a crash a prefix of the unconfirmed ones has reached it or not.
 */
import type { Append, Entry, HardState, SnapshotMeta } from "../core/types.ts";
import type { SimClock } from "./clock.ts";
import type { SimRandom } from "./random.ts";

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

interface Pending {
  readonly append: Append;
  /** Data of `append.snapshot`. */
  readonly snapshot: StoredSnapshot | null;
  readonly done: () => void;
}

export class CoreDisk {
  hardState: HardState | null = null;
  snapshot: StoredSnapshot | null = null;
  entries: Entry[] = [];
  /** Milliseconds added to each sync; Infinity = hangs. */
  extraMs = 0;
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #syncMs: readonly [number, number];
  #pending: Pending[] = [];
  readonly #hanging: (() => void)[] = [];
  #syncing = false;

  constructor(clock: SimClock, random: SimRandom, syncMs: readonly [number, number]) {
    this.#clock = clock;
    this.#random = random;
    this.#syncMs = syncMs;
  }

  submit(append: Append, snapshot: StoredSnapshot | null, done: () => void): void {
    this.#pending.push({ append, snapshot, done });
    this.#sync();
  }

  /** Something else than the log is written. `fn` is called after a crash too: it must find out. */
  afterSync(fn: () => void): void {
    const ms = this.#latency();
    if (ms === Number.POSITIVE_INFINITY) this.#hanging.push(fn);
    else this.#clock.after(ms, fn);
  }

  /** A local snapshot is complete. */
  putSnapshot(snapshot: StoredSnapshot): void {
    if (snapshot.meta.index > (this.snapshot?.meta.index ?? 0)) this.snapshot = snapshot;
  }

  compact(index: number): void {
    this.entries = this.entries.filter((entry) => entry.index > index);
  }

  /** A hanging disk works again. */
  recover(): void {
    this.extraMs = 0;
    this.#sync();
    this.#release();
  }

  crash(): void {
    const reached = this.#random.int(this.#pending.length + 1);
    for (const pending of this.#pending.slice(0, reached)) this.#write(pending);
    this.#pending = [];
    this.#syncing = false;
    this.#release();
  }

  #release(): void {
    for (const fn of this.#hanging.splice(0)) this.#clock.after(0, fn);
  }

  /** One sync takes everything that waits. */
  #sync(): void {
    if (this.#syncing || this.#pending.length === 0) return;
    const ms = this.#latency();
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#syncing = true;
    const group = [...this.#pending];
    this.#clock.after(ms, () => {
      // After a crash these are other writes than those that were waiting.
      if (this.#pending[0] !== group[0]) return;
      this.#syncing = false;
      this.#pending.splice(0, group.length);
      for (const pending of group) this.#write(pending);
      for (const pending of group) pending.done();
      this.#sync();
    });
  }

  #write({ append, snapshot }: Pending): void {
    if (append.snapshot !== null) {
      if (snapshot === null) throw new Error("a snapshot without data");
      this.snapshot = snapshot;
      this.entries = [];
    }
    const first = append.entries[0];
    if (first !== undefined) {
      this.entries = this.entries.filter((entry) => entry.index < first.index);
      this.entries.push(...append.entries);
    }
    if (append.hardState !== null) this.hardState = append.hardState;
  }

  #latency(): number {
    const [min, max] = this.#syncMs;
    return this.#random.between(min, max) + this.extraMs;
  }
}
