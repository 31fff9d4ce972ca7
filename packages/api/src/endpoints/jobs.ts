/** Jobs: spec chapter 8 §8.2. */
import { endpoint, READ, REMOVE, WRITE } from "../endpoint.ts";

const reading = { mode: "read", capability: "read-job", namespace: "query" } as const;
const writing = { mode: "write", capability: "submit-job", namespace: "query" } as const;

export const jobEndpoints = {
  jobList: endpoint(READ, "/v1/jobs", { ...reading, capability: "list-jobs" }),
  jobRegister: endpoint(WRITE, "/v1/jobs", { ...writing, namespace: "body" }),
  jobParse: endpoint(WRITE, "/v1/jobs/parse", {
    mode: "local",
    capability: "parse-job",
    namespace: "query",
  }),
  jobStatuses: endpoint(["GET", "PUT", "POST"], "/v1/jobs/statuses", {
    ...reading,
    capability: "list-jobs",
  }),
  jobValidate: endpoint(WRITE, "/v1/validate/job", { ...reading, namespace: "body" }),
  jobRead: endpoint(READ, "/v1/job/:id*", reading),
  jobUpdate: endpoint(WRITE, "/v1/job/:id*", { ...writing, namespace: "body" }),
  jobDelete: endpoint(REMOVE, "/v1/job/:id*", writing),
  jobPlan: endpoint(WRITE, "/v1/job/:id*/plan", {
    mode: "write",
    capability: "plan-job",
    namespace: "body",
  }),
  jobVersions: endpoint(READ, "/v1/job/:id*/versions", reading),
  jobSubmission: endpoint(READ, "/v1/job/:id*/submission", reading),
  jobAllocations: endpoint(READ, "/v1/job/:id*/allocations", reading),
  jobEvaluations: endpoint(READ, "/v1/job/:id*/evaluations", reading),
  jobDeployments: endpoint(READ, "/v1/job/:id*/deployments", reading),
  jobLatestDeployment: endpoint(READ, "/v1/job/:id*/deployment", reading),
  jobSummary: endpoint(READ, "/v1/job/:id*/summary", reading),
  jobServices: endpoint(READ, "/v1/job/:id*/services", reading),
  jobActions: endpoint(READ, "/v1/job/:id*/actions", reading),
  jobEvaluate: endpoint(WRITE, "/v1/job/:id*/evaluate", { ...writing, capability: "read-job" }),
  jobRevert: endpoint(WRITE, "/v1/job/:id*/revert", writing),
  jobStable: endpoint(WRITE, "/v1/job/:id*/stable", writing),
  jobTag: endpoint(WRITE, "/v1/job/:id*/versions/:tag/tag", writing),
  jobUntag: endpoint(REMOVE, "/v1/job/:id*/versions/:tag/tag", writing),
  jobScaleStatus: endpoint(READ, "/v1/job/:id*/scale", {
    ...reading,
    capability: "read-job-scaling",
  }),
  jobScale: endpoint(WRITE, "/v1/job/:id*/scale", { ...writing, capability: "scale-job" }),
  jobDispatch: endpoint(WRITE, "/v1/job/:id*/dispatch", {
    ...writing,
    capability: "dispatch-job",
  }),
  jobPeriodicForce: endpoint(WRITE, "/v1/job/:id*/periodic/force", writing),
  scalingPolicy: endpoint(READ, "/v1/scaling/policy/:id", {
    ...reading,
    capability: "read-job-scaling",
    namespace: "object",
  }),
  scalingPolicies: endpoint(READ, "/v1/scaling/policies", {
    ...reading,
    capability: "read-job-scaling",
  }),
} as const;
