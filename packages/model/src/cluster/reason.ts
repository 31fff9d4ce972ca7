/**
 * Why something does nothing yet (DESIGN §12.6). A reason always names what it waits for, or the
 * instant at which it looks again: one with neither does not compile.
 */
import type { JobRef } from "../job/job.ts";

/** The closed list of rules that make something wait; docs/why.md says each in a line. */
export const Rule = {
  jobUnfinished: "job-unfinished",
  jobNotLaunched: "job-not-launched",

  deploymentSuperseded: "deployment-superseded",
  deploymentPaused: "deployment-paused",
  deploymentPending: "deployment-pending",
  deploymentBlocked: "deployment-blocked",
  deploymentAwaitsPromotion: "deployment-awaits-promotion",
  deploymentAwaitsHealth: "deployment-awaits-health",
  deploymentAwaitsPlacement: "deployment-awaits-placement",
  deploymentHealthUnseen: "deployment-health-unseen",
  deploymentCompletes: "deployment-completes",
  leaderActs: "leader-acts",
  noLeader: "no-leader",

  evalReady: "eval-ready",
  evalLeased: "eval-leased",
  evalBehind: "eval-behind",
  evalDelayed: "eval-delayed",
  evalFailing: "eval-failing",
  evalNoCapacity: "eval-no-capacity",
  evalPlanConflict: "eval-plan-conflict",
  evalPlanRefused: "eval-plan-refused",
  schedulerPaused: "scheduler-paused",

  groupHeldByDeployment: "group-held-by-deployment",
  groupAwaitsCanaries: "group-awaits-canaries",
  groupRollingLimit: "group-rolling-limit",
  groupServingFloor: "group-serving-floor",
  groupSurgeLimit: "group-surge-limit",
  groupAwaitsClientStop: "group-awaits-client-stop",
  groupNoCapacity: "group-no-capacity",
  groupAwaitsEvaluation: "group-awaits-evaluation",

  allocPreparesImages: "alloc-prepares-images",
  allocPairHeld: "alloc-pair-held",
  allocRescheduleDelay: "alloc-reschedule-delay",
  allocRescheduleExhausted: "alloc-reschedule-exhausted",
  allocVersionFailed: "alloc-version-failed",
  allocAwaitsDeployment: "alloc-awaits-deployment",
  allocFrozen: "alloc-frozen",
  allocNodeBarred: "alloc-node-barred",
  allocDisconnectGrace: "alloc-disconnect-grace",
  allocAwaitsReplacement: "alloc-awaits-replacement",
  allocNotStarted: "alloc-not-started",
  allocStopping: "alloc-stopping",
  allocNodeSilent: "alloc-node-silent",
  allocAwaitsVerdict: "alloc-awaits-verdict",
  allocManualHealth: "alloc-manual-health",
  allocTaskNotRunning: "alloc-task-not-running",
  allocCheckNotPassing: "alloc-check-not-passing",
  allocCheckNotSeen: "alloc-check-not-seen",
  allocCatalogUnseen: "alloc-catalog-unseen",
  allocMinHealthyTime: "alloc-min-healthy-time",

  allocAwaitsPorts: "alloc-awaits-ports",
  allocLeavesCatalog: "alloc-leaves-catalog",
  allocShutdownDelay: "alloc-shutdown-delay",

  taskBlocked: "task-blocked",
  taskStarting: "task-starting",
  taskRestartDelay: "task-restart-delay",
  taskEnding: "task-ending",

  drainRollingLimit: "drain-rolling-limit",
  drainAwaitsBatch: "drain-awaits-batch",
  drainAwaitsStop: "drain-awaits-stop",
  drainSystemLast: "drain-system-last",

  nodeInitializing: "node-initializing",
  nodeDisconnected: "node-disconnected",
  nodeDown: "node-down",
  nodeIneligible: "node-ineligible",
  nodeHeartbeat: "node-heartbeat",
  nodeHeartbeatHeld: "node-heartbeat-held",

  gcUnended: "gc-unended",
  gcAge: "gc-age",
  gcNeeded: "gc-needed",
} as const;
export type Rule = (typeof Rule)[keyof typeof Rule];

