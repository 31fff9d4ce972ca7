export {
  type Applied,
  type CommandDraft,
  DEFAULT_TIMINGS,
  type Log,
  type LogLevel,
  type ServerContext,
  type ServerTimings,
} from "./context.ts";
export { type EventEntry, type EventRead, EventRing } from "./event-ring.ts";
export { ServerFsm } from "./fsm.ts";
export type { LeadershipState, LogEngine } from "./log-engine.ts";
export {
  type DeploymentWriteResult,
  failDeployment,
  pauseDeployment,
  promoteDeployment,
  setAllocHealth,
  stopAllocation,
  unblockDeployment,
} from "./operations/deployments.ts";
export {
  deregisterJob,
  evaluateJob,
  type JobWriteResult,
  registerJob,
  revertJob,
  scaleJob,
  setJobStability,
  tagJobVersion,
  validateContext,
} from "./operations/jobs.ts";
export {
  drainNode,
  evaluateNode,
  type NodeWriteResult,
  purgeNode,
  setNodeEligibility,
} from "./operations/nodes.ts";
export {
  collectGarbage,
  deleteNamespace,
  deleteService,
  setSchedulerConfig,
  upsertNamespace,
} from "./operations/operator.ts";
export { planJob } from "./operations/plan.ts";
export { Server } from "./server.ts";
