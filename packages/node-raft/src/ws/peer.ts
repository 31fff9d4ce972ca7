/**
 * Everything sent to one member: a connection dialled when there is something to say, or one the
 * member dialled to us. Messages of a turn travel in one frame. What cannot be sent is dropped,
 * because raft repeats it; an unbounded queue would only make it late.
 */
import type { MemberId, Message } from "../core/types.ts";
import { encodeMessages } from "./codec.ts";
import { CloseCode, type Hello, type Link, type LinkEvents } from "./link.ts";

const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;
const QUEUE_MESSAGES_MAX = 1024;
const FRAME_BYTES_AIM = 4 * 1024 * 1024;
const BACKOFF_FIRST_MS = 25;
const BACKOFF_MAX_MS = 1_000;
const PING_EVERY_MS = 3_000;
/** A dying process closes its sockets one by one: the listener may still answer for a moment. */
const PROBES = 3;
const PROBE_AGAIN_MS = 20;

export interface PeerDeps {
  /**
   * A new outgoing connection to the address, greeting included; null when it is not an address.
   */
  dial(address: string, events: LinkEvents): Link | null;
  /** A frame of this peer, over whichever connection. */
  frame(link: Link, data: Uint8Array): void;
  crashed(): void;
  unreachable(): void;
  note(message: string, fields: Record<string, unknown>): void;
  /** In [0, 1). */
  random(): number;
}

export class Peer {
  readonly id: MemberId;
  readonly #deps: PeerDeps;
  #address = "";
  #out: Link | null = null;
  #in: Link | null = null;
  #queue: Message[] = [];
  #flushing = false;
  #nextDialAt = 0;
  #backoffMs = BACKOFF_FIRST_MS;
  #lastReason = "";
  #stopped = false;
  #heardAt = 0;
  #pinger: NodeJS.Timeout | null = null;

  constructor(id: MemberId, deps: PeerDeps) {
    this.id = id;
    this.#deps = deps;
  }

  send(address: string, messages: readonly Message[]): void {
    if (this.#stopped) return;
    if (address !== "" && address !== this.#address) this.#moved(address);
    for (const message of messages) this.#queue.push(message);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** The member dialled us; a newer connection replaces an older one. */
  accepted(link: Link): void {
    this.#in?.close(CloseCode.goingAway, "replaced by a newer connection");
    this.#in = link;
  }

  /** A connection the member had dialled is gone. */
  left(link: Link): void {
    if (this.#in !== link) return;
    this.#in = null;
    if (this.#out === null) this.#probeCrash(PROBES);
  }

  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#stopPinging();
    this.#out?.close(CloseCode.goingAway, "stopping");
    this.#in?.close(CloseCode.goingAway, "stopping");
  }

  #moved(address: string): void {
    this.#address = address;
    this.#nextDialAt = 0;
    this.#out?.close(CloseCode.goingAway, "the member has moved");
    this.#out = null;
  }

  #flush(): void {
    if (this.#stopped || this.#queue.length === 0) return;
    const link = this.#usable();
    if (link === null) {
      if (this.#out === null) this.#dialWhenDue();
      // While a connection is being made what was said last is worth keeping.
      const room = this.#out === null ? 0 : QUEUE_MESSAGES_MAX;
      if (this.#queue.length > room) this.#drop();
      return;
    }
    if (link.bufferedBytes > BUFFERED_BYTES_MAX) {
      this.#drop();
      return;
    }
    const queue = this.#queue;
    this.#queue = [];
    for (const part of frames(queue)) link.send(encodeMessages(part));
    // Replies should have a way of their own, which also tells us at once when the member dies.
    if (this.#out === null) this.#dialWhenDue();
  }

  #usable(): Link | null {
    if (this.#out?.ready) return this.#out;
    return this.#in?.ready ? this.#in : null;
  }

  #drop(): void {
    this.#queue = [];
    this.#deps.unreachable();
  }

  #dialWhenDue(): void {
    if (this.#address === "" || performance.now() < this.#nextDialAt) return;
    this.#dial(0);
  }

  /** `probes` > 0: a working connection has just broken, so a refusal now means a crash. */
  #dial(probes: number): void {
    const link = this.#dialled(probes);
    this.#out = link;
    if (link === null) this.#lost("not an address", false, 0, false);
  }

  /** null when the address cannot even be dialled. */
  #dialled(probes: number): Link | null {
    const link: Link | null = this.#deps.dial(this.#address, {
      ready: (hello) => this.#connected(link, hello),
      frame: (data) => {
        if (link !== null) this.#deps.frame(link, data);
      },
      closed: (reason, wasReady, refused) => {
        if (this.#out === link) this.#lost(reason, wasReady, probes, refused);
      },
    });
    return link;
  }

  #connected(link: Link | null, hello: Hello): void {
    if (link === null || this.#out !== link) return;
    this.#backoffMs = BACKOFF_FIRST_MS;
    this.#lastReason = "";
    this.#deps.note("connected", { peer: hello.member, address: this.#address });
    this.#startPinging(link);
    this.#flush();
  }

  #lost(reason: string, wasReady: boolean, probes: number, refused: boolean): void {
    this.#out = null;
    this.#stopPinging();
    if (this.#stopped) return;
    if (reason !== this.#lastReason) {
      this.#deps.note("not connected", { peer: this.id, address: this.#address, reason });
      this.#lastReason = reason;
    }
    if (wasReady) {
      this.#probeCrash(PROBES);
      return;
    }
    if (probes > 0 && refused) this.#deps.crashed();
    else if (probes > 1) setTimeout(() => this.#probeCrash(probes - 1), PROBE_AGAIN_MS).unref();
    this.#nextDialAt = performance.now() + this.#backoffMs * (0.5 + this.#deps.random() / 2);
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
    this.#queue = [];
    this.#deps.unreachable();
  }

  #probeCrash(probes: number): void {
    if (this.#stopped || this.#address === "" || this.#out !== null) return;
    this.#dial(probes);
  }

  /** A host that vanished without a word closes nothing; an unanswered ping gives it away. */
  #startPinging(link: Link): void {
    this.#stopPinging();
    this.#heardAt = performance.now();
    link.socket.on("pong", () => {
      this.#heardAt = performance.now();
    });
    this.#pinger = setInterval(() => {
      if (performance.now() - this.#heardAt > 3 * PING_EVERY_MS) link.terminate("no pong");
      else if (link.ready) link.socket.ping();
    }, PING_EVERY_MS);
    this.#pinger.unref();
  }

  #stopPinging(): void {
    if (this.#pinger !== null) clearInterval(this.#pinger);
    this.#pinger = null;
  }
}

/** One frame per turn, unless it would grow too large. */
function* frames(messages: readonly Message[]): Generator<Message[]> {
  let part: Message[] = [];
  let bytes = 0;
  for (const message of messages) {
    part.push(message);
    if (message.type === "append") {
      for (const entry of message.entries) bytes += entry.data.length;
    }
    if (bytes < FRAME_BYTES_AIM) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
