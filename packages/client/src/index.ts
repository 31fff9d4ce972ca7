export { ClientAgent, startClient } from "./client-agent.ts";
export {
  CLIENT_DEFAULTS,
  type ClientDeps,
  type ClientOptions,
  type Log,
  type LogLevel,
} from "./options.ts";
export { loadNodeIdentity, type NodeIdentity } from "./state/identity.ts";
export type { HeartbeatReply, ServerLink, ServerLinkEvents } from "./sync/server-link.ts";
