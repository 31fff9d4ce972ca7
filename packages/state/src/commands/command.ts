/**
 * The commands of the replicated log. Append-only numeric tags, never renumbered; `v` is the
 * version of the command's meaning, so that old logs replay (STYLE §4.4). A command carries all
 * that is not deterministic: `now` (epoch ms) and every id. No Map, Set, bigint or undefined in
 * it: they do not survive msgpack.
 */
import type {
  AllocClientReport,
  Deployment,
  DesiredTransition,
  DrainStrategy,
  Evaluation,
  Job,
  Json,
  Namespace,
  Node,
  NodeEvent,
  NodePool,
  Plan,
  SchedulerConfig,
  ServiceRegistration,
} from "@drover/model";

export const CommandTag = {
  jobRegister: 1,
  jobDeregister: 2,
  jobStability: 3,
  jobVersionTag: 4,
  evalUpdate: 5,
  planApply: 6,
  allocClientUpdate: 7,
  allocDesiredTransition: 8,
  nodeRegister: 9,
  nodeDeregister: 10,
  nodeStatus: 11,
  nodeDrain: 12,
  nodeEligibility: 13,
  deploymentStatus: 14,
  deploymentPromote: 15,
  deploymentAllocHealth: 16,
  garbageCollect: 17,
  scalingEvent: 18,
  schedulerConfig: 19,
  serviceUpsert: 20,
  serviceDelete: 21,
  namespaceUpsert: 22,
  namespaceDelete: 23,
  nodePoolUpsert: 24,
  nodePoolDelete: 25,
  clusterInit: 26,
} as const;
export type CommandTag = (typeof CommandTag)[keyof typeof CommandTag];

/**
 * The newest meaning of commands that this program knows; what is proposed is decided by
 * `commandVersionAt`. A new one needs a recorded log of its own (server/src/replay). What older
 * versions in old logs mean stays as it was.
 *
 * - 2: a deployment does not succeed on a stale verdict, its clocks stand as DESIGN §12.1 says, a
 *   version that is back waits for capacity, each node of a system job extends its deadline, a kept
 *   count is what its percentages are of, a takeover in place keeps the time of the verdict, and a
 *   drain that is called off unmarks what waits for images.
 * - 3: a registration is refused that changes what a job is, a promotion extends no deadline of a
 *   group without waiting canaries, and an operator's verdict stands, whatever clients report.
 * - 4: a verdict after a deadline extends it from there, and a canary that ran beside another
 *   counts once that one has gone.
 * - 5: answers are remembered for a minute, however many they are.
 */
export const COMMAND_VERSION = 5;

/** What is proposed where no feature level is agreed on: so did programs that knew none. */
const FIRST_LEVEL = 4;

/** Feature levels are versions of commands: what all servers of a cluster know (RAFT.md §4.4). */
export const FEATURE_LEVELS = { min: FIRST_LEVEL, max: COMMAND_VERSION } as const;

/** What a leader may propose in a cluster of that level; 0 = none is agreed on yet. */
export function commandVersionAt(level: number): number {
  return Math.max(FIRST_LEVEL, level);
}

interface Base<T extends CommandTag> {
  readonly tag: T;
  readonly v: number;
  /** max(proposer's wall clock, state clock), epoch ms. */
  readonly now: number;
  /**
   * Minted by the first machine that saw the request; applying it twice gives the first answer. "":
   * nobody sends it again.
   */
  readonly token: string;
}

/** The source text of a job, kept for `job inspect -hcl` and reverts. */
export interface JobSubmission {
  readonly source: string;
  readonly format: string;
  readonly variableFlags: Readonly<Record<string, string>>;
  readonly variables: string;
}

export interface JobRegister extends Base<1> {
  readonly job: Job;
  readonly submission: JobSubmission | null;
  /** null = not enforced. */
  readonly enforceIndex: number | null;
  readonly preserveCounts: boolean;
  readonly preserveResources: boolean;
  /** null for periodic and parameterized jobs. */
  readonly evaluation: Evaluation | null;
  /**
   * Scaling: skips the "has the spec changed?" comparison, and the new version is as stable as the
   * current one, since only counts differ.
   */
  readonly alwaysNewVersion: boolean;
  /** Refuses when the current version is another one (revert); null = not enforced. */
  readonly enforcePriorVersion: number | null;
}

export interface JobDeregister extends Base<2> {
  readonly namespace: string;
  readonly jobId: string;
  readonly purge: boolean;
  readonly noShutdownDelay: boolean;
  readonly evaluation: Evaluation | null;
}

export interface JobStability extends Base<3> {
  readonly namespace: string;
  readonly jobId: string;
  readonly version: number;
  readonly stable: boolean;
}

export interface JobVersionTag extends Base<4> {
  readonly namespace: string;
  readonly jobId: string;
  /** null removes the tag of that name. */
  readonly version: number | null;
  readonly name: string;
  readonly description: string;
}

export interface EvalUpdate extends Base<5> {
  readonly evals: readonly Evaluation[];
}

export interface PlanApply extends Base<6> {
  /** Verified: what a full node refused is already left out. */
  readonly plan: Plan;
  /** They share the plan's entry: its own (complete), follow-ups, blocked, preempted. */
  readonly evals: readonly Evaluation[];
}

export interface AllocClientUpdate extends Base<7> {
  /** The session's node; reports for allocations of other nodes are ignored. */
  readonly reports: readonly (AllocClientReport & { readonly nodeId: string })[];
  /** `alloc-failure` evaluations that the reports give rise to. */
  readonly evals: readonly Evaluation[];
}

export interface AllocDesiredTransition extends Base<8> {
  readonly transitions: Readonly<Record<string, Partial<DesiredTransition>>>;
  readonly evals: readonly Evaluation[];
}

