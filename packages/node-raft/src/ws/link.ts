/**
 * One established connection. Both sides say who they are in a first text frame; the side that was
 * dialled answers only after it has checked the other. Whoever is of another cluster, speaks
 * another version or is not the member that was looked for is turned away (RAFT.md §2.5 rows 13,
 * 14).
 */

import type { WebSocket } from "ws";
import type { MemberId } from "../core/types.ts";
import type { TransportSelf } from "../node/api.ts";
import { PROTOCOL_VERSION } from "./codec.ts";

const HELLO_TIMEOUT_MS = 5_000;
const HELLO_BYTES_MAX = 64 * 1024;

/** Close codes of our own (RFC 6455 §7.4.2 leaves 4000–4999 to applications). */
export const CloseCode = {
  goingAway: 1001,
  tryLater: 1013,
  badHello: 4000,
  wrongCluster: 4001,
  wrongMember: 4002,
  badFrame: 4003,
} as const;

export interface Hello {
  readonly raft: number;
  readonly cluster: string;
  readonly member: MemberId;
  readonly address: string;
  /** Whom the dialling side expects; "" in the answer. */
  readonly to: MemberId | "";
  /** Another one each time the program starts; older ones tell none. */
  readonly life?: string;
}

export interface LinkSelf extends TransportSelf {
  readonly life: string;
}

export interface LinkEvents {
  /** Both sides know each other; sending may begin. */
  ready(peer: Hello): void;
  frame(data: Uint8Array): void;
  /** Once, whatever the reason; `ready` tells whether it ever was. */
  closed(reason: string, wasReady: boolean, refused: boolean): void;
}

export class Link {
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #check: (hello: Hello) => { code: number; reason: string } | null;
  readonly #greet: () => void;
  readonly #timer: NodeJS.Timeout;
  #peer: Hello | null = null;
  #closed = false;
  #reason = "";
  #refused = false;

  /** `expect`: the member we dialled; null on the side that was dialled. */
  constructor(socket: WebSocket, self: LinkSelf, expect: MemberId | null, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#check = (hello) => judge(hello, self, expect);
    this.#greet = () => socket.send(JSON.stringify(helloOf(self, expect ?? "")));
    this.#timer = setTimeout(() => this.#end("no greeting in time"), HELLO_TIMEOUT_MS);
    socket.binaryType = "nodebuffer";
    if (expect !== null) {
      if (socket.readyState === socket.OPEN) this.#greet();
      else socket.once("open", this.#greet);
    }
    socket.on("message", (data, isBinary) => this.#message(data as Buffer, isBinary));
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", (code, reason) => this.#finish(reason.toString() || `closed (${code})`));
  }

  get ready(): boolean {
    return this.#peer !== null && !this.#closed;
  }

  /** Who is at the other end; "" before the greeting. */
  get peerId(): MemberId | "" {
    return this.#peer?.member ?? "";
  }

  /** "" = it told none. */
  get peerLife(): string {
    return this.#peer?.life ?? "";
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  get socket(): WebSocket {
    return this.#socket;
  }

  send(frame: Uint8Array, sent?: (error?: Error | null) => void): void {
    this.#socket.send(frame, { binary: true }, sent);
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#reason ||= reason;
    this.#socket.close(code, reason.slice(0, 120));
    // A peer that does not answer the closing handshake must not keep the socket.
    const timer = setTimeout(() => this.#socket.terminate(), 1_000);
    timer.unref();
  }

  terminate(reason: string): void {
    this.#end(reason);
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#closed || this.#reason !== "") return;
    if (this.#peer !== null) {
      if (isBinary) this.#events.frame(data);
      else this.close(CloseCode.badFrame, "text after the greeting");
      return;
    }
    const isGreeting = !isBinary && data.length <= HELLO_BYTES_MAX;
    const hello = isGreeting ? parseHello(data.toString("utf8")) : null;
    if (hello === null) {
      this.close(CloseCode.badHello, "the first frame is not a greeting");
      return;
    }
    const verdict = this.#check(hello);
    if (verdict !== null) {
      this.close(verdict.code, verdict.reason);
      return;
    }
    clearTimeout(this.#timer);
    if (hello.to !== "") this.#greet();
    this.#peer = hello;
    this.#events.ready(hello);
  }

  #failed(error: Error): void {
    this.#refused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
    this.#reason ||= error.message;
  }

  #end(reason: string): void {
    this.#reason ||= reason;
    this.#socket.terminate();
  }

  #finish(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#events.closed(this.#reason || reason, this.#peer !== null, this.#refused);
  }
}

function helloOf(self: LinkSelf, to: MemberId | ""): Hello {
  const { clusterId, memberId, address, life } = self;
  return { raft: PROTOCOL_VERSION, cluster: clusterId, member: memberId, address, to, life };
}

function parseHello(text: string): Hello | null {
  try {
    const value = JSON.parse(text) as Partial<Hello> | null;
    const { raft, cluster, member, address, to, life = "" } = value ?? {};
    const names = [cluster, member, address, to, life];
    if (typeof raft !== "number" || names.some((name) => typeof name !== "string")) return null;
    return value as Hello;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function judge(
  hello: Hello,
  self: TransportSelf,
  expect: MemberId | null,
): { code: number; reason: string } | null {
  if (hello.raft !== PROTOCOL_VERSION) {
    const reason = `protocol version ${hello.raft}, this member speaks ${PROTOCOL_VERSION}`;
    return { code: CloseCode.badHello, reason };
  }
  if (hello.cluster !== self.clusterId) {
    return { code: CloseCode.wrongCluster, reason: `this is cluster ${self.clusterId}` };
  }
  const isMeant = expect === null ? hello.to === self.memberId : hello.member === expect;
  const wrong = !isMeant || hello.member === self.memberId;
  if (wrong) return { code: CloseCode.wrongMember, reason: `this is not the member looked for` };
  return null;
}
