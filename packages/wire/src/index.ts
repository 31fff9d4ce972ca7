export * from "./client-protocol.ts";
export { decodeMessage, encodeMessage } from "./codec.ts";
export { type Dial, dial, PeerPool } from "./dial.ts";
export { type ListenOptions, listen, type WireListener } from "./listen.ts";
export { Router } from "./router.ts";
export type {
  RpcErrorBody,
  RpcHandler,
  RpcPeer,
  RpcRouter,
  RpcStream,
  RpcStreamHandler,
} from "./rpc.ts";
export { acceptWebSocket, type TextSocket } from "./web-socket.ts";
