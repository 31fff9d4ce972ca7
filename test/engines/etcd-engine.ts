/**
 * A second log engine under the same seam, for tests only (DESIGN §5): the log is a range of keys
 * in a real etcd, one for each index. An append is a transaction that holds only while we lead and
 * the next key is free. Everybody, the leader too, applies what a watch tells, in the order of the
 * indexes; the log is never compacted, so that a server that comes late gets its first entry too.
 */
import { DroverError } from "@drover/base";
import type { LeadershipState, LogEngine } from "@drover/server";
import type { EtcdGateway, WatchEvent } from "./etcd-gateway.ts";
import { LeaderKey } from "./leader-key.ts";

const PROPOSE_TIMEOUT_MS = 10_000;
const RETRY_MS = 100;
/** Of one transaction, below etcd's own limit of 128 operations. */
const BATCH_MAX = 100;
const BATCH_BYTES_MAX = 4 << 20;
/** One that hands leadership over stays away from the key for so long. */
const ABSTAIN_MS = 2_000;
const ENTRIES = "log/";
const INDEX_DIGITS = 16;
const TERM_BYTES = 8;

export interface EtcdEngineOptions<R> {
  /** To the member of etcd that this server talks to. */
  readonly gateway: EtcdGateway;
  /** Of its keys: one log in it. */
  readonly prefix: string;
  /** host:port of this server's node-to-node listener. */
  readonly address: string;
  readonly peers: () => readonly string[];
  /** Of the log's first entry, so that its indexes can be another engine's. */
  readonly firstIndex: number;
  readonly leaseSeconds: number;
  readonly log: (message: string) => void;
  readonly machine: {
    apply(
      entries: readonly {
        readonly index: number;
        readonly term: number;
        readonly data: Uint8Array;
      }[],
    ): readonly R[];
  };
}

interface Proposed<R> {
  readonly data: Uint8Array;
  /** In which it was proposed: an entry of another term in its place is another's. */
  readonly term: number;
  resolve(answer: { index: number; term: number; result: R }): void;
  reject(error: Error): void;
}

export class EtcdEngine<R> implements LogEngine<R> {
  readonly #options: EtcdEngineOptions<R>;
  readonly #gateway: EtcdGateway;
  readonly #key: LeaderKey;
  readonly #listeners = new Set<(state: LeadershipState) => void>();
  readonly #stopping = new AbortController();
  #leadership: LeadershipState = { self: false, term: 0, leaderAddress: "" };
  /** Of the last change of the leader's key that counts. */
  #leaderRevision = 0;
  #applied: number;
  /** Where the leader's next entry goes. */
  #next = 0;
  #queue: Proposed<R>[] = [];
  #writing: Promise<void> | null = null;
  /** Written, or perhaps written, by index; the watch tells. */
  readonly #waiting = new Map<number, Proposed<R>>();
  readonly #barriers = new Set<{ readonly index: number; done(): void }>();
  #abstainUntil = 0;
  #isCampaigning = false;
  /** The key became free since it was last tried. */
  #mayTake = false;
  #following: Promise<void> = Promise.resolve();

  constructor(options: EtcdEngineOptions<R>) {
    this.#options = options;
    this.#gateway = options.gateway;
    this.#applied = options.firstIndex - 1;
    this.#key = new LeaderKey(
      {
        key: this.#leaderKey,
        value: options.address,
        leaseSeconds: options.leaseSeconds,
        log: options.log,
      },
      { gateway: this.#gateway, lost: () => this.#stepDown() },
    );
  }

  start(): void {
    this.#following = this.#follow();
    void this.#campaign();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stepDown();
    for (const { reject } of this.#waiting.values()) reject(unknown("the engine has stopped"));
    this.#waiting.clear();
    await this.#following;
    await this.#key.abandon();
  }

  propose(
    data: Uint8Array,
    options: { timeoutMs?: number } = {},
  ): Promise<{ index: number; term: number; result: R }> {
    if (!this.#leadership.self) return Promise.reject(noLeader());
    return new Promise((resolve, reject) => {
      const { timeoutMs = PROPOSE_TIMEOUT_MS } = options;
      const timer = setTimeout(() => reject(unknown(`no answer in ${timeoutMs} ms`)), timeoutMs);
      this.#queue.push({
        data,
        term: this.#leadership.term,
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = null;
      });
    });
  }

