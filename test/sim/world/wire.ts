/**
 * The RPC sockets between simulated machines. A connection keeps the order of what it carries;
 * while a link is cut its bytes wait, as TCP's do, until silence or the death of one end breaks it.
 */
import { DroverError } from "@drover/base";
import {
  decodeMessage,
  encodeMessage,
  type Router,
  type RpcErrorBody,
  type RpcPeer,
} from "@drover/wire";
import type { SimNetwork, SimRandom } from "@raft/node-raft/sim";
import type { SimProcess } from "./process.ts";

const CALL_TIMEOUT_MS = 30_000;
const PING_MS = 5_000;
const DIAL_TIMEOUT_MS = 5_000;
const RETRANSMIT_MS = 200;

export interface WireOptions {
  readonly delayMs: readonly [number, number];
}

interface Listener {
  readonly process: SimProcess;
  readonly router: Router;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
}

type Frame =
  | { readonly kind: "call"; readonly id: number; readonly method: string; body: Uint8Array }
  | { readonly kind: "reply"; readonly id: number; readonly body: Uint8Array }
  | { readonly kind: "error"; readonly id: number; readonly error: RpcErrorBody }
  | { readonly kind: "close"; readonly reason: string };

export class SimWire {
  readonly #network: SimNetwork;
  readonly #random: SimRandom;
  readonly #options: WireOptions;
  readonly #listeners = new Map<string, Listener>();

  constructor(network: SimNetwork, random: SimRandom, options: WireOptions) {
    this.#network = network;
    this.#random = random;
    this.#options = options;
  }

  listen(address: string, process: SimProcess, router: Router): void {
    this.#listeners.set(address, { process, router });
  }

  dial(from: SimProcess, address: string, router: Router): Promise<RpcPeer> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        const text = `cannot reach ${address}: ${why}`;
        reject(new DroverError("unreachable", text, { retryable: true }));
      };
      from.after(2 * this.delay(), () => {
        const target = this.#listeners.get(address);
        if (target === undefined || this.isCut(from.host, target.process.host)) {
          from.after(DIAL_TIMEOUT_MS, () => fail("no answer"));
        } else if (!target.process.alive) fail("connection refused");
        else resolve(this.#connect({ process: from, router }, target, address));
      });
    });
  }

  delay(): number {
    return this.#random.between(...this.#options.delayMs);
  }

  /** A connection needs both ways. */
  isCut(a: string, b: string): boolean {
    return this.#network.isCut(a, b) || this.#network.isCut(b, a);
  }

  #connect(near: Listener, far: Listener, address: string): RpcPeer {
    const dialled = new SimPeer(this, near, far.process, address);
    const accepted = new SimPeer(this, far, near.process, `${near.process.host}:0`);
    dialled.join(accepted);
    return dialled;
  }
}

class SimPeer implements RpcPeer {
  readonly address: string;
  readonly #wire: SimWire;
  readonly #end: Listener;
  readonly #otherProcess: SimProcess;
  #other: SimPeer | null = null;
  #closed = false;
  #nextId = 0;
  readonly #calls = new Map<number, Pending>();
  readonly #onClose: ((reason: string) => void)[] = [];
  /** Sent and not yet arrived, in order. */
  readonly #outgoing: Frame[] = [];
  #lastArrival = 0;
  #silent = 0;

  constructor(wire: SimWire, end: Listener, other: SimProcess, address: string) {
    this.#wire = wire;
    this.#end = end;
    this.#otherProcess = other;
    this.address = address;
  }

