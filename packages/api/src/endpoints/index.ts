/** The whole surface; the server must have a handler for every name in it. */
import { allocationEndpoints } from "./allocations.ts";
import { deploymentEndpoints, evaluationEndpoints, nodeEndpoints } from "./cluster.ts";
import { jobEndpoints } from "./jobs.ts";
import { agentEndpoints, miscEndpoints, operatorEndpoints } from "./operator.ts";
import { whyEndpoints } from "./why.ts";

export const endpoints = {
  ...jobEndpoints,
  ...allocationEndpoints,
  ...evaluationEndpoints,
  ...deploymentEndpoints,
  ...nodeEndpoints,
  ...agentEndpoints,
  ...operatorEndpoints,
  ...miscEndpoints,
  ...whyEndpoints,
} as const;

export type EndpointName = keyof typeof endpoints;
