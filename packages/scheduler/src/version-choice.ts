/** Which job version a replacement runs while canaries are pending (spec §3.7.2). */
import type { Allocation, Job, StateReader, TaskGroup } from "@drover/model";
import { groupOf } from "./reconciler/alloc-facts.ts";
import { hasUpdateStrategy } from "./reconciler/limit.ts";

export interface Version {
  readonly job: Job;
  readonly group: TaskGroup;
  /** "" = outside any deployment. */
  readonly deploymentId: string;
}

/**
 * The newest version that got past its canaries, inside its own deployment; else the version of
 * the allocation it replaces, when that had no update strategy; else the current one.
 */
export function chooseVersion(
  state: StateReader,
  current: Version,
  previous: Allocation | null,
): Version {
  const { job } = current;
  const name = current.group.name;
  const deployments = state
    .deploymentsByJob(job)
    .filter((each) => each.jobCreateIndex === job.createIndex && each.jobVersion < job.version)
    .toSorted((a, b) => b.jobVersion - a.jobVersion);
  for (const deployment of deployments) {
    const part = deployment.taskGroups[name];
    if (!part || (part.desiredCanaries > 0 && !part.promoted)) continue;
    const older = state.jobVersion(job, deployment.jobVersion);
    const group = groupOf(older, name);
    if (older && group) return { job: older, group, deploymentId: deployment.id };
  }
  const own = previous ? state.allocJob(previous) : undefined;
  const group = groupOf(own, name);
  if (own && group && !hasUpdateStrategy(group)) return { job: own, group, deploymentId: "" };
  return current;
}
