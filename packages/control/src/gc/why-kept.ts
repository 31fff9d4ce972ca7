/**
 * Why something that has ended is still there (spec chapter 9 §9.5): a typed reason, or null when
 * nobody needs it any more. The collector asks it of everything; `why` of what has ended shows it.
 */
import { HOUR, nanosToMs } from "@drover/base";
import {
  type Allocation,
  ClientStatus,
  type Deployment,
  DeploymentStatus,
  DesiredStatus,
  type Evaluation,
  isDeploymentActive,
  isEvalTerminal,
  isServerTerminal,
  isTemplate,
  isTerminal,
  type Job,
  JobStatus,
  JobType,
  type Node,
  NodeStatus,
  OPERATOR,
  type Reason,
  Rule,
  type StateReader,
  type Subject,
  SubjectKind,
  subjectOf,
  waitsFor,
  waitsUntil,
} from "@drover/model";

/** Epoch-ms ages, by kind. */
const AGE_MS = {
  evaluation: nanosToMs(HOUR),
  batch: nanosToMs(24 * HOUR),
  deployment: nanosToMs(HOUR),
  job: nanosToMs(4 * HOUR),
  node: nanosToMs(24 * HOUR),
};

export interface GcScope {
  readonly state: StateReader;
  readonly now: number;
  /** Every age is enough. */
  readonly force: boolean;
}

interface AllocScope extends GcScope {
  /** Its job goes with it: nothing of it would be run again. */
  readonly isJobGoing?: boolean;
}

export function whyKeepEval(evaluation: Evaluation, scope: AllocScope): Reason | null {
  const subject = subjectOf.evaluation(evaluation);
  if (!isEvalTerminal(evaluation)) return unended(subject);
  const age = evaluation.type === JobType.batch ? AGE_MS.batch : AGE_MS.evaluation;
  const young = tooYoung(subject, { at: evaluation.modifyTime, age }, scope);
  if (young) return young;
  return keeperAmong(subject, scope.state.allocsByEval(evaluation.id), scope);
}

export function whyKeepAlloc(alloc: Allocation, scope: AllocScope): Reason | null {
  const { state } = scope;
  const subject = subjectOf.allocation(alloc);
  if (!isTerminal(alloc) || alloc.clientStatus === ClientStatus.running) return unended(subject);
  const job = state.job({ namespace: alloc.namespace, id: alloc.jobId });
  const age = job?.type === JobType.batch ? AGE_MS.batch : AGE_MS.evaluation;
  const young = tooYoung(subject, { at: alloc.modifyTime, age }, scope);
  if (young) return young;
  const deployment = state.deployment(alloc.deploymentId);
  if (deployment !== undefined && isDeploymentActive(deployment)) {
    return needed(subject, "its deployment counts it", subjectOf.deployment(deployment));
  }
  if (job === undefined || job.stop) return null;
  if (mayBeReplaced(alloc, job, scope)) {
    return needed(subject, "its replacement will need its history", subjectOf.job(job));
  }
  if (scope.isJobGoing || !isRunForGood(alloc, job)) return null;
  return needed(subject, "its job would run again what it has done", subjectOf.job(job));
}

/** A failed one that is still wanted carries the history that its replacement will need. */
function mayBeReplaced(alloc: Allocation, job: Job, { state, now }: GcScope): boolean {
  if (job.status === JobStatus.dead) return false;
  if (alloc.desiredStatus !== DesiredStatus.run || alloc.nextAllocation !== "") return false;
  if (alloc.clientStatus !== ClientStatus.failed) return false;
  const group = state.allocJob(alloc)?.taskGroups.find(({ name }) => name === alloc.taskGroup);
  const policy = group?.reschedulePolicy;
  if (policy === null || policy === undefined) return false;
  if (policy.unlimited) return true;
  if (policy.attempts <= 0) return false;
  const last = alloc.rescheduleTracker?.events.at(-1)?.rescheduleTime ?? alloc.modifyTime;
  return now - last < nanosToMs(policy.interval);
}

/** Rules R3 and Y4 of the reconciler: a version's finished run is final, as long as it is known. */
function isRunForGood(alloc: Allocation, job: Job): boolean {
  return (
    (job.type === JobType.batch || job.type === JobType.sysbatch) &&
    alloc.clientStatus === ClientStatus.complete &&
    !isServerTerminal(alloc) &&
    alloc.jobCreateIndex === job.createIndex &&
    alloc.jobVersion === job.version
  );
}