  async barrier(): Promise<{ index: number }> {
    const last = await this.#lastIndex();
    if (this.#applied < last) {
      await new Promise<void>((done) => this.#barriers.add({ index: last, done }));
    }
    return { index: this.#applied };
  }

  leadership(): LeadershipState {
    return this.#leadership;
  }

  level(): number {
    return 0;
  }

  peers(): readonly string[] {
    return this.#options.peers();
  }

  onLeadership(fn: (state: LeadershipState) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** The log is its own snapshot: nothing of it is ever dropped. */
  async snapshot(): Promise<void> {}

  async transferLeadership(): Promise<void> {
    const { self, term } = this.#leadership;
    if (!self) throw noLeader();
    this.#abstainUntil = performance.now() + ABSTAIN_MS;
    await this.#writing;
    await this.#key.resign(term);
    this.#stepDown();
    setTimeout(() => void this.#campaign(), ABSTAIN_MS).unref();
    await this.#someoneElse(term);
  }

  #someoneElse(term: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        off();
        reject(unknown("nobody took the leadership"));
      }, ABSTAIN_MS);
      const look = (state: LeadershipState) => {
        if (state.term <= term || state.leaderAddress === "") return;
        clearTimeout(timer);
        off();
        resolve();
      };
      const off = this.onLeadership(look);
      look(this.#leadership);
    });
  }

