/**
 * One end of an RPC socket (contract in rpc.ts). Calls, notifications and streams share it; all
 * frames of one event-loop turn leave in one write.
 */
import { DroverError, errorText } from "@drover/base";
import type { WebSocket } from "ws";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { type Frame, FrameKind, isFrame } from "./frames.ts";
import { errorBody, lostError, shortened } from "./peer-errors.ts";
import type { Router } from "./router.ts";
import type { RpcPeer, RpcStream } from "./rpc.ts";
import { DuplexStream } from "./stream.ts";

const CALL_TIMEOUT_MS = 30_000;
const PING_INTERVAL_MS = 5_000;
/** Below what the other end takes (`listen.ts`, `dial.ts`): a larger frame would cut the socket. */
const FRAME_BYTES_MAX = 60 << 20;
/** A peer that lets so much pile up is cut off; it may come back and is told anew. */
const BACKLOG_BYTES_MAX = 128 << 20;

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** Set for `open`: the stream that comes with the head. */
  readonly stream: DuplexStream | null;
  readonly timer: NodeJS.Timeout;
}

export class SocketPeer implements RpcPeer {
  readonly address: string;
  readonly #socket: WebSocket;
  readonly #router: Router;
  readonly #calls = new Map<number, PendingCall>();
  readonly #streams = new Map<number, DuplexStream>();
  readonly #onClose: ((reason: string) => void)[] = [];
  #nextId: number;
  #closed = false;
  #corked = false;
  #heard = true;
  readonly #pinger: NodeJS.Timeout;

  constructor(socket: WebSocket, options: { address: string; dialled: boolean; router: Router }) {
    this.#socket = socket;
    this.address = options.address;
    this.#router = options.router;
    this.#nextId = options.dialled ? 1 : 2;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("close", (_code: number, reason: Buffer) =>
      this.#lost(reason.toString() || "closed"),
    );
    socket.on("error", (error: Error) => this.#lost(error.message));
    socket.on("pong", () => {
      this.#heard = true;
    });
    this.#pinger = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    this.#pinger.unref();
  }

  get closed(): boolean {
    return this.#closed;
  }

