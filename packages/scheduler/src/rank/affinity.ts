/** How much a node is liked by the job's affinities, −1 to 1 (spec §6.4, `node-affinity`). */
import type { Affinity, Job, Node, TaskGroup } from "@drover/model";
import { compareTargets } from "../feasible/constraint.ts";
import { resolveTarget } from "../feasible/target.ts";

export function affinitiesOf(job: Job, group: TaskGroup): Affinity[] {
  return [
    ...job.affinities,
    ...group.affinities,
    ...group.tasks.flatMap((task) => task.affinities),
  ];
}

export function scoreAffinity(affinities: readonly Affinity[], node: Node): number {
  let matched = 0;
  let total = 0;
  for (const affinity of affinities) {
    total += Math.abs(affinity.weight);
    const left = resolveTarget(affinity.lTarget, node);
    const right = resolveTarget(affinity.rTarget, node);
    if (compareTargets(affinity.operand, left, right)) matched += affinity.weight;
  }
  return total === 0 ? 0 : matched / total;
}
