/** Cluster-wide scheduler settings (spec chapter 1 §1.14), node pools and namespaces. */
import {
  bool,
  type Infer,
  int,
  json,
  map,
  nullable,
  object,
  record,
  string,
} from "../schema/field.ts";

export const schedulerConfigSchema = record("SchedulerConfig", {
  schedulerAlgorithm: string({ default: "binpack" }),
  preemptionConfig: object(
    record("PreemptionConfig", {
      systemSchedulerEnabled: bool({ default: true }),
      sysBatchSchedulerEnabled: bool({ default: false }),
      batchSchedulerEnabled: bool({ default: false }),
      serviceSchedulerEnabled: bool({ default: false }),
    }),
  ),
  memoryOversubscriptionEnabled: bool({ default: false }),
  rejectJobRegistration: bool({ default: false }),
  pauseEvalBroker: bool({ default: false }),
  nodeLimitForFeasibilityChecks: int({ default: 0 }),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
});
export type SchedulerConfig = Infer<typeof schedulerConfigSchema>;

export const DEFAULT_SCHEDULER_CONFIG: SchedulerConfig = {
  schedulerAlgorithm: "binpack",
  preemptionConfig: {
    systemSchedulerEnabled: true,
    sysBatchSchedulerEnabled: false,
    batchSchedulerEnabled: false,
    serviceSchedulerEnabled: false,
  },
  memoryOversubscriptionEnabled: false,
  rejectJobRegistration: false,
  pauseEvalBroker: false,
  nodeLimitForFeasibilityChecks: 0,
  createIndex: 0,
  modifyIndex: 0,
};

export const namespaceSchema = record("Namespace", {
  name: string(),
  description: string(),
  quota: string(),
  meta: map(string()),
  capabilities: nullable(json()),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
});
export type Namespace = Infer<typeof namespaceSchema>;

export const nodePoolSchema = record("NodePool", {
  name: string(),
  description: string(),
  meta: map(string()),
  nodeIdentityTtl: int({ wire: "NodeIdentityTTL" }),
  schedulerConfiguration: nullable(json()),
  createIndex: int({ owner: "server" }),
  modifyIndex: int({ owner: "server" }),
});
export type NodePool = Infer<typeof nodePoolSchema>;
