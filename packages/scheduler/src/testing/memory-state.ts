/** A small, mutable cluster state in memory that implements `StateReader`; for tests and forecasts. */
import {
  type Allocation,
  DEFAULT_SCHEDULER_CONFIG,
  type Deployment,
  type Evaluation,
  isClientTerminal,
  type Job,
  type JobRef,
  type Node,
  type NodePool,
  type SchedulerConfig,
  type StateReader,
} from "@drover/model";

export class MemoryState implements StateReader {
  index = 100;
  clock = 0;
  config: SchedulerConfig = DEFAULT_SCHEDULER_CONFIG;
  readonly #jobs = new Map<string, Job[]>();
  readonly #allocs = new Map<string, Allocation>();
  readonly #allocsByNode = new Map<string, Map<string, Allocation>>();
  readonly #allocsByJob = new Map<string, Map<string, Allocation>>();
  readonly #deployments = new Map<string, Deployment>();
  readonly #evals = new Map<string, Evaluation>();
  readonly #nodes = new Map<string, Node>();

  putJob(job: Job): void {
    const versions = this.#jobs.get(keyOf(job)) ?? [];
    const others = versions.filter((each) => each.version !== job.version);
    this.#jobs.set(
      keyOf(job),
      [job, ...others].sort((a, b) => b.version - a.version),
    );
  }

  deleteJob(ref: JobRef): void {
    this.#jobs.delete(keyOf(ref));
  }

  putNode(node: Node): void {
    this.#nodes.set(node.id, node);
  }

  deleteNode(id: string): void {
    this.#nodes.delete(id);
  }

  putAlloc(alloc: Allocation): void {
    this.#allocs.set(alloc.id, alloc);
    indexInto(this.#allocsByNode, alloc.nodeId, alloc);
    indexInto(this.#allocsByJob, keyOf({ namespace: alloc.namespace, id: alloc.jobId }), alloc);
  }

  putDeployment(deployment: Deployment): void {
    this.#deployments.set(deployment.id, deployment);
  }

  putEval(evaluation: Evaluation): void {
    this.#evals.set(evaluation.id, evaluation);
  }

  job(ref: JobRef): Job | undefined {
    return this.#jobs.get(keyOf(ref))?.[0];
  }

  jobVersion(ref: JobRef, version: number): Job | undefined {
    return this.#jobs.get(keyOf(ref))?.find((each) => each.version === version);
  }

  jobVersions(ref: JobRef): readonly Job[] {
    return this.#jobs.get(keyOf(ref)) ?? [];
  }

  *jobs(): Iterable<Job> {
    for (const versions of this.#jobs.values()) if (versions[0]) yield versions[0];
  }

  allocJob(alloc: Allocation): Job | undefined {
    return this.jobVersion({ namespace: alloc.namespace, id: alloc.jobId }, alloc.jobVersion);
  }

  alloc(id: string): Allocation | undefined {
    return this.#allocs.get(id);
  }

  allocs(): Iterable<Allocation> {
    return this.#allocs.values();
  }

  allocsByJob(ref: JobRef): readonly Allocation[] {
    return [...(this.#allocsByJob.get(keyOf(ref))?.values() ?? [])];
  }

  allocsByNode(nodeId: string): readonly Allocation[] {
    return [...(this.#allocsByNode.get(nodeId)?.values() ?? [])];
  }

  holdersByNode(nodeId: string): readonly Allocation[] {
    return this.allocsByNode(nodeId).filter((alloc) => !isClientTerminal(alloc));
  }

  allocsByDeployment(deploymentId: string): readonly Allocation[] {
    return [...this.#allocs.values()].filter((alloc) => alloc.deploymentId === deploymentId);
  }

  allocsByEval(evalId: string): readonly Allocation[] {
    return [...this.#allocs.values()].filter((alloc) => alloc.evalId === evalId);
  }

  evaluation(id: string): Evaluation | undefined {
    return this.#evals.get(id);
  }

  evaluations(): Iterable<Evaluation> {
    return this.#evals.values();
  }

  evalsByJob(ref: JobRef): readonly Evaluation[] {
    return [...this.#evals.values()].filter(
      (each) => each.jobId === ref.id && each.namespace === ref.namespace,
    );
  }

  deployment(id: string): Deployment | undefined {
    return this.#deployments.get(id);
  }

  deployments(): Iterable<Deployment> {
    return this.#deployments.values();
  }

  deploymentsByJob(ref: JobRef): readonly Deployment[] {
    return [...this.#deployments.values()]
      .filter((each) => each.jobId === ref.id && each.namespace === ref.namespace)
      .sort((a, b) => b.createIndex - a.createIndex);
  }

  node(id: string): Node | undefined {
    return this.#nodes.get(id);
  }

  nodes(): Iterable<Node> {
    return this.#nodes.values();
  }

  nodePool(): NodePool | undefined {
    return undefined;
  }

  schedulerConfig(): SchedulerConfig {
    return this.config;
  }
}

function keyOf(ref: JobRef): string {
  return `${ref.namespace}/${ref.id}`;
}

function indexInto(
  index: Map<string, Map<string, Allocation>>,
  key: string,
  alloc: Allocation,
): void {
  const entries = index.get(key);
  if (entries) entries.set(alloc.id, alloc);
  else index.set(key, new Map([[alloc.id, alloc]]));
}
