/**
 * What a decider may see of the replicated state: one immutable snapshot. The scheduler and the
 * leader's deciders depend on this interface only; `@drover/state` implements it, and tests build
 * small ones by hand. Nothing returned may be changed.
 */
import type { Allocation } from "./cluster/allocation.ts";
import type { Deployment } from "./cluster/deployment.ts";
import type { Evaluation } from "./cluster/evaluation.ts";
import type { Node } from "./cluster/node.ts";
import type { NodePool, SchedulerConfig } from "./cluster/scheduler-config.ts";
import type { Job, JobRef } from "./job/job.ts";

export interface StateReader {
  /** Log index this snapshot is exactly at. */
  readonly index: number;
  /** Replicated time in epoch ms: the highest `now` a proposer has stamped (DESIGN §6). */
  readonly clock: number;

  job(ref: JobRef): Job | undefined;
  jobVersion(ref: JobRef, version: number): Job | undefined;
  /** Stored versions, highest first. */
  jobVersions(ref: JobRef): readonly Job[];
  jobs(): Iterable<Job>;
  /** The job version an allocation runs; undefined after a purge. */
  allocJob(alloc: Allocation): Job | undefined;

  alloc(id: string): Allocation | undefined;
  allocs(): Iterable<Allocation>;
  allocsByJob(ref: JobRef): readonly Allocation[];
  allocsByNode(nodeId: string): readonly Allocation[];
  /** Those that have not ended for their client: they hold a share of the node. */
  holdersByNode(nodeId: string): readonly Allocation[];
  allocsByDeployment(deploymentId: string): readonly Allocation[];
  allocsByEval(evalId: string): readonly Allocation[];

  evaluation(id: string): Evaluation | undefined;
  evaluations(): Iterable<Evaluation>;
  evalsByJob(ref: JobRef): readonly Evaluation[];

  deployment(id: string): Deployment | undefined;
  deployments(): Iterable<Deployment>;
  /** Newest first. */
  deploymentsByJob(ref: JobRef): readonly Deployment[];

  node(id: string): Node | undefined;
  nodes(): Iterable<Node>;
  nodePool(name: string): NodePool | undefined;
  schedulerConfig(): SchedulerConfig;
}