export function whyKeepDeployment(deployment: Deployment, scope: GcScope): Reason | null {
  const { state } = scope;
  const subject = subjectOf.deployment(deployment);
  if (isDeploymentActive(deployment)) return unended(subject);
  const young = tooYoung(subject, { at: deployment.modifyTime, age: AGE_MS.deployment }, scope);
  if (young) return young;
  const job = state.job({ namespace: deployment.namespace, id: deployment.jobId });
  if (job && provesVersion(deployment, job)) {
    return needed(subject, "it proves the version that runs", subjectOf.job(job));
  }
  const live = state.allocsByDeployment(deployment.id).find((alloc) => !isTerminal(alloc));
  return live ? needed(subject, "what it has placed still runs", subjectOf.allocation(live)) : null;
}

/** Without it the version that runs would be a new one when it comes back from a drain. */
function provesVersion(deployment: Deployment, job: Job): boolean {
  return (
    deployment.status === DeploymentStatus.successful &&
    !job.stop &&
    job.createIndex === deployment.jobCreateIndex &&
    job.version === deployment.jobVersion
  );
}

export function whyKeepJob(job: Job, scope: GcScope): Reason | null {
  const { state } = scope;
  const subject = subjectOf.job(job);
  if (!job.stop && (job.status !== JobStatus.dead || isTemplate(job))) return unended(subject);
  const young = tooYoung(subject, { at: job.submitTime, age: AGE_MS.job }, scope);
  if (young) return young;
  if (state.jobVersions(job).some((version) => version.versionTag !== null)) {
    return needed(subject, "a version of it has a tag", OPERATOR);
  }
  const whole = { ...scope, isJobGoing: true };
  for (const evaluation of state.evalsByJob(job)) {
    const kept = whyKeepEval(evaluation, whole);
    if (kept) return heldBy(subject, kept, subjectOf.evaluation(evaluation));
  }
  return keeperAmong(subject, state.allocsByJob(job), whole);
}

/** `isGoing`: of its allocations, those that go in the same pass. */
export function whyKeepNode(
  node: Node,
  scope: GcScope,
  isGoing: (alloc: Allocation) => boolean,
): Reason | null {
  const subject = subjectOf.node(node.id);
  if (node.status !== NodeStatus.down) return unended(subject);
  const young = tooYoung(subject, { at: node.statusUpdatedAt, age: AGE_MS.node }, scope);
  if (young) return young;
  const left = scope.state.allocsByNode(node.id).find((alloc) => !isGoing(alloc));
  return left ? needed(subject, "it has allocations still", subjectOf.allocation(left)) : null;
}

/** Why what has ended is kept; null = it has not ended, or goes with the next collection. */
export function whyKept(state: StateReader, subject: Subject, now: number): Reason | null {
  const kept = keptOf(subject, { state, now, force: false });
  return kept?.rule === Rule.gcUnended ? null : kept;
}

function keptOf({ id, kind, namespace }: Subject, scope: GcScope): Reason | null {
  const { state } = scope;
  switch (kind) {
    case SubjectKind.job: {
      const job = state.job({ namespace, id });
      return job ? whyKeepJob(job, scope) : null;
    }
    case SubjectKind.deployment: {
      const deployment = state.deployment(id);
      return deployment ? whyKeepDeployment(deployment, scope) : null;
    }
    case SubjectKind.evaluation: {
      const evaluation = state.evaluation(id);
      return evaluation ? whyKeepEval(evaluation, scope) : null;
    }
    case SubjectKind.allocation: {
      const alloc = state.alloc(id);
      return alloc ? whyKeepAlloc(alloc, scope) : null;
    }
    case SubjectKind.node: {
      const node = state.node(id);
      const isGoing = (alloc: Allocation) => whyKeepAlloc(alloc, scope) === null;
      return node ? whyKeepNode(node, scope, isGoing) : null;
    }
    default:
      return null;
  }
}

/** The first allocation that is kept keeps what refers to it. */
function keeperAmong(
  subject: Subject,
  allocs: Iterable<Allocation>,
  scope: AllocScope,
): Reason | null {
  for (const alloc of allocs) {
    const kept = whyKeepAlloc(alloc, scope);
    if (kept) return heldBy(subject, kept, subjectOf.allocation(alloc));
  }
  return null;
}

function heldBy(subject: Subject, { text, wakesAt }: Reason, by: Subject): Reason {
  const told = { rule: Rule.gcNeeded, subject, text: `what belongs to it is kept: ${text}` };
  return waitsFor({ ...told, wakesAt }, by);
}

function unended(subject: Subject): Reason {
  return waitsFor({ rule: Rule.gcUnended, subject, text: "it has not ended" }, subject);
}

function tooYoung(
  subject: Subject,
  { age, at }: { readonly at: number; readonly age: number },
  { force, now }: GcScope,
): Reason | null {
  if (force || now - at >= age) return null;
  const text = "it has ended, and is kept for a while to be looked at";
  return waitsUntil(at + age, { rule: Rule.gcAge, subject, text, since: at });
}

function needed(subject: Subject, because: string, by: Subject): Reason {
  return waitsFor({ rule: Rule.gcNeeded, subject, text: because }, by);
}
