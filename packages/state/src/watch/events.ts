/**
 * What happened, for the event stream (spec chapter 8 §8.10): every changed row of a published
 * table becomes an event of the command's type.
 */
import type {
  Allocation,
  Deployment,
  Evaluation,
  Job,
  Node,
  NodePool,
  ServiceRegistration,
} from "@drover/model";
import { CommandTag, type StateEvent } from "../commands/command.ts";
import type { TableName } from "../store/tables.ts";
import type { Change } from "../store/tx.ts";

const TYPES: Readonly<Record<CommandTag, string>> = {
  [CommandTag.jobRegister]: "JobRegistered",
  [CommandTag.jobDeregister]: "JobDeregistered",
  [CommandTag.jobStability]: "JobUpdated",
  [CommandTag.jobVersionTag]: "JobUpdated",
  [CommandTag.evalUpdate]: "EvaluationUpdated",
  [CommandTag.planApply]: "PlanResult",
  [CommandTag.allocClientUpdate]: "AllocationUpdated",
  [CommandTag.allocDesiredTransition]: "AllocationUpdateDesiredStatus",
  [CommandTag.nodeRegister]: "NodeRegistration",
  [CommandTag.nodeDeregister]: "NodeDeregistration",
  [CommandTag.nodeStatus]: "NodeStreamEvent",
  [CommandTag.nodeDrain]: "NodeDrain",
  [CommandTag.nodeEligibility]: "NodeEligibility",
  [CommandTag.deploymentStatus]: "DeploymentStatusUpdate",
  [CommandTag.deploymentPromote]: "DeploymentPromotion",
  [CommandTag.deploymentAllocHealth]: "DeploymentAllocHealth",
  [CommandTag.garbageCollect]: "GarbageCollected",
  [CommandTag.scalingEvent]: "ScalingEventRecorded",
  [CommandTag.schedulerConfig]: "SchedulerConfigUpdated",
  [CommandTag.serviceUpsert]: "ServiceRegistration",
  [CommandTag.serviceDelete]: "ServiceDeregistration",
  [CommandTag.namespaceUpsert]: "NamespaceUpserted",
  [CommandTag.namespaceDelete]: "NamespaceDeleted",
  [CommandTag.nodePoolUpsert]: "NodePoolUpserted",
  [CommandTag.nodePoolDelete]: "NodePoolDeleted",
  [CommandTag.clusterInit]: "ClusterInitialized",
};

type Described = Omit<StateEvent, "type" | "index">;

const DESCRIBE: { readonly [N in TableName]?: (row: never) => Described } = {
  jobs: (row: Job) => ({
    topic: "Job",
    key: row.id,
    namespace: row.namespace,
    filterKeys: [],
    payload: row,
  }),
  evals: (row: Evaluation) => ({
    topic: "Evaluation",
    key: row.id,
    namespace: row.namespace,
    filterKeys: present(row.jobId, row.deploymentId),
    payload: row,
  }),
  allocs: (row: Allocation) => ({
    topic: "Allocation",
    key: row.id,
    namespace: row.namespace,
    filterKeys: present(row.jobId, row.deploymentId, row.previousAllocation),
    payload: row,
  }),
  deployments: (row: Deployment) => ({
    topic: "Deployment",
    key: row.id,
    namespace: row.namespace,
    filterKeys: present(row.jobId),
    payload: row,
  }),
  nodes: (row: Node) => ({
    topic: "Node",
    key: row.id,
    namespace: "",
    filterKeys: [],
    payload: row,
  }),
  services: (row: ServiceRegistration) => ({
    topic: "Service",
    key: row.id,
    namespace: row.namespace,
    filterKeys: present(row.jobId, row.serviceName),
    payload: row,
  }),
  nodePools: (row: NodePool) => ({
    topic: "NodePool",
    key: row.name,
    namespace: "",
    filterKeys: [],
    payload: row,
  }),
};

const ASIDE: ReadonlySet<CommandTag> = new Set([
  CommandTag.allocClientUpdate,
  CommandTag.nodeRegister,
  CommandTag.nodeStatus,
  CommandTag.nodeDrain,
  CommandTag.nodeEligibility,
]);

/** Rows whose disappearance is news by itself; collected ones go quietly. */
const ANNOUNCED_REMOVALS: ReadonlySet<TableName> = new Set(["jobs", "nodes", "services"]);

export function eventsOf(
  tag: CommandTag,
  index: number,
  changes: readonly Change[],
): readonly StateEvent[] {
  // What every cluster begins with is no news.
  if (tag === CommandTag.clusterInit) return [];
  const events: StateEvent[] = [];
  for (const change of changes) {
    const describe = DESCRIBE[change.table] as ((row: unknown) => Described) | undefined;
    if (describe === undefined) continue;
    const row = change.after ?? (ANNOUNCED_REMOVALS.has(change.table) ? change.before : null);
    if (row !== null) events.push({ ...describe(row), type: typeOf(tag, change.table), index });
  }
  return events;
}

/** Evaluations that a change of nodes or tasks gave rise to are news of their own. */
function typeOf(tag: CommandTag, table: TableName): string {
  return table === "evals" && ASIDE.has(tag) ? "EvaluationUpdated" : TYPES[tag];
}

function present(...keys: readonly string[]): readonly string[] {
  return keys.filter((key) => key !== "");
}
