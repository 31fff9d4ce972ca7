/** Why something waits: the graph of reasons, and what its own machine knows of an allocation. */
import { endpoint, READ } from "../endpoint.ts";

const ofJob = { mode: "read", capability: "read-job", namespace: "query" } as const;
const ofObject = { ...ofJob, namespace: "object" } as const;

export const whyEndpoints = {
  whyJob: endpoint(READ, "/v1/why/job/:id*", ofJob),
  whyDeployment: endpoint(READ, "/v1/why/deployment/:id", ofObject),
  whyAllocation: endpoint(READ, "/v1/why/allocation/:id", ofObject),
  whyEvaluation: endpoint(READ, "/v1/why/evaluation/:id", ofObject),
  whyNode: endpoint(READ, "/v1/why/node/:id", { mode: "read", capability: "node:read" }),
  clientAllocWhy: endpoint(READ, "/v1/client/allocation/:id/why", {
    mode: "node",
    capability: "read-job",
    namespace: "object",
  }),
} as const;