export interface NodeRegister extends Base<9> {
  /** Client-owned fields; the rest is kept from the stored node. */
  readonly node: Node;
  readonly evals: readonly Evaluation[];
}

export interface NodeDeregister extends Base<10> {
  readonly nodeIds: readonly string[];
  readonly evals: readonly Evaluation[];
}

export interface NodeStatusChange extends Base<11> {
  readonly nodeId: string;
  readonly status: string;
  readonly event: NodeEvent | null;
  readonly evals: readonly Evaluation[];
}

export interface NodeDrain extends Base<12> {
  readonly nodeId: string;
  /** null ends the drain. */
  readonly drain: DrainStrategy | null;
  readonly markEligible: boolean;
  /** Set when the drain ended by itself, absent for an operator's request. */
  readonly completed: boolean;
  readonly deadlineReached: boolean;
  readonly meta: Readonly<Record<string, string>>;
  readonly event: NodeEvent | null;
  readonly evals: readonly Evaluation[];
}

export interface NodeEligibility extends Base<13> {
  readonly nodeId: string;
  readonly eligibility: string;
  readonly event: NodeEvent | null;
  readonly evals: readonly Evaluation[];
}

export interface DeploymentStatusChange extends Base<14> {
  readonly deploymentId: string;
  readonly status: string;
  readonly statusDescription: string;
  readonly evaluation: Evaluation | null;
  /** The version to go back to; registered in the same entry as a new version. */
  readonly revertTo: number | null;
}

export interface DeploymentPromote extends Base<15> {
  readonly deploymentId: string;
  /** null = all groups. */
  readonly groups: readonly string[] | null;
  readonly evaluation: Evaluation | null;
}

export interface DeploymentAllocHealth extends Base<16> {
  readonly deploymentId: string;
  readonly healthy: readonly string[];
  readonly unhealthy: readonly string[];
  readonly evaluation: Evaluation | null;
  /** Set when an unhealthy one fails the deployment. */
  readonly failure: { readonly statusDescription: string; readonly revertTo: number | null } | null;
}

export interface GarbageCollect extends Base<17> {
  readonly evals: readonly string[];
  readonly allocs: readonly string[];
  readonly deployments: readonly string[];
  readonly jobs: readonly { readonly namespace: string; readonly id: string }[];
  readonly nodes: readonly string[];
}

export interface ScalingEvent extends Base<18> {
  readonly namespace: string;
  readonly jobId: string;
  readonly group: string;
  readonly count: number | null;
  readonly previousCount: number;
  readonly message: string;
  readonly error: boolean;
  readonly meta: Json;
  readonly evalId: string;
}

export interface SchedulerConfigSet extends Base<19> {
  readonly config: SchedulerConfig;
  /** Compare-and-set against the stored modifyIndex; null = unconditional. */
  readonly cas: number | null;
}

export interface ServiceUpsert extends Base<20> {
  readonly services: readonly ServiceRegistration[];
}

export interface ServiceDelete extends Base<21> {
  readonly ids: readonly { readonly namespace: string; readonly id: string }[];
}

export interface NamespaceUpsert extends Base<22> {
  readonly namespaces: readonly Namespace[];
}
export interface NamespaceDelete extends Base<23> {
  readonly names: readonly string[];
}
export interface NodePoolUpsert extends Base<24> {
  readonly pools: readonly NodePool[];
}
export interface NodePoolDelete extends Base<25> {
  readonly names: readonly string[];
}

/** First command of a cluster: its identity and the epoch that a restore raises (DESIGN §8). */
export interface ClusterInit extends Base<26> {
  readonly clusterId: string;
  readonly epoch: number;
}

export type Command =
  | JobRegister
  | JobDeregister
  | JobStability
  | JobVersionTag
  | EvalUpdate
  | PlanApply
  | AllocClientUpdate
  | AllocDesiredTransition
  | NodeRegister
  | NodeDeregister
  | NodeStatusChange
  | NodeDrain
  | NodeEligibility
  | DeploymentStatusChange
  | DeploymentPromote
  | DeploymentAllocHealth
  | GarbageCollect
  | ScalingEvent
  | SchedulerConfigSet
  | ServiceUpsert
  | ServiceDelete
  | NamespaceUpsert
  | NamespaceDelete
  | NodePoolUpsert
  | NodePoolDelete
  | ClusterInit;

/** What a command answered: a value, or a user's mistake with the text they see. */
export type CommandResult =
  | { readonly ok: true; readonly index: number; readonly value: CommandValue }
  | { readonly ok: false; readonly index: number; readonly code: string; readonly message: string };

/** Fields that a reply needs beyond the index; each command documents which it sets. */
export interface CommandValue {
  readonly jobModifyIndex?: number;
  readonly jobVersion?: number;
  readonly unchanged?: boolean;
  readonly evalCreateIndex?: number;
  readonly deploymentModifyIndex?: number;
  readonly revertedJobVersion?: number;
  readonly updated?: boolean;
}

/** Something that happened, for `/v1/event/stream` and watchers (spec chapter 8 §8.10). */
export interface StateEvent {
  readonly topic:
    | "Job"
    | "Evaluation"
    | "Allocation"
    | "Deployment"
    | "Node"
    | "Service"
    | "NodePool";
  readonly type: string;
  readonly key: string;
  readonly namespace: string;
  readonly filterKeys: readonly string[];
  readonly index: number;
  readonly payload:
    | Job
    | Evaluation
    | Allocation
    | Deployment
    | Node
    | ServiceRegistration
    | NodePool;
}
type Allocation = import("@drover/model").Allocation;
