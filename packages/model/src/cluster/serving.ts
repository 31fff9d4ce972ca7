/**
 * Which allocations serve (DESIGN §6). *Serving* is what is the case now, as the allocation's
 * client sees it; its *verdict* is what a deployment, or the client after a move, has made of it.
 * One that nobody has proven healthy yet may be serving all the same: it is counted on by no one,
 * and yet not given away.
 */
import type { Job } from "../job/job.ts";
import { JobType } from "../job/job.ts";
import { type Allocation, ClientStatus, isServerTerminal, isTerminal } from "./allocation.ts";
import { type Deployment, isDeploymentActive } from "./deployment.ts";

export const Serving = {
  /** Proven healthy, and its client sees nothing wrong now. */
  yes: "yes",
  /** It runs, and whether it is healthy is not decided yet. */
  unproven: "unproven",
  /** Out of reach: it may serve, and nobody can tell. */
  unseen: "unseen",
  no: "no",
} as const;
export type Serving = (typeof Serving)[keyof typeof Serving];

export function servingState(
  alloc: Allocation,
  {
    deployment,
    jobType,
  }: {
    /** The one that the allocation belongs to. */
    readonly deployment: Deployment | undefined;
    readonly jobType: Job["type"];
  },
): Serving {
  if (alloc.clientStatus === ClientStatus.unknown && !isServerTerminal(alloc)) {
    return Serving.unseen;
  }
  if (alloc.clientStatus !== ClientStatus.running || isServerTerminal(alloc)) return Serving.no;
  // Rows of older logs lack the field.
  const seen = alloc.serving ?? null;
  if (seen === false) return Serving.no;
  const verdict = alloc.deploymentStatus?.healthy ?? null;
  if (deployment !== undefined && isDeploymentActive(deployment)) {
    if (verdict !== null) return verdict ? Serving.yes : Serving.no;
    return isCarriedInto(alloc, deployment) ? Serving.yes : Serving.unproven;
  }
  // Nobody judges it any more: what its client sees comes before what was decided once.
  if (seen === true) return Serving.yes;
  if (verdict !== null) return verdict ? Serving.yes : Serving.no;
  const isTracked = jobType === JobType.service || jobType === JobType.system;
  return isTracked ? Serving.unproven : Serving.yes;
}

/**
 * Taken over by the deployment while it was serving. A takeover resets the verdict; whether it was
 * serving shows in what is left: an empty verdict (see `carriedVerdict`) or none at all.
 */
export function isCarriedInto(alloc: Allocation, deployment: Deployment | undefined): boolean {
  if (deployment === undefined || alloc.deploymentId !== deployment.id) return false;
  return alloc.deploymentStatus !== null && alloc.createIndex < deployment.createIndex;
}

/** The verdict of an allocation that moves to another deployment in place. */
export function carriedVerdict(isServingNow: boolean): Allocation["deploymentStatus"] {
  return isServingNow ? { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 } : null;
}

/**
 * Whether a deployment may succeed as things are: health may have been lost since that was planned
 * (DESIGN §6). That of a system job asks no more of nodes that have gone: what is left of it is
 * healthy (reconciler Y7).
 */
export function isDeploymentHealthy(
  deployment: Deployment,
  jobType: Job["type"] | undefined,
  allocs: Iterable<Allocation>,
): boolean {
  if (jobType !== JobType.system) {
    const groups = Object.values(deployment.taskGroups);
    return groups.every((group) => group.healthyAllocs >= group.desiredTotal);
  }
  for (const alloc of allocs) {
    if (!isTerminal(alloc) && alloc.deploymentStatus?.healthy !== true) return false;
  }
  return true;
}
