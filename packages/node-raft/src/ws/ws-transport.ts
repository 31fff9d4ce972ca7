/**
 * Raft's transport over WebSockets. The program that owns the port hands every accepted socket for
 * `/raft` and `/raft/snapshot` to `acceptPeer`; outgoing connections are dialled here.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { MemberId, Message, SnapshotMeta } from "../core/types.ts";
import type { LogLevel, Transport, TransportHandler, TransportSelf } from "../node/api.ts";
import { CodecError, decodeMessages, FRAME_BYTES_MAX } from "./codec.ts";
import { CloseCode, Link, type LinkEvents, type LinkSelf } from "./link.ts";
import { Peer } from "./peer.ts";
import { SnapshotReceiver, streamSnapshot } from "./snapshot-stream.ts";

export const RAFT_PATH = "/raft";
export const RAFT_SNAPSHOT_PATH = "/raft/snapshot";

/** For the host's `WebSocketServer`: frames are compact already, and large ones are normal. */
export const raftSocketOptions = {
  perMessageDeflate: false,
  maxPayload: FRAME_BYTES_MAX,
} as const;

export interface WsTransportOptions {
  /** Opens a socket to host:port; default `ws://`. For TLS pass one that dials `wss://`. */
  readonly dial?: ((address: string, path: string) => WebSocket) | undefined;
  readonly log?:
    | ((level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void)
    | undefined;
  /** In [0, 1); spreads reconnections. */
  readonly random?: (() => number) | undefined;
}

export interface WsTransport extends Transport {
  /**
   * Takes over an accepted socket of `/raft` or `/raft/snapshot`; closes it when it is not ours.
   */
  acceptPeer(socket: WebSocket, request: Pick<IncomingMessage, "url">): void;
}

export function createWsTransport(options: WsTransportOptions = {}): WsTransport {
  return new Sockets(options);
}

class Sockets implements WsTransport {
  readonly #dial: (address: string, path: string) => WebSocket;
  readonly #log: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
  readonly #random: () => number;
  readonly #peers = new Map<MemberId, Peer>();
  readonly #links = new Set<Link>();
  #handler: TransportHandler | null = null;
  #self: LinkSelf | null = null;
  #closed = false;

  constructor(options: WsTransportOptions) {
    this.#dial = options.dial ?? dialPlain;
    this.#log = options.log ?? (() => {});
    this.#random = options.random ?? Math.random;
  }

  start(handler: TransportHandler, self: TransportSelf): Promise<void> {
    this.#handler = handler;
    this.#self = { ...self, life: randomUUID() };
    return Promise.resolve();
  }

  send(to: MemberId, address: string, messages: readonly Message[]): void {
    if (!this.#closed) this.#peer(to).send(address, messages);
  }

  async sendSnapshot(
    to: MemberId,
    address: string,
    message: Message,
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    if (address === "") throw new Error(`no address of ${to} is known`);
    const dial = (events: LinkEvents): Link => this.#open(address, RAFT_SNAPSHOT_PATH, to, events);
    await streamSnapshot(dial, message, meta, source);
  }

  acceptPeer(socket: WebSocket, request: Pick<IncomingMessage, "url">): void {
    const self = this.#self;
    if (self === null || this.#handler === null || this.#closed) {
      socket.on("error", () => {});
      socket.close(CloseCode.tryLater, "this member belongs to no cluster yet");
      return;
    }
    const path = (request.url ?? "").split("?")[0];
    if (path === RAFT_SNAPSHOT_PATH) this.#acceptSnapshot(socket, self, this.#handler);
    else this.#acceptLog(socket, self);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.stop();
    const links = [...this.#links];
    for (const link of links) link.close(CloseCode.goingAway, "stopping");
    // The closing handshake needs the other side; nobody has to wait for it.
    await new Promise((resolve) => setImmediate(resolve));
    for (const link of links) link.terminate("stopping");
  }

  #acceptLog(socket: WebSocket, self: LinkSelf): void {
    let peer: Peer | null = null;
    const link = this.#track(socket, self, null, {
      ready: (hello) => {
        peer = this.#peer(hello.member);
        peer.accepted(link);
      },
      frame: (data) => this.#frame(link, data),
      closed: () => peer?.left(link),
    });
  }

  #acceptSnapshot(socket: WebSocket, self: LinkSelf, handler: TransportHandler): void {
    const receiver = new SnapshotReceiver(handler);
    const link = this.#track(socket, self, null, {
      ready: () => {},
      frame: (data) => receiver.frame(data),
      closed: (reason) => receiver.closed(reason),
    });
    receiver.attach(link);
  }

  #peer(id: MemberId): Peer {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const peer = new Peer(id, {
      dial: (address, events) => this.#tryOpen(address, id, events),
      frame: (link, data) => this.#frame(link, data),
      crashed: () => {
        this.#log("info", "a peer crashed: its socket closed and it refuses connections", { id });
        this.#handler?.peerCrashed(id);
      },
      // Never inside the turn that sends.
      unreachable: () => queueMicrotask(() => this.#handler?.peerUnreachable(id)),
      note: (message, fields) => this.#log("debug", message, fields),
      random: this.#random,
    });
    this.#peers.set(id, peer);
    return peer;
  }

  /** An address from the configuration may be anything; `ws` throws on what is no URL. */
  #tryOpen(address: string, to: MemberId, events: LinkEvents): Link | null {
    try {
      return this.#open(address, RAFT_PATH, to, events);
    } catch (error) {
      this.#log("warn", "a peer's address cannot be dialled", {
        to,
        address,
        error: String(error),
      });
      return null;
    }
  }

  #open(address: string, path: string, to: MemberId, events: LinkEvents): Link {
    const self = this.#self;
    if (self === null) throw new Error("the transport is not started");
    return this.#track(this.#dial(address, path), self, to, events);
  }

  #track(socket: WebSocket, self: LinkSelf, expect: MemberId | null, events: LinkEvents): Link {
    const link: Link = new Link(socket, self, expect, {
      ...events,
      closed: (reason, wasReady, refused) => {
        this.#links.delete(link);
        events.closed(reason, wasReady, refused);
      },
    });
    this.#links.add(link);
    return link;
  }

  #frame(link: Link, data: Uint8Array): void {
    try {
      const messages = decodeMessages(data);
      const foreign = messages.find((message) => message.from !== link.peerId);
      if (foreign !== undefined) throw new CodecError(`a message in the name of ${foreign.from}`);
      if (!this.#closed) this.#handler?.receive(messages);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#log("warn", "a peer sent nonsense and is cut off", { error: error.message });
      link.close(CloseCode.badFrame, error.message);
    }
  }
}

function dialPlain(address: string, path: string): WebSocket {
  return new WebSocket(`ws://${address}${path}`, {
    ...raftSocketOptions,
    handshakeTimeout: 2_000,
    // Both ends skip a mask of zeros. Masks keep scripts in browsers from writing what proxies take
    // for HTTP (RFC 6455 §10.3); between members they would be two passes over every byte.
    generateMask: (mask) => {
      mask.fill(0);
    },
  });
}
