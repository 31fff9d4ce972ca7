/** `RaftStorage` over a port: frames are made here, disk calls happen on the other side. */
import type { Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import {
  type Quarantine,
  type RaftStorage,
  rechunk,
  type SnapshotSink,
  type StorageState,
} from "./storage.ts";
import { decodeEntries, encodeEntries } from "./store-host.ts";
import {
  fromFault,
  type StoreCall,
  type StoreCalls,
  type StoreMethod,
  type StorePort,
  type StoreReply,
} from "./store-protocol.ts";
import { type LogWrite, WriteEncoder } from "./wal.ts";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class StorageClient implements RaftStorage {
  readonly #port: StorePort;
  readonly #waiting = new Map<number, Waiting>();
  #appends: (() => void)[] = [];
  #encoder = new WriteEncoder(0);
  #calls = 0;
  #failure: RaftError | null = null;
  #onFailure: ((error: Error) => void) | null = null;
  #closed = false;

  constructor(port: StorePort) {
    this.#port = port;
    port.onReply((reply) => this.#receive(reply));
  }

  async open(mintId: () => MemberId): Promise<StorageState> {
    const { entryFrames, ...state } = await this.#call("open", { mintedId: mintId() });
    const entries = decodeEntries(entryFrames);
    const last = entries.at(-1)?.index ?? state.snapshot?.index ?? 0;
    this.#encoder = new WriteEncoder(last);
    return { ...state, entries };
  }

  async initialize(start: {
    clusterId: string;
    hardState: HardState;
    entries: readonly Entry[];
  }): Promise<void> {
    const { clusterId, hardState, entries } = start;
    await this.#call("initialize", { clusterId, hardState, entryFrames: encodeEntries(entries) });
    this.#encoder = new WriteEncoder(entries.at(-1)?.index ?? 0);
  }

  append(write: LogWrite, done: () => void): void {
    if (this.#failure !== null || this.#closed) return;
    const encoded = this.#encoder.encode(write);
    this.#appends.push(done);
    this.#port.post({ kind: "append", write: encoded }, [encoded.frames.buffer]);
  }

  async createSnapshot(meta: SnapshotMeta): Promise<SnapshotSink> {
    const handle = await this.#call("beginSnapshot", { meta });
    const write = async (chunk: Uint8Array): Promise<void> => {
      await this.#call("writeChunk", { handle, chunk });
    };
    const finish = async (method: "commitSnapshot" | "abortSnapshot"): Promise<void> => {
      await this.#call(method, { handle });
    };
    const commit = () => finish("commitSnapshot");
    return { write, commit, abort: () => finish("abortSnapshot") };
  }

  async *readSnapshot(meta: SnapshotMeta): AsyncGenerator<Uint8Array> {
    const handle = await this.#call("openReader", { meta });
    let ended = false;
    try {
      for (;;) {
        const chunk = await this.#call("readChunk", { handle });
        ended = chunk === null;
        if (chunk === null) return;
        yield chunk;
      }
    } finally {
      if (!ended && !this.#closed) await this.#call("closeReader", { handle });
    }
  }

  async compact(index: number): Promise<void> {
    await this.#call("compact", { index });
  }

  async quarantine(why: Quarantine): Promise<void> {
    await this.#call("quarantine", { why });
  }

  onFailure(fn: (error: Error) => void): void {
    this.#onFailure = fn;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#call("close", {});
    this.#closed = true;
    try {
      await closing;
    } finally {
      await this.#port.end();
      this.#appends = [];
      this.#rejectAll(new RaftError("stopped", "the storage is closed"));
    }
  }

  #call<M extends StoreMethod>(
    method: M,
    args: StoreCalls[M]["args"],
  ): Promise<StoreCalls[M]["result"]> {
    if (this.#closed) return Promise.reject(new RaftError("stopped", "the storage is closed"));
    const id = ++this.#calls;
    return new Promise<StoreCalls[M]["result"]>((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      this.#waiting.set(id, { resolve: settle, reject });
      this.#port.post({ kind: "call", id, method, args } as StoreCall, []);
    });
  }

  #receive(reply: StoreReply): void {
    switch (reply.kind) {
      case "appended":
        for (const done of this.#appends.splice(0, reply.count)) done();
        return;
      case "result":
        this.#take(reply.id)?.resolve(reply.value);
        return;
      case "error":
        this.#take(reply.id)?.reject(fromFault(reply.fault));
        return;
      case "failed":
        this.#fail(fromFault(reply.fault));
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #fail(error: RaftError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#appends = [];
    this.#rejectAll(error);
    this.#onFailure?.(error);
  }

  #rejectAll(error: RaftError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

/** Streams `source` into a new snapshot file; aborts it when the source fails. */
export async function storeSnapshot(
  storage: RaftStorage,
  meta: SnapshotMeta,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const sink = await storage.createSnapshot(meta);
  try {
    for await (const chunk of rechunk(source)) await sink.write(chunk);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  await sink.commit();
}
