export { whyAlloc } from "./allocation/why-alloc.ts";
export { BlockedEvals, type CapacityChange } from "./broker/blocked-evals.ts";
export {
  type BrokerOptions,
  type BrokerStats,
  DEFAULT_BROKER_OPTIONS,
  EvalBroker,
} from "./broker/eval-broker.ts";
export { capacityHint, shortage, whyEval } from "./broker/why-eval.ts";
export type * from "./contracts.ts";
export { decideDeployment } from "./deployment/decide-deployment.ts";
export { type Rollback, rollbackTarget } from "./deployment/rollback.ts";
export { decideDrain } from "./drain/decide-drain.ts";
export { decideGc, type GcDecision } from "./gc/decide-gc.ts";
export { whyKept } from "./gc/why-kept.ts";
export { decideMissed, type MissedDecision } from "./heartbeat/decide-missed.ts";
export {
  DEFAULT_HEARTBEAT_OPTIONS,
  type Expired,
  type HeartbeatOptions,
  Heartbeats,
} from "./heartbeat/heartbeats.ts";
export { whyNode } from "./heartbeat/why-node.ts";
export { verifyPlan } from "./plan/verify-plan.ts";
