/** Opens an RPC socket to another machine, and keeps one per address for those who share it. */
import { DroverError } from "@drover/base";
import { WebSocket } from "ws";
import { SocketPeer } from "./peer.ts";
import type { Router } from "./router.ts";
import type { RpcPeer } from "./rpc.ts";

const DIAL_TIMEOUT_MS = 5_000;

export function dial(
  address: string,
  router: Router,
  options: { timeoutMs?: number } = {},
): Promise<RpcPeer> {
  const timeoutMs = options.timeoutMs ?? DIAL_TIMEOUT_MS;
  const socket = new WebSocket(`ws://${address}/rpc`, {
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
    maxPayload: 64 << 20,
    // Both ends skip a mask of zeros; machines among themselves need none (RFC 6455 §10.3).
    generateMask: (mask) => {
      mask.fill(0);
    },
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      reject(
        new DroverError("unreachable", `cannot reach ${address}: ${error.message}`, {
          retryable: true,
          cause: error,
        }),
      );
    };
    socket.on("error", fail);
    socket.once("open", () => {
      socket.off("error", fail);
      resolve(new SocketPeer(socket, { address, dialled: true, router }));
    });
  });
}

/** Opens a connection to an address; `dial` unless the wire is simulated. */
export type Dial = (address: string, router: Router) => Promise<RpcPeer>;

/** Shared connections by address; a closed one is dialled anew by the next caller. */
export class PeerPool {
  readonly #router: Router;
  readonly #dial: Dial;
  readonly #peers = new Map<string, Promise<RpcPeer>>();
  #closed = false;

  constructor(router: Router, connect: Dial = dial) {
    this.#router = router;
    this.#dial = connect;
  }

  async get(address: string): Promise<RpcPeer> {
    if (this.#closed) throw new DroverError("closed", "this agent is stopping");
    const known = this.#peers.get(address);
    if (known) return known;
    const dialling = this.#dial(address, this.#router);
    this.#peers.set(address, dialling);
    const forget = () => {
      if (this.#peers.get(address) === dialling) this.#peers.delete(address);
    };
    try {
      const peer = await dialling;
      peer.onClose(forget);
      return peer;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Does not wait for those that are being dialled: they are closed when they are there. */
  close(): void {
    this.#closed = true;
    for (const dialling of this.#peers.values()) {
      dialling.then(
        (peer) => peer.close("shutting down"),
        () => undefined,
      );
    }
    this.#peers.clear();
  }
}
