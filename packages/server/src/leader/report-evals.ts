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
  isDeploymentActive,
  type StateReader,
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
  const isNews = freesSlot(state, alloc, report) || servesAgain(state, alloc, report);
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

/** A failed allocation that may be replaced wakes the scheduler at once (spec §3.5, Trigger). */
function mayBeReplaced(state: StateReader, alloc: Allocation): boolean {
  if (alloc.desiredStatus !== DesiredStatus.run || alloc.followupEvalId !== "") return false;
  const job = state.allocJob(alloc);
  const group = job?.taskGroups.find((g) => g.name === alloc.taskGroup);
  const policy = group?.reschedulePolicy;
  return policy !== null && policy !== undefined && (policy.unlimited || policy.attempts > 0);
}

/**
 * It runs again: an update may have been held back because too few served (DESIGN §7), and nothing
 * else would take it up. One that its deployment has not judged yet wakes it with its verdict.
 */
function servesAgain(state: StateReader, alloc: Allocation, report: AllocClientReport): boolean {
  if (report.clientStatus !== ClientStatus.running) return false;
  if (alloc.clientStatus === ClientStatus.running) return false;
  if (alloc.desiredStatus !== DesiredStatus.run) return false;
  const [deployment] = state.deploymentsByJob({ namespace: alloc.namespace, id: alloc.jobId });
  if (!deployment || !isDeploymentActive(deployment)) return false;
  const isJudged = alloc.deploymentStatus?.healthy === true;
  return isJudged || alloc.deploymentId !== deployment.id;
}
