/** Allocations and what their node knows of them: spec chapter 8 §8.3. */
import { endpoint, READ, WRITE } from "../endpoint.ts";

const reading = { mode: "read", capability: "read-job", namespace: "query" } as const;
const owner = { mode: "node", capability: "read-job", namespace: "object" } as const;

export const allocationEndpoints = {
  allocList: endpoint(READ, "/v1/allocations", reading),
  allocRead: endpoint(READ, "/v1/allocation/:id", { ...reading, namespace: "object" }),
  allocStop: endpoint(WRITE, "/v1/allocation/:id/stop", {
    mode: "write",
    capability: "alloc-lifecycle",
    namespace: "object",
  }),
  allocServices: endpoint(READ, "/v1/allocation/:id/services", {
    ...reading,
    namespace: "object",
  }),
  allocChecks: endpoint(READ, "/v1/allocation/:id/checks", owner),
  clientAllocStats: endpoint(READ, "/v1/client/allocation/:id/stats", owner),
  clientAllocChecks: endpoint(READ, "/v1/client/allocation/:id/checks", owner),
  clientAllocRestart: endpoint(WRITE, "/v1/client/allocation/:id/restart", {
    ...owner,
    capability: "alloc-lifecycle",
  }),
  clientAllocSignal: endpoint(WRITE, "/v1/client/allocation/:id/signal", {
    ...owner,
    capability: "alloc-lifecycle",
  }),
  clientAllocGc: endpoint(READ, "/v1/client/allocation/:id/gc", {
    ...owner,
    capability: "submit-job",
  }),
  clientAllocExec: endpoint(READ, "/v1/client/allocation/:id/exec", {
    ...owner,
    capability: "alloc-exec",
    websocket: true,
  }),
  fsList: endpoint(READ, "/v1/client/fs/ls/:id", { ...owner, capability: "read-fs" }),
  fsStat: endpoint(READ, "/v1/client/fs/stat/:id", { ...owner, capability: "read-fs" }),
  fsCat: endpoint(READ, "/v1/client/fs/cat/:id", { ...owner, capability: "read-fs", stream: true }),
  fsReadAt: endpoint(READ, "/v1/client/fs/readat/:id", {
    ...owner,
    capability: "read-fs",
    stream: true,
  }),
  fsStream: endpoint(READ, "/v1/client/fs/stream/:id", {
    ...owner,
    capability: "read-fs",
    stream: true,
  }),
  fsLogs: endpoint(READ, "/v1/client/fs/logs/:id", {
    ...owner,
    capability: "read-logs",
    stream: true,
  }),
  clientStats: endpoint(READ, "/v1/client/stats", { mode: "node", capability: "node:read" }),
  clientMetadata: endpoint(READ, "/v1/client/metadata", { mode: "node", capability: "node:read" }),
  clientGc: endpoint(READ, "/v1/client/gc", { mode: "node", capability: "node:write" }),
} as const;
