export type { WsTransport, WsTransportOptions } from "./ws-transport.ts";
export {
  createWsTransport,
  RAFT_PATH,
  RAFT_SNAPSHOT_PATH,
  raftSocketOptions,
} from "./ws-transport.ts";
