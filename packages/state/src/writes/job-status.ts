/** A job's status from what belongs to it (spec chapter 1 §1.1.1). */
import {
  type Allocation,
  type Deployment,
  type Evaluation,
  isDeploymentActive,
  isEvalTerminal,
  isTerminal,
  type Job,
  JobStatus,
  JobType,
} from "@drover/model";

export function computeJobStatus(
  job: Job,
  owned: {
    readonly allocs: readonly Allocation[];
    readonly evals: readonly Evaluation[];
    readonly deployments: readonly Deployment[];
    /** The recomputation comes from deleting an evaluation. */
    readonly evalDeleted: boolean;
  },
): JobStatus {
  if (job.type === JobType.system || job.periodic !== null || job.parameterizedJob !== null) {
    return job.stop ? JobStatus.dead : JobStatus.running;
  }
  if (owned.deployments.some(isDeploymentActive)) return JobStatus.running;
  if (owned.allocs.some((alloc) => !isTerminal(alloc))) return JobStatus.running;
  if (owned.evals.some((evaluation) => !isEvalTerminal(evaluation))) return JobStatus.pending;
  if (owned.evals.length > 0 || job.stop || owned.evalDeleted) return JobStatus.dead;
  return JobStatus.pending;
}
