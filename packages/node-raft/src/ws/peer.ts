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
/**
 * A refusal within this time after a working connection broke means a crash. A dying process closes
 * its sockets one by one, so the listener may still answer for a moment: it is asked again.
 */
const SUSPECT_MS = 300;
const PROBE_AGAIN_MS = 10;

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
  #suspectUntil = 0;
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
    this.#suspectUntil = 0;
  }

  /** A connection the member had dialled is gone. */
  left(link: Link): void {
    if (this.#in !== link) return;
    this.#in = null;
    this.#broken();
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
    this.#dial();
  }

  #dial(): void {
    const link = this.#dialled();
    this.#out = link;
    if (link === null) this.#lost("not an address", false, false);
  }

  /** null when the address cannot even be dialled. */
  #dialled(): Link | null {
    const link: Link | null = this.#deps.dial(this.#address, {
      ready: (hello) => this.#connected(link, hello),
      frame: (data) => {
        if (link !== null) this.#deps.frame(link, data);
      },
      closed: (reason, wasReady, refused) => {
        if (this.#out === link) this.#lost(reason, wasReady, refused);
      },
    });
    return link;
  }

  #connected(link: Link | null, hello: Hello): void {
    if (link === null || this.#out !== link) return;
    this.#backoffMs = BACKOFF_FIRST_MS;
    this.#lastReason = "";
    this.#suspectUntil = 0;
    this.#deps.note("connected", { peer: hello.member, address: this.#address });
    this.#startPinging(link);
    this.#flush();
  }

  #lost(reason: string, wasReady: boolean, refused: boolean): void {
    this.#out = null;
    this.#stopPinging();
    if (this.#stopped) return;
    if (reason !== this.#lastReason) {
      this.#deps.note("not connected", { peer: this.id, address: this.#address, reason });
      this.#lastReason = reason;
    }
    if (wasReady) {
      this.#broken();
      return;
    }
    if (performance.now() < this.#suspectUntil) {
      if (refused) this.#crashed();
      else setTimeout(() => this.#probe(), PROBE_AGAIN_MS).unref();
    }
    this.#nextDialAt = performance.now() + this.#backoffMs * (0.5 + this.#deps.random() / 2);
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
    this.#queue = [];
    this.#deps.unreachable();
  }

  /** A working connection, in either direction, is gone: is the member? */
  #broken(): void {
    this.#suspectUntil = performance.now() + SUSPECT_MS;
    this.#probe();
  }

  #probe(): void {
    if (this.#stopped || this.#address === "" || this.#out !== null) return;
    this.#dial();
  }

  #crashed(): void {
    this.#suspectUntil = 0;
    // What it said before it died may still be unread, and would take the hint back.
    this.#in?.terminate("the member crashed");
    this.#in = null;
    this.#deps.crashed();
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
