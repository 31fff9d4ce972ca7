/** Evaluations, deployments, nodes: spec chapter 8 §8.4 to §8.6. */
import { endpoint, READ, REMOVE, WRITE } from "../endpoint.ts";

const reading = { mode: "read", capability: "read-job", namespace: "query" } as const;
const object = { ...reading, namespace: "object" } as const;
const deploying = { mode: "write", capability: "submit-job", namespace: "object" } as const;
const node = { mode: "read", capability: "node:read" } as const;
const nodeWrite = { mode: "write", capability: "node:write" } as const;

export const evaluationEndpoints = {
  evalList: endpoint(READ, "/v1/evaluations", reading),
  evalDelete: endpoint(REMOVE, "/v1/evaluations", {
    mode: "write",
    capability: "management",
    namespace: "query",
  }),
  evalCount: endpoint(READ, "/v1/evaluations/count", reading),
  evalRead: endpoint(READ, "/v1/evaluation/:id", object),
  evalAllocations: endpoint(READ, "/v1/evaluation/:id/allocations", object),
} as const;

export const deploymentEndpoints = {
  deploymentList: endpoint(READ, "/v1/deployments", reading),
  deploymentRead: endpoint(READ, "/v1/deployment/:id", object),
  deploymentAllocations: endpoint(READ, "/v1/deployment/allocations/:id", object),
  deploymentFail: endpoint(WRITE, "/v1/deployment/fail/:id", deploying),
  deploymentPause: endpoint(WRITE, "/v1/deployment/pause/:id", deploying),
  deploymentPromote: endpoint(WRITE, "/v1/deployment/promote/:id", deploying),
  deploymentUnblock: endpoint(WRITE, "/v1/deployment/unblock/:id", deploying),
  deploymentAllocHealth: endpoint(WRITE, "/v1/deployment/allocation-health/:id", deploying),
} as const;

export const nodeEndpoints = {
  nodeList: endpoint(READ, "/v1/nodes", node),
  nodeRead: endpoint(READ, "/v1/node/:id", node),
  nodeAllocations: endpoint(READ, "/v1/node/:id/allocations", node),
  nodeDrain: endpoint(WRITE, "/v1/node/:id/drain", nodeWrite),
  nodeEligibility: endpoint(WRITE, "/v1/node/:id/eligibility", nodeWrite),
  nodeEvaluate: endpoint(WRITE, "/v1/node/:id/evaluate", nodeWrite),
  nodePurge: endpoint(WRITE, "/v1/node/:id/purge", nodeWrite),
  nodePoolList: endpoint(READ, "/v1/node/pools", node),
  nodePoolRead: endpoint(READ, "/v1/node/pool/:name", node),
  nodePoolNodes: endpoint(READ, "/v1/node/pool/:name/nodes", node),
  nodePoolJobs: endpoint(READ, "/v1/node/pool/:name/jobs", node),
} as const;
