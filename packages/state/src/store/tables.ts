/**
 * The tables of the replicated state and their secondary indexes, declared as data: writing a row
 * keeps its index rows, wakes the watchers of the index keys, and moves the table's index.
 */
import {
  type Allocation,
  type Deployment,
  EvalStatus,
  type Evaluation,
  isClientTerminal,
  type Job,
  type JobSummary,
  type Namespace,
  type Node,
  type NodePool,
  type SchedulerConfig,
  type ServiceRegistration,
} from "@drover/model";
import { jobKey, jobRefOf, scopedKey } from "./keys.ts";
import type {
  AnswerTime,
  ClusterIdentity,
  JobScalingEvents,
  RevertGrant,
  StoredSubmission,
  TokenRow,
} from "./rows.ts";
import { Table } from "./table.ts";

/** Row type of each primary table. Key: see `keyOf…` in keys.ts; ids unless said otherwise. */
export interface Rows {
  /** namespace, id */
  jobs: Job;
  /** namespace, id, version: what `job history` lists. */
  jobVersions: Job;
  /** Dropped from history and still run by an allocation. */
  retainedVersions: Job;
  submissions: StoredSubmission;
  summaries: JobSummary;
  scalingEvents: JobScalingEvents;
  revertGrants: RevertGrant;
  /** deployment, group, allocation name: it has extended the deadline (DESIGN §12.1). */
  deadlineExtensions: true;
  evals: Evaluation;
  allocs: Allocation;
  deployments: Deployment;
  nodes: Node;
  services: ServiceRegistration;
  namespaces: Namespace;
  nodePools: NodePool;
  schedulerConfig: SchedulerConfig;
  cluster: ClusterIdentity;
  /** Padded log index → token. */
  tokenOrder: string;
  tokens: TokenRow;
  /** One row. */
  answerTime: AnswerTime;
  /** Table name → index of its last change. */
  tableIndexes: number;
}
export type TableName = keyof Rows;
export type Tables = { readonly [N in TableName]: Table<Rows[N]> };

type IndexKeys<V> = (row: V) => readonly string[];

export const INDEX_KEYS = {
  allocsByJob: (row: Allocation) => [jobKey(jobRefOf(row))],
  allocsByNode: (row: Allocation) => [row.nodeId],
  /** Few, where what has ended stays for hours. */
  holdersByNode: (row: Allocation) => (isClientTerminal(row) ? [] : [row.nodeId]),
  allocsByDeployment: (row: Allocation) => (row.deploymentId === "" ? [] : [row.deploymentId]),
  allocsByEval: (row: Allocation) => [row.evalId],
  evalsByJob: (row: Evaluation) => [jobKey(jobRefOf(row))],
  blockedEvalsByJob: (row: Evaluation) =>
    row.status === EvalStatus.blocked ? [jobKey(jobRefOf(row))] : [],
  deploymentsByJob: (row: Deployment) => [jobKey(jobRefOf(row))],
  versionsByJob: (row: Job) => [jobKey(row)],
  servicesByName: (row: ServiceRegistration) => [scopedKey(row.namespace, row.serviceName)],
  servicesByAlloc: (row: ServiceRegistration) => [row.allocId],
  servicesByNode: (row: ServiceRegistration) => [row.nodeId],
} as const;
export type IndexName = keyof typeof INDEX_KEYS;
export type IndexRow<N extends IndexName> = Parameters<(typeof INDEX_KEYS)[N]>[0];
/** They hold the rows themselves: a look-up is one walk, not one more look-up per row. */
export type Indexes = { readonly [N in IndexName]: Table<IndexRow<N>> };

/** Which indexes each table feeds. */
export const INDEXES_OF: { readonly [N in TableName]?: readonly IndexName[] } = {
  allocs: ["allocsByJob", "allocsByNode", "holdersByNode", "allocsByDeployment", "allocsByEval"],
  evals: ["evalsByJob", "blockedEvalsByJob"],
  deployments: ["deploymentsByJob"],
  jobVersions: ["versionsByJob"],
  services: ["servicesByName", "servicesByAlloc", "servicesByNode"],
};

/** The declarations above pair each index with the row type of its table. */
export function indexKeys(index: IndexName, row: unknown): readonly string[] {
  return (INDEX_KEYS[index] as IndexKeys<unknown>)(row);
}

export const TABLE_NAMES: readonly TableName[] = [
  "jobs",
  "jobVersions",
  "retainedVersions",
  "submissions",
  "summaries",
  "scalingEvents",
  "revertGrants",
  "deadlineExtensions",
  "evals",
  "allocs",
  "deployments",
  "nodes",
  "services",
  "namespaces",
  "nodePools",
  "schedulerConfig",
  "cluster",
  "tokenOrder",
  "tokens",
  "answerTime",
  "tableIndexes",
];
export const INDEX_NAMES = Object.keys(INDEX_KEYS) as readonly IndexName[];

export interface Store {
  readonly tables: Tables;
  readonly indexes: Indexes;
}

export function createStore(): Store {
  return {
    tables: build(TABLE_NAMES, () => new Table()) as unknown as Tables,
    indexes: build(INDEX_NAMES, () => new Table()) as unknown as Indexes,
  };
}

export function cloneStore(store: Store): Store {
  return { tables: cloneEach(store.tables), indexes: cloneEach(store.indexes) };
}

/** Every entry of the log does this: spreading keeps the shape, which filling in would not. */
function cloneEach<T extends Tables | Indexes>(tables: T): T {
  const copy = { ...tables } as Record<string, Table<unknown>>;
  for (const name in copy) copy[name] = (copy[name] as Table<unknown>).clone();
  return copy as unknown as T;
}

function build<N extends string, T>(names: readonly N[], make: (name: N) => T): Record<N, T> {
  const built = {} as Record<N, T>;
  for (const name of names) built[name] = make(name);
  return built;
}

/** Keeps the index rows of one primary row in step; `null` = no such row. */
export function reindex(
  store: Store,
  change: {
    readonly table: TableName;
    readonly key: string;
    readonly before: unknown;
    readonly after: unknown;
  },
): void {
  for (const name of INDEXES_OF[change.table] ?? []) {
    const index = store.indexes[name] as Table<unknown>;
    const old = change.before === null ? [] : indexKeys(name, change.before);
    const now = change.after === null ? [] : indexKeys(name, change.after);
    for (const key of old) if (!now.includes(key)) index.delete(scopedKey(key, change.key));
    for (const key of now) index.set(scopedKey(key, change.key), change.after);
  }
}
