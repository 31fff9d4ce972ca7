/** The log entry by which a decision about a deployment is carried out (spec chapter 4). */
import type { Random } from "@drover/base";
import type { DeploymentDecision } from "@drover/control";
import {
  type Deployment,
  DeploymentStatus,
  EvalTrigger,
  type Evaluation,
  type StateReader,
} from "@drover/model";
import type { CommandDraft } from "../context.ts";
import { evalForJob } from "./new-eval.ts";

interface Scope {
  readonly deployment: Deployment;
  readonly state: StateReader;
  readonly random: Random;
}

/** null = the decision changes nothing. */
export function deploymentCommand(decision: DeploymentDecision, scope: Scope): CommandDraft | null {
  const { deployment } = scope;
  switch (decision.kind) {
    case "ended":
    case "wait":
      return null;
    case "continue": {
      const evaluation = evalFor(scope);
      if (!evaluation) return null;
      const transitions = Object.fromEntries(
        decision.reschedule.map((id) => [id, { reschedule: true }]),
      );
      const evals = [evaluation];
      return decision.reschedule.length > 0 ? { tag: 8, transitions, evals } : { tag: 5, evals };
    }
    case "promote":
      return {
        tag: 15,
        deploymentId: deployment.id,
        groups: decision.groups,
        evaluation: evalFor(scope),
      };
    case "fail":
      return {
        tag: 14,
        deploymentId: deployment.id,
        status: DeploymentStatus.failed,
        statusDescription: decision.statusDescription,
        evaluation: evalFor(scope),
        revertTo: decision.revertTo,
      };
  }
}

function evalFor({ deployment, state, random }: Scope): Evaluation | null {
  const job = state.job({ namespace: deployment.namespace, id: deployment.jobId });
  if (!job) return null;
  return evalForJob(job, EvalTrigger.deploymentWatcher, random, {
    deploymentId: deployment.id,
    priority: deployment.evalPriority || job.priority,
  });
}
