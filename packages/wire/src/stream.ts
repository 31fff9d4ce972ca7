/**
 * One side of an RPC stream: chunks with credit. The writer may have `WINDOW` bytes under way; the
 * reader returns credit as it consumes, so a slow reader slows the writer and not our memory.
 */
import { DroverError } from "@drover/base";
import type { RpcStream } from "./rpc.ts";

const WINDOW = 1 << 20;
/** Larger writes are cut, so that calls pass between the pieces and no frame nears the limit. */
const CHUNK_BYTES_MAX = 256 << 10;

export interface StreamSink {
  chunk(bytes: Uint8Array): void;
  end(): void;
  reset(message: string): void;
  window(bytes: number): void;
}

export class DuplexStream implements RpcStream {
  readonly #sink: StreamSink;
  #credit = WINDOW;
  #creditWaiters: (() => void)[] = [];
  #inbox: Uint8Array[] = [];
  #inboxWaiter: (() => void) | null = null;
  #remoteEnded = false;
  #localEnded = false;
  #failure: DroverError | null = null;

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  get done(): boolean {
    return this.#failure !== null || (this.#remoteEnded && this.#localEnded);
  }

  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    do {
      const end = Math.min(bytes.byteLength, at + CHUNK_BYTES_MAX);
      await this.#writeChunk(bytes.subarray(at, end));
      at = end;
    } while (at < bytes.byteLength);
  }

  async #writeChunk(chunk: Uint8Array): Promise<void> {
    while (this.#credit <= 0 && this.#failure === null && !this.#localEnded) {
      await new Promise<void>((resolve) => this.#creditWaiters.push(resolve));
    }
    if (this.#failure) throw this.#failure;
    if (this.#localEnded) throw new DroverError("stream-ended", "the stream was ended already");
    this.#credit -= chunk.byteLength;
    this.#sink.chunk(chunk);
  }

  end(): void {
    if (this.#localEnded || this.#failure) return;
    this.#localEnded = true;
    this.#sink.end();
  }

  reset(message: string): void {
    if (this.done) return;
    this.#sink.reset(message);
    this.fail(message);
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  /** The socket's side: a chunk arrived. */
  push(bytes: Uint8Array): void {
    this.#inbox.push(bytes);
    this.#wakeReader();
  }

  remoteEnd(): void {
    this.#remoteEnded = true;
    this.#wakeReader();
  }

  /** The handler at the other end has returned: what it sent can still be read, no more written. */
  finish(): void {
    this.#localEnded = true;
    this.remoteEnd();
    for (const wake of this.#creditWaiters.splice(0)) wake();
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    for (const wake of this.#creditWaiters.splice(0)) wake();
  }

  fail(message: string): void {
    if (this.#failure) return;
    this.#failure = new DroverError("stream-reset", message, { retryable: true });
    for (const wake of this.#creditWaiters.splice(0)) wake();
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#inboxWaiter?.();
    this.#inboxWaiter = null;
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#inbox.shift();
      if (next) {
        this.#sink.window(next.byteLength);
        yield next;
        continue;
      }
      if (this.#failure) throw this.#failure;
      if (this.#remoteEnded) return;
      await new Promise<void>((resolve) => {
        this.#inboxWaiter = resolve;
      });
    }
  }
}
