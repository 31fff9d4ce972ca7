/**
 * Reading the tables: shared by snapshots (frozen tables) and by commands while they apply (live
 * tables). See `StateReader` of @drover/model for the contract.
 */
import {
  type Allocation,
  DEFAULT_SCHEDULER_CONFIG,
  type Deployment,
  type Evaluation,
  type Job,
  type JobRef,
  type JobSummary,
  type Namespace,
  type Node,
  type NodePool,
  type SchedulerConfig,
  type ServiceRegistration,
} from "@drover/model";
import { below, jobKey, scopedKey, versionKey } from "./keys.ts";
import type { ClusterIdentity, JobScalingEvents, StoredSubmission } from "./rows.ts";
import type { Table } from "./table.ts";
import type { IndexName, IndexRow, Store, TableName } from "./tables.ts";

export class Reader {
  protected readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  job(ref: JobRef): Job | undefined {
    return this.store.tables.jobs.get(jobKey(ref));
  }

  jobVersion(ref: JobRef, version: number): Job | undefined {
    const key = versionKey(ref, version);
    return this.store.tables.jobVersions.get(key) ?? this.store.tables.retainedVersions.get(key);
  }

  jobVersions(ref: JobRef): readonly Job[] {
    return this.store.tables.jobVersions.listBelow(jobKey(ref)).reverse();
  }

  jobs(): Iterable<Job> {
    return this.store.tables.jobs.values();
  }

  allocJob(alloc: Allocation): Job | undefined {
    const job = this.jobVersion({ namespace: alloc.namespace, id: alloc.jobId }, alloc.jobVersion);
    return job?.createIndex === alloc.jobCreateIndex ? job : undefined;
  }

  /** Lazily, for who stops at the first that decides; the tables must not change meanwhile. */
  *eachAllocOfJob(ref: JobRef): Generator<Allocation> {
    yield* this.store.indexes.allocsByJob.values(below(jobKey(ref)));
  }

  alloc(id: string): Allocation | undefined {
    return this.store.tables.allocs.get(id);
  }

  allocs(): Iterable<Allocation> {
    return this.store.tables.allocs.values();
  }

  allocsByJob(ref: JobRef): readonly Allocation[] {
    return this.#indexed("allocsByJob", jobKey(ref));
  }

  allocsByNode(nodeId: string): readonly Allocation[] {
    return this.#indexed("allocsByNode", nodeId);
  }

  holdersByNode(nodeId: string): readonly Allocation[] {
    return this.#indexed("holdersByNode", nodeId);
  }

  allocsByDeployment(deploymentId: string): readonly Allocation[] {
    return this.#indexed("allocsByDeployment", deploymentId);
  }

  /** For those who stop at the first that answers: nothing is collected before. */
  *eachAllocOfDeployment(deploymentId: string): Generator<Allocation> {
    const prefix = below(deploymentId);
    for (const [key] of this.store.indexes.allocsByDeployment.entries(prefix)) {
      yield this.store.tables.allocs.get(key.slice(prefix.length)) as Allocation;
    }
  }

  allocsByEval(evalId: string): readonly Allocation[] {
    return this.#indexed("allocsByEval", evalId);
  }

  evaluation(id: string): Evaluation | undefined {
    return this.store.tables.evals.get(id);
  }

  evaluations(): Iterable<Evaluation> {
    return this.store.tables.evals.values();
  }

  evalsByJob(ref: JobRef): readonly Evaluation[] {
    return this.#indexed("evalsByJob", jobKey(ref));
  }

  /** Lazily, as `eachAllocOfJob`. */
  *eachEvalOfJob(ref: JobRef): Generator<Evaluation> {
    yield* this.store.indexes.evalsByJob.values(below(jobKey(ref)));
  }

  blockedEvalsByJob(ref: JobRef): readonly Evaluation[] {
    return this.#indexed("blockedEvalsByJob", jobKey(ref));
  }

  deployment(id: string): Deployment | undefined {
    return this.store.tables.deployments.get(id);
  }

  deployments(): Iterable<Deployment> {
    return this.store.tables.deployments.values();
  }

  deploymentsByJob(ref: JobRef): readonly Deployment[] {
    return this.#indexed("deploymentsByJob", jobKey(ref)).sort(
      (a, b) => b.createIndex - a.createIndex,
    );
  }

  node(id: string): Node | undefined {
    return this.store.tables.nodes.get(id);
  }

  nodes(): Iterable<Node> {
    return this.store.tables.nodes.values();
  }

  nodePool(name: string): NodePool | undefined {
    return this.store.tables.nodePools.get(name);
  }

  nodePools(): Iterable<NodePool> {
    return this.store.tables.nodePools.values();
  }

  namespace(name: string): Namespace | undefined {
    return this.store.tables.namespaces.get(name);
  }

  namespaces(): Iterable<Namespace> {
    return this.store.tables.namespaces.values();
  }

  schedulerConfig(): SchedulerConfig {
    return this.store.tables.schedulerConfig.get("") ?? DEFAULT_SCHEDULER_CONFIG;
  }

  jobSummary(ref: JobRef): JobSummary | undefined {
    return this.store.tables.summaries.get(jobKey(ref));
  }

  submission(ref: JobRef, version: number): StoredSubmission | undefined {
    return this.store.tables.submissions.get(versionKey(ref, version));
  }

  scalingEvents(ref: JobRef): JobScalingEvents | undefined {
    return this.store.tables.scalingEvents.get(jobKey(ref));
  }

  service(namespace: string, id: string): ServiceRegistration | undefined {
    return this.store.tables.services.get(scopedKey(namespace, id));
  }

  services(): Iterable<ServiceRegistration> {
    return this.store.tables.services.values();
  }

  servicesByName(namespace: string, name: string): readonly ServiceRegistration[] {
    return this.#indexed("servicesByName", scopedKey(namespace, name));
  }

  servicesByAlloc(allocId: string): readonly ServiceRegistration[] {
    return this.#indexed("servicesByAlloc", allocId);
  }

  servicesByNode(nodeId: string): readonly ServiceRegistration[] {
    return this.#indexed("servicesByNode", nodeId);
  }

  /** Undefined until the first command of a cluster has been applied. */
  cluster(): ClusterIdentity | undefined {
    return this.store.tables.cluster.get("");
  }

  /** What a deployment of this version may still do by itself; undefined for a human's submit. */
  revertGrant(ref: JobRef, version: number): number | undefined {
    return this.store.tables.revertGrants.get(versionKey(ref, version))?.autoTransitionsLeft;
  }

  /** Highest index at which any of the tables changed: X-Nomad-Index of lists. */
  tableIndex(...tables: readonly TableName[]): number {
    let highest = 0;
    for (const table of tables) {
      highest = Math.max(highest, this.store.tables.tableIndexes.get(table) ?? 0);
    }
    return highest;
  }

  #indexed<N extends IndexName>(index: N, key: string): IndexRow<N>[] {
    const rows: Table<IndexRow<N>> = this.store.indexes[index];
    return rows.listBelow(key);
  }
}
