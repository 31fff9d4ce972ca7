/**
 * The node-to-node listener (port 4647): one HTTP server whose upgrades go by path, `/rpc` to RPC
 * peers and everything under `/raft` to the consensus transport (DESIGN §2, wire).
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DroverError } from "@drover/base";
import { type WebSocket, WebSocketServer } from "ws";
import { SocketPeer } from "./peer.ts";
import type { Router } from "./router.ts";
import type { RpcPeer } from "./rpc.ts";

const MESSAGE_BYTES_MAX = 64 << 20;

export interface WireListener {
  /** host:port it is bound to. */
  readonly address: string;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly router: Router;
  readonly onPeer?: (peer: RpcPeer) => void;
  readonly onError?: (error: Error) => void;
  /** Takes over a WebSocket whose path starts with `/raft`. */
  readonly onRaftSocket?: (socket: WebSocket, request: IncomingMessage) => void;
}

export async function listen(options: ListenOptions): Promise<WireListener> {
  const http = createServer((_request, response) => {
    response.writeHead(426, { "Content-Type": "text/plain" });
    response.end("this port speaks Drover's node-to-node protocol\n");
  });
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  http.on("upgrade", (request, raw, head) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const raft = path.startsWith("/raft") && options.onRaftSocket !== undefined;
    if (path !== "/rpc" && !raft) {
      // Nobody listens for errors of an upgraded socket but us.
      raw.on("error", () => raw.destroy());
      raw.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, raw, head, (socket) => {
      if (raft) {
        options.onRaftSocket?.(socket, request);
        return;
      }
      const address = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
      const peer = new SocketPeer(socket, { address, dialled: false, router: options.router });
      options.onPeer?.(peer);
    });
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new DroverError(
          "listen",
          `cannot listen on ${options.host}:${options.port}: ${error.message}`,
          {
            cause: error,
          },
        ),
      ),
    );
    http.listen(options.port, options.host, resolve);
  });
  // A failed accept, as when files run out, is no reason to end: the next one may succeed.
  http.on("error", (error) => options.onError?.(error));
  const bound = http.address() as AddressInfo;
  return {
    address: `${options.host}:${bound.port}`,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}
