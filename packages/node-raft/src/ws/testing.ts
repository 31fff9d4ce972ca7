/** A host program in small: one HTTP server on loopback that hands raft its sockets. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { raftSocketOptions, type WsTransport } from "./ws-transport.ts";

export interface RaftHost {
  readonly address: string;
  close(): Promise<void>;
}

/** Listens on `port` (0 = any); sockets for other paths are refused. */
export async function hostRaft(
  transport: WsTransport,
  port = 0,
  host = "127.0.0.1",
): Promise<RaftHost> {
  const sockets = new WebSocketServer({ noServer: true, ...raftSocketOptions });
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on("upgrade", (request, socket, head) => {
    if (!request.url?.startsWith("/raft")) {
      socket.destroy();
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => transport.acceptPeer(ws, request));
  });
  await listen(server, port, host);
  const { port: bound } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `${host}:${bound}`, close };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}
