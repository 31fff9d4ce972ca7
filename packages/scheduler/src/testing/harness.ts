/**
 * Runs the scheduler against a cluster in memory: registers jobs, applies plans, plays the client
 * and the operator. What happens to a plan's follow-ups and blocked evaluations is recorded.
 */
import { SeededRandom } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  DeploymentStatus,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isClientTerminal,
  isTerminal,
  type Job,
  type JobRef,
  JobType,
  type Node,
  NodeStatus,
} from "@drover/model";
import { MOCK_NOW, mockEval, mockNode } from "@drover/model/testing";
import { schedule } from "../schedule.ts";
import type { SchedulerInput, SchedulerResult } from "../scheduler.ts";
import { applyPlan, recountDeployments } from "./apply-plan.ts";
import { MemoryState } from "./memory-state.ts";

export interface HarnessOptions {
  /** Ready nodes, each with an address of its own. */
  readonly nodes?: number;
  readonly seed?: number;
}

export class Harness {
  readonly state = new MemoryState();
  readonly random: SeededRandom;
  readonly followups: Evaluation[] = [];
  now = MOCK_NOW;
  #evals = 0;

  constructor({ nodes = 3, seed = 1 }: HarnessOptions = {}) {
    this.random = new SeededRandom(seed);
    this.state.clock = this.now;
    for (let i = 0; i < nodes; i++) this.state.putNode(harnessNode(i));
  }

  /** Stores `job` as the next version and evaluates it. */
  register(job: Job): SchedulerResult {
    const version = this.store(job).version;
    const trigger = EvalTrigger.jobRegister;
    return this.evaluate(job, { triggeredBy: trigger, jobModifyIndex: version });
  }

  /** Stores `job` as the next version without evaluating it. */
  store(job: Job): Job {
    const current = this.state.job(job);
    this.state.index++;
    const { index } = this.state;
    const stored = {
      ...job,
      version: current ? current.version + 1 : 0,
      createIndex: current?.createIndex ?? index,
      modifyIndex: index,
      jobModifyIndex: index,
    };
    this.state.putJob(stored);
    return stored;
  }

  /** Evaluates the job and applies the plan. */
  evaluate(ref: JobRef, overrides: Partial<Evaluation> = {}): SchedulerResult {
    const result = this.dryRun(ref, overrides);
    applyPlan(this.state, result.plan);
    this.followups.push(...result.followups);
    if (result.blocked) this.state.putEval(result.blocked);
    return result;
  }

  /** Evaluates the job and leaves everything as it is. */
  dryRun(ref: JobRef, overrides: Partial<Evaluation> = {}): SchedulerResult {
    return schedule(this.#input(ref, overrides));
  }

  #input(ref: JobRef, overrides: Partial<Evaluation>): SchedulerInput {
    this.#evals++;
    const id = `00000000-0000-4000-8000-${String(this.#evals).padStart(12, "0")}`;
    const type = this.state.job(ref)?.type ?? "service";
    const evaluation = mockEval({
      id,
      namespace: ref.namespace,
      jobId: ref.id,
      type,
      triggeredBy: EvalTrigger.deploymentWatcher,
      status: EvalStatus.pending,
      ...overrides,
    });
    this.state.clock = this.now;
    return { evaluation, state: this.state, now: this.now, random: this.random };
  }

  /** Allocations desired to run and not ended, by name. */
  live(ref: JobRef): Allocation[] {
    return this.all(ref).filter((alloc) => !isTerminal(alloc));
  }

  all(ref: JobRef): Allocation[] {
    return [...this.state.allocsByJob(ref)].sort((a, b) =>
      a.name === b.name ? a.createIndex - b.createIndex : a.name < b.name ? -1 : 1,
    );
  }

  update(alloc: Allocation, change: Partial<Allocation>): Allocation {
    this.state.index++;
    const current = this.state.alloc(alloc.id) ?? alloc;
    const updated = { ...current, ...change, modifyIndex: this.state.index, modifyTime: this.now };
    this.state.putAlloc(updated);
    recountDeployments(this.state);
    return updated;
  }

