/**
 * I2: no update stops an allocation that serves unless `count - max_parallel` others go on. Whether
 * one serves is measured at its container and in the catalog. One that was lost by accident, and of
 * which the servers cannot know yet, still counts.
 */
import type { Allocation, Job } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import { desiredToRun, hasEnded, type Truth } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class ServingFloor implements ClusterChecker {
  readonly name = "serving floor (I2)";

  applied({ command, before, after }: AppliedEntry, truth: Truth): void {
    if (command.tag !== 6) return;
    const job = after.job({ namespace: command.plan.namespace, id: command.plan.jobId });
    if (job === undefined || job.stop || job.type !== "service") return;
    for (const group of job.taskGroups) {
      const stopped = before
        .allocsByJob(job)
        .filter((a) => a.taskGroup === group.name && a.desiredStatus === "run" && !hasEnded(a))
        .filter((a) => after.alloc(a.id)?.desiredStatus !== "run");
      const hurt = stopped.filter(
        (a) => isUpdate(a, job) && !isExtra(a, before) && truth.isServing(a),
      );
      if (hurt.length === 0 || group.update === null) continue;
      const left = desiredToRun(after, job, group.name);
      // A drain is an operator's wish with a limit of its own.
      if ([...left, ...stopped].some((a) => a.desiredTransition.migrate === true)) continue;
      const serving = left.filter((a) => truth.isServing(a) || isLostUnseen(a, truth));
      const floor = group.count - group.update.maxParallel;
      expect(serving.length >= floor, this, () => {
        const ids = (allocs: readonly Allocation[]) => allocs.map((a) => a.id.slice(0, 8)).join();
        return (
          `${job.id}.${group.name} version ${job.version}: stopped ${ids(hurt)}, and ` +
          `${serving.length} serve (${ids(serving)}) of ${ids(left)}, at least ${floor} have to`
        );
      });
    }
  }
}

/** Scaling down and what an operator asked for are no updates. */
function isUpdate(alloc: Allocation, job: Job): boolean {
  return alloc.jobVersion !== job.version || alloc.jobCreateIndex !== job.createIndex;
}

/** A canary that nobody promoted stands beside the group's count. */
function isExtra(alloc: Allocation, state: StateSnapshot): boolean {
  if (alloc.deploymentStatus?.canary !== true) return false;
  const deployment = state.deployment(alloc.deploymentId);
  return deployment?.taskGroups[alloc.taskGroup]?.promoted !== true;
}

function isLostUnseen(alloc: Allocation, truth: Truth): boolean {
  return alloc.clientStatus === "running" && truth.hasServed(alloc.id);
}