  /** From the first revision on, and from the last one seen when the stream breaks. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    for (let from = 1; !signal.aborted; ) {
      try {
        for await (const event of this.#gateway.watch(this.#options.prefix, { from, signal })) {
          this.#happened(event);
          from = event.revision;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log(`watching again: ${error}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #happened(event: WatchEvent): void {
    if (event.key.startsWith(this.#entries)) {
      const index = Number(event.key.slice(this.#entries.length));
      if (index > this.#applied) this.#apply(index, event.value);
    } else if (event.key === this.#leaderKey && event.revision > this.#leaderRevision) {
      this.#leaderRevision = event.revision;
      if (event.kind === "put") {
        const holder = Buffer.from(event.value).toString();
        // We do not lead before our first entry is written, nor after an earlier life of ours.
        const leaderAddress = holder === this.#options.address ? "" : holder;
        this.#announce({ self: false, term: event.createRevision, leaderAddress });
      } else {
        this.#stepDown();
        void this.#campaign();
      }
    }
  }

  #apply(index: number, value: Uint8Array): void {
    if (index !== this.#applied + 1) throw new Error(`entry ${index} follows ${this.#applied}`);
    const { term, data } = readEntry(value);
    // A new leader's first entry is no command.
    const [result] = data.length === 0 ? [] : this.#options.machine.apply([{ index, term, data }]);
    this.#applied = index;
    const proposed = this.#waiting.get(index);
    if (proposed?.term === term) {
      this.#waiting.delete(index);
      proposed.resolve({ index, term, result: result as R });
    }
    for (const barrier of [...this.#barriers]) {
      if (barrier.index > index) continue;
      this.#barriers.delete(barrier);
      barrier.done();
    }
  }

  async #campaign(): Promise<void> {
    this.#mayTake = true;
    if (this.#isCampaigning) return;
    this.#isCampaigning = true;
    while (this.#mayTake && !this.#stopping.signal.aborted && !this.#leadership.self) {
      this.#mayTake = false;
      if (performance.now() < this.#abstainUntil) break;
      try {
        await this.#take();
      } catch (error) {
        this.#options.log(`campaigning again: ${error}`);
        // It may be ours without our knowing its term.
        await this.#key.abandon();
        setTimeout(() => void this.#campaign(), RETRY_MS).unref();
      }
    }
    this.#isCampaigning = false;
  }

  async #take(): Promise<void> {
    const term = await this.#key.take();
    if (term === null) return;
    this.#next = (await this.#lastIndex()) + 1;
    // As in Raft, it says where the new term begins.
    const isOurs = await this.#append(term, [new Uint8Array()]);
    if (!isOurs || term < this.#leaderRevision) throw new Error(`term ${term} is over already`);
    this.#leaderRevision = term;
    this.#announce({ self: true, term, leaderAddress: this.#options.address });
  }

  /** One transaction at a time; what comes meanwhile goes with the next. */
  async #write(): Promise<void> {
    while (this.#leadership.self && this.#queue.length > 0) {
      const batch = this.#takeBatch();
      const first = this.#next;
      for (const [i, proposed] of batch.entries()) this.#waiting.set(first + i, proposed);
      const { term } = this.#leadership;
      const failure = await this.#tryAppend(term, batch);
      if (failure === null) continue;
      for (const [i, { reject }] of batch.entries()) {
        reject(failure);
        this.#waiting.delete(first + i);
      }
      this.#stepDown();
      // Where the log ends is not known any more: whoever leads next looks.
      await this.#key.resign(term);
    }
  }

  async #tryAppend(term: number, batch: readonly Proposed<R>[]): Promise<Error | null> {
    const entries = batch.map(({ data }) => data);
    try {
      return (await this.#append(term, entries)) ? null : noLeader();
    } catch (error) {
      return unknown(String(error));
    }
  }

  #takeBatch(): readonly Proposed<R>[] {
    let bytes = 0;
    let count = 0;
    for (const { data } of this.#queue.slice(0, BATCH_MAX)) {
      bytes += data.byteLength;
      if (count > 0 && bytes > BATCH_BYTES_MAX) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Compare and append; false: we do not lead any more, and nothing is written. */
  async #append(term: number, entries: readonly Uint8Array[]): Promise<boolean> {
    const first = this.#next;
    const revision = await this.#gateway.writeIf(
      [
        { key: this.#leaderKey, createRevision: term },
        // A log has no holes: where the first is free, all are.
        { key: this.#entryKey(first), createRevision: 0 },
      ],
      {
        puts: entries.map((data, i) => ({
          key: this.#entryKey(first + i),
          value: entryBytes(term, data),
        })),
      },
    );
    if (revision === null) return false;
    this.#next = first + entries.length;
    return true;
  }

  async #lastIndex(): Promise<number> {
    const key = await this.#gateway.last(this.#entries);
    return key === null ? this.#options.firstIndex - 1 : Number(key.slice(this.#entries.length));
  }

  #stepDown(): void {
    for (const { reject } of this.#queue.splice(0)) reject(noLeader());
    if (this.#leadership.leaderAddress === "") return;
    this.#announce({ self: false, term: this.#leadership.term, leaderAddress: "" });
  }

  #announce(state: LeadershipState): void {
    this.#leadership = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  get #leaderKey(): string {
    return `${this.#options.prefix}leader`;
  }

  get #entries(): string {
    return `${this.#options.prefix}${ENTRIES}`;
  }

  #entryKey(index: number): string {
    return entryKey(this.#options.prefix, index);
  }
}

/** In the order of the indexes. */
export function entryKey(prefix: string, index: number): string {
  return `${prefix}${ENTRIES}${String(index).padStart(INDEX_DIGITS, "0")}`;
}

function entryBytes(term: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TERM_BYTES + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(term));
  bytes.set(data, TERM_BYTES);
  return bytes;
}

function readEntry(value: Uint8Array): { readonly term: number; readonly data: Uint8Array } {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return { term: Number(view.getBigUint64(0)), data: value.subarray(TERM_BYTES) };
}

function noLeader(): DroverError {
  return new DroverError("no-leader", "No cluster leader", { retryable: true });
}

/** Every command carries its idempotency token: it may be asked again. */
function unknown(message: string): DroverError {
  return new DroverError("etcd-timeout-unknown", message, { retryable: true });
}
