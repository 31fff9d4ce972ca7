/** A small state for the deciders' tests: plain maps behind `StateReader`. */
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

export class FakeState implements StateReader {
  index = 100;
  clock = 0;
  readonly #versions: Job[] = [];
  readonly #jobs = new Map<string, Job>();
  readonly #allocs = new Map<string, Allocation>();
  readonly #evals = new Map<string, Evaluation>();
  readonly #deployments = new Map<string, Deployment>();
  readonly #nodes = new Map<string, Node>();

  /** The current version. */
  putJob(job: Job): void {
    this.#jobs.set(keyOf(job), job);
    this.putVersion(job);
  }
  putVersion(job: Job): void {
    this.#versions.push(job);
  }
  putAlloc(alloc: Allocation): void {
    this.#allocs.set(alloc.id, alloc);
  }
  putEval(evaluation: Evaluation): void {
    this.#evals.set(evaluation.id, evaluation);
  }
  putDeployment(deployment: Deployment): void {
    this.#deployments.set(deployment.id, deployment);
  }
  putNode(node: Node): void {
    this.#nodes.set(node.id, node);
  }

  job(ref: JobRef): Job | undefined {
    return this.#jobs.get(keyOf(ref));
  }
  jobVersion(ref: JobRef, version: number): Job | undefined {
    return this.jobVersions(ref).find((job) => job.version === version);
  }
  jobVersions(ref: JobRef): readonly Job[] {
    return this.#versions
      .filter((job) => keyOf(job) === keyOf(ref))
      .sort((a, b) => b.version - a.version);
  }
  jobs(): Iterable<Job> {
    return this.#jobs.values();
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
    return this.#allocsWhere((a) => a.jobId === ref.id && a.namespace === ref.namespace);
  }
  allocsByNode(nodeId: string): readonly Allocation[] {
    return this.#allocsWhere((alloc) => alloc.nodeId === nodeId);
  }
  holdersByNode(nodeId: string): readonly Allocation[] {
    return this.allocsByNode(nodeId).filter((alloc) => !isClientTerminal(alloc));
  }
  allocsByDeployment(deploymentId: string): readonly Allocation[] {
    return this.#allocsWhere((alloc) => alloc.deploymentId === deploymentId);
  }
  allocsByEval(evalId: string): readonly Allocation[] {
    return this.#allocsWhere((alloc) => alloc.evalId === evalId);
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
    return [...this.#deployments.values()].filter((each) => each.jobId === ref.id);
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
    return DEFAULT_SCHEDULER_CONFIG;
  }

  #allocsWhere(isWanted: (alloc: Allocation) => boolean): readonly Allocation[] {
    return [...this.#allocs.values()].filter(isWanted);
  }
}

function keyOf(ref: JobRef): string {
  return `${ref.namespace}/${ref.id}`;
}