  call<Q, A>(
    method: string,
    payload: Q,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<A> {
    const id = this.#takeId();
    const answer = this.#await(id, method, null, options.timeoutMs ?? CALL_TIMEOUT_MS);
    this.#ask([FrameKind.call, id, method, payload]);
    const { signal } = options;
    if (!signal) return answer as Promise<A>;
    const abort = () => {
      this.#settle(id)?.reject(new DroverError("aborted", `${method}: aborted by the caller`));
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    return answer.finally(() => signal.removeEventListener("abort", abort)) as Promise<A>;
  }

  notify<Q>(method: string, payload: Q): void {
    this.#send([FrameKind.notify, 0, method, payload]);
  }

  async open<Q, A>(
    method: string,
    payload: Q,
    options: { timeoutMs?: number } = {},
  ): Promise<{ head: A; stream: RpcStream }> {
    const id = this.#takeId();
    const stream = this.#newStream(id);
    const answer = this.#await(id, method, stream, options.timeoutMs ?? CALL_TIMEOUT_MS);
    this.#ask([FrameKind.open, id, method, payload]);
    return { head: (await answer) as A, stream };
  }

  onClose(fn: (reason: string) => void): () => void {
    if (this.#closed) {
      fn("closed");
      return () => undefined;
    }
    this.#onClose.push(fn);
    return () => {
      const at = this.#onClose.indexOf(fn);
      if (at >= 0) this.#onClose.splice(at, 1);
    };
  }

  close(reason = "closed by us"): void {
    this.#socket.close(1000, shortened(reason));
    this.#lost(reason);
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  #await(id: number, method: string, stream: DuplexStream | null, timeoutMs: number) {
    if (this.#closed) {
      return Promise.reject(lostError(method, this.address, "the connection is closed"));
    }
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(id);
        stream?.reset("no answer in time");
        reject(
          new DroverError(
            "timeout",
            `${method}: no answer from ${this.address} in ${timeoutMs} ms`,
            {
              retryable: true,
            },
          ),
        );
      }, timeoutMs);
      timer.unref();
      this.#calls.set(id, { resolve, reject, stream, timer });
    });
  }

  #settle(id: number): PendingCall | undefined {
    const pending = this.#calls.get(id);
    if (!pending) return undefined;
    this.#calls.delete(id);
    clearTimeout(pending.timer);
    return pending;
  }

  #newStream(id: number): DuplexStream {
    const stream = new DuplexStream({
      chunk: (bytes) => this.#send([FrameKind.chunk, id, bytes]),
      end: () => {
        this.#send([FrameKind.end, id]);
        this.#dropIfDone(id);
      },
      reset: (message) => {
        this.#send([FrameKind.reset, id, message]);
        this.#streams.delete(id);
      },
      window: (bytes) => this.#send([FrameKind.window, id, bytes]),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  #dropIfDone(id: number): void {
    if (this.#streams.get(id)?.done) this.#streams.delete(id);
  }

  /** Sends a call or an open; one that cannot be sent fails alone, not the socket. */
  #ask(frame: Frame): void {
    try {
      this.#send(frame);
    } catch (error) {
      this.#streams.delete(frame[1]);
      this.#settle(frame[1])?.reject(error as Error);
    }
  }

  /** Throws when the frame is too large for the other end. */
  #send(frame: Frame): void {
    if (this.#closed) return;
    const bytes = encodeMessage(frame);
    if (bytes.byteLength > FRAME_BYTES_MAX) {
      throw new DroverError("too-large", `a message of ${bytes.byteLength} bytes is too large`);
    }
    if (this.#socket.bufferedAmount > BACKLOG_BYTES_MAX) {
      this.#socket.terminate();
      this.#lost("the peer is too slow");
      return;
    }
    const raw = (this.#socket as unknown as { _socket?: { cork(): void; uncork(): void } })._socket;
    if (raw && !this.#corked) {
      this.#corked = true;
      raw.cork();
      process.nextTick(() => {
        this.#corked = false;
        raw.uncork();
      });
    }
    this.#socket.send(bytes);
  }

  #receive(data: Buffer): void {
    this.#heard = true;
    let frame: unknown;
    try {
      frame = decodeMessage(data);
    } catch (error) {
      this.close(`unreadable frame: ${errorText(error)}`);
      return;
    }
    if (!isFrame(frame)) {
      this.close("not a frame of this protocol");
      return;
    }
    this.#dispatch(frame);
  }

  #dispatch(frame: Frame): void {
    switch (frame[0]) {
      case FrameKind.call:
        void this.#serve(frame[1], frame[2], frame[3]);
        return;
      case FrameKind.notify:
        void this.#router.dispatch(frame[2], frame[3], this).catch((error: unknown) => {
          this.#router.reportError(frame[2], error);
        });
        return;
      case FrameKind.open:
        void this.#serveStream(frame[1], frame[2], frame[3]);
        return;
      case FrameKind.reply:
      case FrameKind.head:
        this.#settle(frame[1])?.resolve(frame[2]);
        return;
      case FrameKind.error: {
        this.#streams.delete(frame[1]);
        const { code, message, retryable } = frame[2];
        this.#settle(frame[1])?.reject(new DroverError(code, message, { retryable }));
        return;
      }
      default:
        this.#dispatchStream(frame);
    }
  }

  #dispatchStream(frame: Frame): void {
    const stream = this.#streams.get(frame[1]);
    if (!stream) return;
    if (frame[0] === FrameKind.chunk) stream.push(frame[2] as Uint8Array);
    else if (frame[0] === FrameKind.window) stream.addCredit(frame[2] as number);
    else if (frame[0] === FrameKind.end) stream.remoteEnd();
    else if (frame[0] === FrameKind.reset) stream.fail(frame[2] as string);
    else if (frame[0] === FrameKind.done) stream.finish();
    this.#dropIfDone(frame[1]);
  }

  async #serve(id: number, method: string, payload: unknown): Promise<void> {
    try {
      const answer = await this.#router.dispatch(method, payload, this);
      this.#send([FrameKind.reply, id, answer ?? null]);
    } catch (error) {
      this.#send([FrameKind.error, id, errorBody(error)]);
      this.#router.reportError(method, error);
    }
  }

  async #serveStream(id: number, method: string, payload: unknown): Promise<void> {
    const stream = this.#newStream(id);
    let replied = false;
    const reply = (head: unknown) => {
      replied = true;
      this.#send([FrameKind.head, id, head]);
    };
    try {
      await this.#router.dispatchStream(method, payload, stream, this, reply);
      stream.end();
      // The opener may never end its half: nobody reads it any more.
      if (!stream.done) this.#send([FrameKind.done, id]);
      this.#streams.delete(id);
    } catch (error) {
      if (replied) stream.reset(errorText(error));
      else {
        this.#streams.delete(id);
        this.#send([FrameKind.error, id, errorBody(error)]);
      }
      this.#router.reportError(method, error);
    }
  }

  /** A half-open connection is noticed after two silent intervals. */
  #ping(): void {
    if (!this.#heard) {
      this.#socket.terminate();
      this.#lost("the peer is silent");
      return;
    }
    this.#heard = false;
    this.#socket.ping();
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#pinger);
    for (const id of [...this.#calls.keys()]) {
      this.#settle(id)?.reject(lostError("call", this.address, reason));
    }
    for (const stream of this.#streams.values()) stream.fail(`connection lost: ${reason}`);
    this.#streams.clear();
    for (const fn of this.#onClose.splice(0)) fn(reason);
  }
}
