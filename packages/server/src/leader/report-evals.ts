/**
 * Which reports of clients give the scheduler something to do. The evaluations share the log entry
 * of the reports, so none is lost with a leader.
 */
import type { Random } from "@drover/base";
import {
  type Allocation,
  type AllocClientReport,
  AllocPhase,
  ClientStatus,
  DeploymentStatus,
  DesiredStatus,
  EvalTrigger,
  type Evaluation,
  isClientTerminal,
  isDeploymentActive,
  JobType,
  Serving,
  type StateReader,
  servingState,
} from "@drover/model";
import { evalForJob } from "./new-eval.ts";

/** One evaluation per job and cause. */
export function reportEvals(
  state: StateReader,
  reports: readonly AllocClientReport[],
  random: Random,
): Evaluation[] {
  const evals = new Map<string, Evaluation>();
  for (const report of reports) {
    const alloc = state.alloc(report.id);
    const trigger = alloc && triggerOf(state, alloc, report);
    if (!alloc || !trigger) continue;
    const job = state.job({ namespace: alloc.namespace, id: alloc.jobId });
    if (!job) continue;
    const isForDeployment = trigger === EvalTrigger.deploymentWatcher;
    const deploymentId = isForDeployment ? (state.deploymentsByJob(job)[0]?.id ?? "") : "";
    evals.set(
      `${job.namespace}\0${job.id}\0${trigger}`,
      evalForJob(job, trigger, random, { deploymentId }),
    );
  }
  return [...evals.values()];
}

function triggerOf(
  state: StateReader,
  alloc: Allocation,
  report: AllocClientReport,
): EvalTrigger | null {
  const was = alloc.clientStatus;
  const is = report.clientStatus;
  if (was === ClientStatus.unknown && is !== ClientStatus.unknown) return EvalTrigger.reconnect;
  // Prepared: the deployment may take its next step (make before break).
  if (report.prepared && !alloc.prepared) {
    return is === ClientStatus.failed ? EvalTrigger.allocFailure : EvalTrigger.deploymentWatcher;
  }
  if (is === ClientStatus.failed && was !== ClientStatus.failed) {
    return mayBeReplaced(state, alloc) ? EvalTrigger.allocFailure : null;
  }
  if (hasEndedByItself(state, alloc, report)) return EvalTrigger.allocFailure;
  const isNews = freesSlot(state, alloc, report) || changesService(state, alloc, report);
  return isNews ? EvalTrigger.deploymentWatcher : null;
}

/**
 * Its verdict lets the deployment go on (rule D9 of the decider, which comes to the same a log
 * entry later). Canaries free nothing before they are promoted, a paused deployment not at all.
 */
function freesSlot(state: StateReader, alloc: Allocation, report: AllocClientReport): boolean {
  if (report.healthy !== true || alloc.deploymentStatus?.healthy === true) return false;
  // The one beside which it started may stop, whatever made it start (DESIGN §12.2).
  if (alloc.phase === AllocPhase.surge) return true;
  const deployment = state.deployment(alloc.deploymentId);
  if (deployment?.status !== DeploymentStatus.running) return false;
  const group = deployment.taskGroups[alloc.taskGroup];
  return group !== undefined && (group.desiredCanaries === 0 || group.promoted);
}

/** Cut off for longer than its job allows, its client has stopped it: now it is missing. */
function hasEndedByItself(
  state: StateReader,
  alloc: Allocation,
  report: AllocClientReport,
): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run) return false;
  if (report.clientStatus !== ClientStatus.complete || isClientTerminal(alloc)) return false;
  const type = state.allocJob(alloc)?.type;
  return type === JobType.service || type === JobType.system;
}

/** A failed allocation that may be replaced wakes the scheduler at once (spec §3.5, Trigger). */
function mayBeReplaced(state: StateReader, alloc: Allocation): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run || alloc.followupEvalId !== "") return false;
  const job = state.allocJob(alloc);
  const group = job?.taskGroups.find((g) => g.name === alloc.taskGroup);
  const policy = group?.reschedulePolicy;
  return policy !== null && policy !== undefined && (policy.unlimited || policy.attempts > 0);
}

/**
 * It serves again, or does not any more: an update may have been held back because too few served,
 * or could now replace this one for free (DESIGN §7), and nothing else would take it up. The
 * verdict of its own deployment wakes it by itself.
 */
function changesService(state: StateReader, alloc: Allocation, report: AllocClientReport): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run) return false;
  const [newest] = state.deploymentsByJob({ namespace: alloc.namespace, id: alloc.jobId });
  if (!newest || !isDeploymentActive(newest)) return false;
  const deployment = state.deployment(alloc.deploymentId);
  const jobType = state.allocJob(alloc)?.type ?? JobType.service;
  const was = servingState(alloc, { deployment, jobType });
  const { clientStatus, healthy, serving = alloc.serving } = report;
  const isOwn = alloc.deploymentId === newest.id;
  const verdict = isOwn ? null : healthy;
  const is = servingState(
    { ...alloc, clientStatus, serving, deploymentStatus: withVerdict(alloc, verdict) },
    { deployment, jobType },
  );
  return isOwn ? (was === Serving.yes) !== (is === Serving.yes) : was !== is;
}

function withVerdict(alloc: Allocation, healthy: boolean | null): Allocation["deploymentStatus"] {
  if (healthy === null || (alloc.deploymentStatus?.healthy ?? null) !== null) {
    return alloc.deploymentStatus;
  }
  return { timestamp: 0, canary: false, modifyIndex: 0, ...alloc.deploymentStatus, healthy };
}
