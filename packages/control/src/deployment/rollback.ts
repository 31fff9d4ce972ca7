/** Where a failing deployment goes back to (SPEC.md, R1-R5; spec chapter 4 §4.4). */
import { type Deployment, isSpecChanged, type StateReader } from "@drover/model";

export interface Rollback {
  /** null = nothing is reverted. */
  readonly version: number | null;
  /** What the failed deployment's description ends with. */
  readonly suffix: string;
}

/** `wanted`: whether a group that caused the failure has auto_revert. */
export function rollbackTarget(
  state: StateReader,
  deployment: Deployment,
  wanted: boolean,
): Rollback {
  if (!wanted) return { version: null, suffix: "" };
  const ref = { namespace: deployment.namespace, id: deployment.jobId };
  const stable = state
    .jobVersions(ref)
    .find((job) => job.stable && job.createIndex === deployment.jobCreateIndex);
  if (stable === undefined) {
    return { version: null, suffix: " - no stable job version to auto revert to" };
  }
  const failing = state.jobVersion(ref, deployment.jobVersion);
  const number = stable.version;
  if (failing !== undefined && !isSpecChanged(stable, failing)) {
    return stay(`stable job version ${number} as current job has same specification`);
  }
  if (deployment.autoTransitionsLeft <= 0) {
    return stay(`job version ${number}: this submission has reverted already`);
  }
  return { version: number, suffix: ` - rolling back to job version ${number}` };
}

function stay(why: string): Rollback {
  return { version: null, suffix: ` - not rolling back to ${why}` };
}
