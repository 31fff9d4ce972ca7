/** The agent, status, operator calls, search, services, events: spec chapter 8 §8.7 to §8.10. */
import { endpoint, READ, REMOVE, WRITE } from "../endpoint.ts";

const agent = { mode: "local", capability: "agent:read" } as const;
const open = { mode: "local", capability: "none" } as const;
const operator = { mode: "read", capability: "operator:read" } as const;
/** Every agent asks the members itself. */
const asked = { mode: "local", capability: "operator:read" } as const;
const operating = { mode: "write", capability: "operator:write" } as const;
const reading = { mode: "read", capability: "read-job", namespace: "query" } as const;

export const agentEndpoints = {
  agentSelf: endpoint(READ, "/v1/agent/self", agent),
  agentMembers: endpoint(READ, "/v1/agent/members", { ...agent, capability: "node:read" }),
  agentServers: endpoint(READ, "/v1/agent/servers", agent),
  agentHealth: endpoint(READ, "/v1/agent/health", open),
  agentSchedulers: endpoint(READ, "/v1/agent/schedulers", agent),
  agentSchedulersConfig: endpoint(READ, "/v1/agent/schedulers/config", agent),
  agentJoin: endpoint(WRITE, "/v1/agent/join", { ...agent, capability: "agent:write" }),
  statusLeader: endpoint(READ, "/v1/status/leader", open),
  statusPeers: endpoint(READ, "/v1/status/peers", open),
  regions: endpoint(READ, "/v1/regions", open),
  agentMonitor: endpoint(READ, "/v1/agent/monitor", { ...agent, stream: true }),
  metrics: endpoint(READ, "/v1/metrics", { ...agent, capability: "operator:read" }),
} as const;

export const operatorEndpoints = {
  raftConfiguration: endpoint(READ, "/v1/operator/raft/configuration", asked),
  raftTransfer: endpoint(WRITE, "/v1/operator/raft/transfer-leadership", operating),
  schedulerConfigRead: endpoint(READ, "/v1/operator/scheduler/configuration", operator),
  schedulerConfigWrite: endpoint(WRITE, "/v1/operator/scheduler/configuration", operating),
  autopilotConfiguration: endpoint(READ, "/v1/operator/autopilot/configuration", asked),
  autopilotHealth: endpoint(READ, "/v1/operator/autopilot/health", asked),
  keyringKeys: endpoint(READ, "/v1/operator/keyring/keys", operator),
  snapshotSave: endpoint(READ, "/v1/operator/snapshot", {
    ...operating,
    capability: "management",
  }),
  license: endpoint(READ, "/v1/operator/license", asked),
  systemGc: endpoint(WRITE, "/v1/system/gc", { ...operating, capability: "management" }),
  systemReconcile: endpoint(WRITE, "/v1/system/reconcile/summaries", {
    ...operating,
    capability: "management",
  }),
} as const;

export const miscEndpoints = {
  search: endpoint(WRITE, "/v1/search", { ...reading, namespace: "query" }),
  searchFuzzy: endpoint(WRITE, "/v1/search/fuzzy", { ...reading, namespace: "query" }),
  serviceList: endpoint(READ, "/v1/services", reading),
  serviceRead: endpoint(READ, "/v1/service/:name", reading),
  serviceDelete: endpoint(REMOVE, "/v1/service/:name/:id", {
    mode: "write",
    capability: "submit-job",
    namespace: "query",
  }),
  namespaceList: endpoint(READ, "/v1/namespaces", { mode: "read", capability: "namespace:read" }),
  namespaceRead: endpoint(READ, "/v1/namespace/:name", {
    mode: "read",
    capability: "namespace:read",
  }),
  /** The name stands in the body; the field's clients register a namespace by it. */
  namespaceRegister: endpoint(WRITE, "/v1/namespace", {
    mode: "write",
    capability: "namespace:write",
  }),
  namespaceWrite: endpoint(WRITE, "/v1/namespace/:name", {
    mode: "write",
    capability: "namespace:write",
  }),
  namespaceDelete: endpoint(REMOVE, "/v1/namespace/:name", {
    mode: "write",
    capability: "namespace:write",
  }),
  variableList: endpoint(READ, "/v1/vars", reading),
  variableRead: endpoint(READ, "/v1/var/:path*", reading),
  volumeList: endpoint(READ, "/v1/volumes", reading),
  pluginList: endpoint(READ, "/v1/plugins", reading),
  aclTokenSelf: endpoint(READ, "/v1/acl/token/self", { mode: "read", capability: "none" }),
  jwks: endpoint(READ, "/.well-known/jwks.json", { mode: "read", capability: "none" }),
  eventStream: endpoint(READ, "/v1/event/stream", { ...reading, stream: true }),
} as const;