export const SubjectKind = {
  job: "job",
  group: "group",
  deployment: "deployment",
  evaluation: "evaluation",
  allocation: "allocation",
  node: "node",
  task: "task",
  check: "check",
  image: "image",
  capacity: "capacity",
  operator: "operator",
  leader: "leader",
} as const;
export type SubjectKind = (typeof SubjectKind)[keyof typeof SubjectKind];

export interface Subject {
  readonly kind: SubjectKind;
  /** Of a group `<job>/<group>`, of a task or check `<allocation>/<name>`, of an image its name. */
  readonly id: string;
  /** "" = it is in none. */
  readonly namespace: string;
}

interface ReasonFields {
  readonly rule: Rule;
  /** Who waits. */
  readonly subject: Subject;
  /** A sentence for people, without instants: those are data. */
  readonly text: string;
  /** Epoch ms; null = not known. */
  readonly since: number | null;
  readonly evidence: Readonly<Record<string, string>>;
  /** What a person may do about it; "" = only wait. */
  readonly hint: string;
}

/** `wakesAt`: epoch ms at which it is decided anew even if nothing happens. */
export type Reason = ReasonFields &
  (
    | { readonly waitsFor: readonly [Subject, ...Subject[]]; readonly wakesAt: number | null }
    | { readonly waitsFor: readonly []; readonly wakesAt: number }
  );

export type Reasons = readonly [Reason, ...Reason[]];

interface Told {
  readonly rule: Rule;
  readonly subject: Subject;
  readonly text: string;
  readonly since?: number | null;
  readonly evidence?: Readonly<Record<string, string>>;
  readonly hint?: string;
}

/** Of many things waited for, so many are named. */
const NAMED_MAX = 20;

export function waitsFor(
  told: Told & { readonly wakesAt?: number | null },
  first: Subject,
  ...others: readonly Subject[]
): Reason {
  const { evidence = {}, hint = "", rule, since = null, subject, text, wakesAt = null } = told;
  const named: [Subject, ...Subject[]] = [first, ...others.slice(0, NAMED_MAX - 1)];
  return { rule, subject, text, since, evidence, hint, waitsFor: named, wakesAt };
}

export function waitsUntil(wakesAt: number, told: Told): Reason {
  const { evidence = {}, hint = "", rule, since = null, subject, text } = told;
  return { rule, subject, text, since, evidence, hint, waitsFor: [], wakesAt };
}

export const OPERATOR: Subject = { kind: SubjectKind.operator, id: "operator", namespace: "" };
export const CAPACITY: Subject = { kind: SubjectKind.capacity, id: "capacity", namespace: "" };
export const LEADER: Subject = { kind: SubjectKind.leader, id: "leader", namespace: "" };

type Named = { readonly id: string; readonly namespace: string };

export const subjectOf = {
  job: ({ id, namespace }: JobRef): Subject => ({ kind: SubjectKind.job, id, namespace }),
  group: (ref: JobRef, group: string): Subject => ({
    kind: SubjectKind.group,
    id: `${ref.id}/${group}`,
    namespace: ref.namespace,
  }),
  deployment: ({ id, namespace }: Named): Subject => ({
    kind: SubjectKind.deployment,
    id,
    namespace,
  }),
  evaluation: ({ id, namespace }: Named): Subject => ({
    kind: SubjectKind.evaluation,
    id,
    namespace,
  }),
  allocation: ({ id, namespace }: Named): Subject => ({
    kind: SubjectKind.allocation,
    id,
    namespace,
  }),
  node: (id: string): Subject => ({ kind: SubjectKind.node, id, namespace: "" }),
  image: (id: string): Subject => ({ kind: SubjectKind.image, id, namespace: "" }),
  /** A task or a check of an allocation. */
  partOf: (alloc: Named, kind: "task" | "check", name: string): Subject => ({
    kind,
    id: `${alloc.id}/${name}`,
    namespace: alloc.namespace,
  }),
};

/** Equal for the same subject. */
export function subjectKey({ id, kind, namespace }: Subject): string {
  return `${kind}\u0000${namespace}\u0000${id}`;
}

export function isSameSubject(a: Subject, b: Subject): boolean {
  return subjectKey(a) === subjectKey(b);
}