  /** The client runs it; `healthy` is its verdict, null while undecided. Batch jobs get none. */
  run(alloc: Allocation, healthy: boolean | null = true): Allocation {
    const current = this.state.alloc(alloc.id) ?? alloc;
    const canary = current.deploymentStatus?.canary ?? false;
    const judged = { healthy, timestamp: this.now, canary, modifyIndex: this.state.index };
    const type = this.state.allocJob(current)?.type;
    const saysNothing = healthy === null || type === JobType.batch || type === JobType.sysbatch;
    return this.update(current, {
      clientStatus: ClientStatus.running,
      deploymentStatus: saysNothing ? current.deploymentStatus : judged,
    });
  }

  fail(alloc: Allocation, change: Partial<Allocation> = {}): Allocation {
    const current = this.state.alloc(alloc.id) ?? alloc;
    const canary = current.deploymentStatus?.canary ?? false;
    const judged = { healthy: false, timestamp: this.now, canary, modifyIndex: this.state.index };
    return this.update(current, {
      clientStatus: ClientStatus.failed,
      deploymentStatus: current.deploymentId === "" ? null : judged,
      ...change,
    });
  }

  /** The operator promotes all canaries of the newest deployment. */
  promote(ref: JobRef): void {
    const deployment = this.#newestDeployment(ref);
    const taskGroups: typeof deployment.taskGroups = {};
    for (const [name, part] of Object.entries(deployment.taskGroups)) {
      taskGroups[name] = { ...part, promoted: true };
      for (const id of part.placedCanaries) {
        const alloc = this.state.alloc(id);
        if (!alloc?.deploymentStatus) continue;
        this.update(alloc, { deploymentStatus: { ...alloc.deploymentStatus, canary: false } });
      }
    }
    this.#changeDeployment(ref, { taskGroups });
  }

  pause(ref: JobRef): void {
    this.#changeDeployment(ref, { status: DeploymentStatus.paused });
  }

  failDeployment(ref: JobRef, statusDescription = "Deployment marked as failed"): void {
    this.#changeDeployment(ref, { status: DeploymentStatus.failed, statusDescription });
  }

  nodeDown(id: string): void {
    this.changeNode(id, { status: NodeStatus.down });
  }

  changeNode(id: string, change: Partial<Node>): void {
    const node = this.state.node(id);
    if (!node) throw new Error(`no node ${id}`);
    this.state.index++;
    this.state.putNode({ ...node, ...change, modifyIndex: this.state.index });
  }

  #newestDeployment(ref: JobRef): Deployment {
    const [deployment] = this.state.deploymentsByJob(ref);
    if (!deployment) throw new Error(`${ref.id} has no deployment`);
    return deployment;
  }

  #changeDeployment(ref: JobRef, change: Partial<Deployment>): void {
    this.state.index++;
    const deployment = this.#newestDeployment(ref);
    this.state.putDeployment({ ...deployment, ...change, modifyIndex: this.state.index });
    recountDeployments(this.state);
  }

  /** Clients do what is asked: stop what is stopped, prepare, run the rest as healthy. */
  settle(ref: JobRef): void {
    for (const alloc of this.all(ref)) {
      if (isClientTerminal(alloc)) continue;
      if (alloc.desiredStatus !== "run") {
        this.update(alloc, { clientStatus: ClientStatus.complete });
      } else if (alloc.phase === "prepare") {
        this.update(alloc, { prepared: true });
      } else if (alloc.clientStatus !== ClientStatus.unknown) {
        this.run(alloc);
      }
    }
  }

  /** Evaluates and settles until the newest deployment ends; the number of evaluations it took. */
  rollToEnd(ref: JobRef, { max = 100 }: { readonly max?: number } = {}): number {
    for (let round = 1; round <= max; round++) {
      this.settle(ref);
      this.evaluate(ref);
      const status = this.state.deploymentsByJob(ref)[0]?.status;
      if (status === undefined || status === DeploymentStatus.successful) return round;
    }
    throw new Error(`the deployment of ${ref.id} did not end in ${max} rounds`);
  }
}

/** Node `i`, with an address that no other has. */
export function harnessNode(i: number, overrides: Partial<Node> = {}): Node {
  const node = mockNode({ name: `node-${i}`, ...overrides });
  return { ...node, nodeResources: withAddress(node, `10.0.${i >> 8}.${i & 255}`) };
}

export function withAddress(node: Node, address: string): Node["nodeResources"] {
  const [network] = node.nodeResources.nodeNetworks;
  const entry = { family: "ipv4", alias: "default", address, reservedPorts: "", gateway: "" };
  const nodeNetworks = network ? [{ ...network, addresses: [entry] }] : [];
  return { ...node.nodeResources, nodeNetworks };
}
