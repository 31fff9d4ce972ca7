/** What nobody needs any more (spec chapter 9 §9.5). `force` takes every age for enough. */
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
  isTemplate,
  isTerminal,
  type Job,
  JobStatus,
  JobType,
  NodeStatus,
  type StateReader,
} from "@drover/model";

export interface GcDecision {
  readonly evals: readonly string[];
  readonly allocs: readonly string[];
  readonly deployments: readonly string[];
  readonly jobs: readonly { readonly namespace: string; readonly id: string }[];
  readonly nodes: readonly string[];
}

/** Epoch-ms ages, by kind. */
const AGE_MS = {
  evaluation: nanosToMs(HOUR),
  batch: nanosToMs(24 * HOUR),
  deployment: nanosToMs(HOUR),
  job: nanosToMs(4 * HOUR),
  node: nanosToMs(24 * HOUR),
};

/** Per kind and pass: the log entry stays small, the rest is collected next time. */
const IDS_MAX = 4_000;

interface Scope {
  readonly state: StateReader;
  readonly now: number;
  readonly force: boolean;
}

export function decideGc(
  state: StateReader,
  options: { readonly now: number; readonly force: boolean },
): GcDecision {
  const scope: Scope = { state, ...options };
  const allocs = new Set<string>();
  const evals: string[] = [];
  for (const evaluation of state.evaluations()) {
    if (evals.length >= IDS_MAX || allocs.size >= IDS_MAX) break;
    if (!isEvalCollectable(evaluation, scope)) continue;
    evals.push(evaluation.id);
    for (const alloc of state.allocsByEval(evaluation.id)) allocs.add(alloc.id);
  }
  for (const alloc of state.allocs()) {
    if (allocs.size >= IDS_MAX) break;
    const isOrphan = state.evaluation(alloc.evalId) === undefined;
    if (isOrphan && isAllocCollectable(alloc, scope)) allocs.add(alloc.id);
  }
  return {
    evals,
    allocs: [...allocs],
    deployments: idsOf(state.deployments(), (each) => isDeploymentCollectable(each, scope)),
    jobs: [...state.jobs()]
      .filter((job) => isJobCollectable(job, scope))
      .slice(0, IDS_MAX)
      .map(({ namespace, id }) => ({ namespace, id })),
    nodes: idsOf(
      state.nodes(),
      (node) =>
        node.status === NodeStatus.down &&
        isOld(node.statusUpdatedAt, AGE_MS.node, scope) &&
        state.allocsByNode(node.id).every((alloc) => allocs.has(alloc.id)),
    ),
  };
}

function idsOf<T extends { readonly id: string }>(
  items: Iterable<T>,
  isWanted: (item: T) => boolean,
): string[] {
  return [...items]
    .filter(isWanted)
    .slice(0, IDS_MAX)
    .map((item) => item.id);
}

function isOld(at: number, ageMs: number, { now, force }: Scope): boolean {
  return force || now - at >= ageMs;
}

function isEvalCollectable(evaluation: Evaluation, scope: Scope): boolean {
  if (!isEvalTerminal(evaluation)) return false;
  const age = evaluation.type === JobType.batch ? AGE_MS.batch : AGE_MS.evaluation;
  if (!isOld(evaluation.modifyTime, age, scope)) return false;
  return scope.state.allocsByEval(evaluation.id).every((alloc) => isAllocCollectable(alloc, scope));
}

function isAllocCollectable(alloc: Allocation, scope: Scope): boolean {
  const { state } = scope;
  if (!isTerminal(alloc) || alloc.clientStatus === ClientStatus.running) return false;
  const job = state.job({ namespace: alloc.namespace, id: alloc.jobId });
  const age = job?.type === JobType.batch ? AGE_MS.batch : AGE_MS.evaluation;
  if (!isOld(alloc.modifyTime, age, scope)) return false;
  const deployment = state.deployment(alloc.deploymentId);
  if (deployment !== undefined && isDeploymentActive(deployment)) return false;
  return !mayBeReplaced(alloc, job, scope);
}

/** A failed one that is still wanted carries the history that its replacement will need. */
function mayBeReplaced(alloc: Allocation, job: Job | undefined, { state, now }: Scope): boolean {
  if (job === undefined || job.stop || job.status === JobStatus.dead) return false;
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

function isDeploymentCollectable(deployment: Deployment, scope: Scope): boolean {
  return (
    !isDeploymentActive(deployment) &&
    isOld(deployment.modifyTime, AGE_MS.deployment, scope) &&
    !provesCurrentVersion(deployment, scope) &&
    scope.state.allocsByDeployment(deployment.id).every(isTerminal)
  );
}

/** Without it the version that runs would be a new one when it comes back from a drain. */
function provesCurrentVersion(deployment: Deployment, { state }: Scope): boolean {
  if (deployment.status !== DeploymentStatus.successful) return false;
  const job = state.job({ namespace: deployment.namespace, id: deployment.jobId });
  if (job === undefined || job.stop) return false;
  return job.createIndex === deployment.jobCreateIndex && job.version === deployment.jobVersion;
}

function isJobCollectable(job: Job, scope: Scope): boolean {
  const { state } = scope;
  if (!(job.stop || job.status === JobStatus.dead)) return false;
  if (isTemplate(job) && !job.stop) return false;
  if (!isOld(job.submitTime, AGE_MS.job, scope)) return false;
  if (state.jobVersions(job).some((version) => version.versionTag !== null)) return false;
  return (
    state.evalsByJob(job).every((evaluation) => isEvalCollectable(evaluation, scope)) &&
    state.allocsByJob(job).every((alloc) => isAllocCollectable(alloc, scope))
  );
}