  join(other: SimPeer): void {
    this.#begin(other);
    other.#begin(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  call<Q, A>(method: string, payload: Q, options: { timeoutMs?: number } = {}): Promise<A> {
    if (this.#closed) return Promise.reject(this.#lostError("closed"));
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      const cancel = this.#end.process.after(options.timeoutMs ?? CALL_TIMEOUT_MS, () => {
        this.#calls.delete(id);
        reject(new DroverError("timeout", `${method}: no answer`, { retryable: true }));
      });
      this.#calls.set(id, { resolve: resolve as Pending["resolve"], reject, cancel });
      this.#send({ kind: "call", id, method, body: encodeMessage(payload) });
    });
  }

  notify<Q>(method: string, payload: Q): void {
    if (!this.#closed) this.#send({ kind: "call", id: 0, method, body: encodeMessage(payload) });
  }

  open<_Q, A>(): Promise<{ head: A; stream: never }> {
    return Promise.reject(new DroverError("unsupported", "the simulated wire has no streams"));
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

  close(reason = ""): void {
    if (this.#closed || !this.#end.process.alive) return;
    this.#send({ kind: "close", reason });
    this.#lost(reason);
  }

  #begin(other: SimPeer): void {
    this.#other = other;
    this.#pingLater();
    // The kernel of a machine that lives tells the other end that the program is gone.
    this.#end.process.onEnd(() => this.#send({ kind: "close", reason: "connection reset" }));
  }

  #pingLater(): void {
    this.#end.process.after(PING_MS, () => {
      if (this.#closed) return;
      const { host } = this.#end.process;
      const heard = this.#otherProcess.responds && !this.#wire.isCut(host, this.#otherProcess.host);
      this.#silent = heard ? 0 : this.#silent + 1;
      if (this.#silent >= 2) this.#lost("the peer is silent");
      else this.#pingLater();
    });
  }

  #send(frame: Frame): void {
    this.#outgoing.push(frame);
    const { time } = this.#end.process;
    const arrival = Math.max(time.now + this.#wire.delay(), this.#lastArrival);
    this.#lastArrival = arrival;
    time.after(arrival - time.now, () => this.#carry());
  }

  #carry(): void {
    if (this.#outgoing.length === 0) return;
    const { host, time } = this.#end.process;
    if (this.#wire.isCut(host, this.#otherProcess.host)) {
      time.after(RETRANSMIT_MS, () => this.#carry());
      return;
    }
    const frame = this.#outgoing.shift() as Frame;
    const other = this.#other;
    if (other === null) return;
    this.#otherProcess.run(() => other.#receive(frame));
  }

  #receive(frame: Frame): void {
    if (this.#closed) return;
    if (frame.kind === "close") {
      this.#lost(frame.reason || "closed");
      return;
    }
    if (frame.kind === "call") {
      void this.#serve(frame.id, frame.method, decodeMessage(frame.body));
      return;
    }
    const pending = this.#calls.get(frame.id);
    if (pending === undefined) return;
    this.#calls.delete(frame.id);
    pending.cancel();
    if (frame.kind === "reply") pending.resolve(decodeMessage(frame.body));
    else {
      const { code, message, retryable } = frame.error;
      pending.reject(new DroverError(code, message, { retryable }));
    }
  }

  async #serve(id: number, method: string, payload: unknown): Promise<void> {
    const { router } = this.#end;
    try {
      const answer = await router.dispatch(method, payload, this);
      if (id === 0 || this.#closed) return;
      this.#send({ kind: "reply", id, body: encodeMessage(answer ?? null) });
    } catch (error) {
      router.reportError(method, error);
      if (id === 0 || this.#closed) return;
      this.#send({ kind: "error", id, error: bodyOf(error) });
    }
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.#calls.values()) {
      pending.cancel();
      pending.reject(this.#lostError(reason));
    }
    this.#calls.clear();
    for (const fn of this.#onClose.splice(0)) fn(reason);
  }

  #lostError(reason: string): DroverError {
    const text = `connection to ${this.address} lost: ${reason}`;
    return new DroverError("connection-lost", text, { retryable: true });
  }
}

function bodyOf(error: unknown): RpcErrorBody {
  if (error instanceof DroverError) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, retryable: false };
}
