/** Keeps allocations of one group apart (spec §6.4, `job-anti-affinity`). */

/** `collisions`: allocations of the group that the node runs already; 0 = nothing to score. */
export function scoreAntiAffinity(collisions: number, groupCount: number): number {
  return collisions === 0 ? 0 : -(collisions + 1) / Math.max(1, groupCount);
}
