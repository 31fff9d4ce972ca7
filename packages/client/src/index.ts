export { ClientAgent, startClient } from "./client-agent.ts";
export type { AllocStats } from "./local/alloc-control.ts";
export type { FileInfo, Frame, StreamOptions } from "./local/alloc-fs.ts";
export type { CpuStats, DiskStats, HostStats } from "./local/host-stats.ts";
export { type ScriptHost, scriptRunner } from "./local/script-runner.ts";
export {
  CLIENT_DEFAULTS,
  type ClientDeps,
  type ClientOptions,
  type Log,
  type LogLevel,
} from "./options.ts";
export type { AllocRecord } from "./state/alloc-record.ts";
export type { AllocStore } from "./state/alloc-store.ts";
export type { ClientDisk } from "./state/client-disk.ts";
export { loadNodeIdentity, type NodeIdentity } from "./state/identity.ts";
export { registrationSink } from "./sync/registration-sink.ts";
export { RpcServerLink, type RpcServerLinkDeps } from "./sync/rpc-server-link.ts";
export type {
  HeartbeatReply,
  ServerLink,
  ServerLinkEvents,
  ServiceKey,
} from "./sync/server-link.ts";
