/**
 * I2: no update stops an allocation that serves unless `count - max_parallel` others go on. Whether
 * one serves is measured at its container and in the catalog. One that was lost by accident, and of
 * which the servers cannot know yet, still counts; one without a verdict may be stopped freely.
 */
import type { Allocation, Job, TaskGroup } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import { desiredToRun, hasEnded, type Truth } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class ServingFloor implements ClusterChecker {
  readonly name = "serving floor (I2)";

  applied(entry: AppliedEntry, truth: Truth): void {
    const { command, after } = entry;
    if (command.tag !== 6) return;
    const job = after.job({ namespace: command.plan.namespace, id: command.plan.jobId });
    if (job === undefined || job.stop || job.type !== "service") return;
    for (const group of job.taskGroups) this.#check(entry, truth, { job, group });
  }

  #check(
    { before, after }: AppliedEntry,
    truth: Truth,
    { job, group }: { job: Job; group: TaskGroup },
  ): void {
    const stopped = before
      .allocsByJob(job)
      .filter((a) => a.taskGroup === group.name && a.desiredStatus === "run" && !hasEnded(a))
      .filter(({ id }) => isStopped(after.alloc(id)));
    const hurt = stopped.filter(
      (a) =>
        isUpdate(a, job) &&
        !isExtra(a, before) &&
        !isScaledDown(a, { before, group }) &&
        isKnown(a) &&
        truth.isServing(a),
    );
    if (hurt.length === 0 || group.update === null) return;
    const left = desiredToRun(after, job, group.name);
    // A drain is an operator's wish with a limit of its own.
    if ([...left, ...stopped].some((a) => a.desiredTransition.migrate === true)) return;
    // What a promoted canary takes the name of goes even when others were lost meanwhile.
    const ran = new Set(desiredToRun(before, job, group.name).map(({ id }) => id));
    const surplus = hurt.every((a) => left.some((b) => b.name === a.name && ran.has(b.id)));
    const serving = left.filter(
      (a) =>
        truth.isServing(a) || (truth.hasServed(a.id) && (surplus || a.clientStatus === "running")),
    );
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

/** Its version wanted more of them than the job does now. */
function isScaledDown(
  alloc: Allocation,
  { before, group }: { before: StateSnapshot; group: TaskGroup },
): boolean {
  const earlier = before.allocJob(alloc)?.taskGroups.find(({ name }) => name === group.name);
  return (earlier?.count ?? 0) > group.count;
}

/** The servers learn that an allocation serves from its client: its verdict, and what it sees. */
function isKnown(alloc: Allocation): boolean {
  if (alloc.clientStatus !== "running" || alloc.serving === false) return false;
  return alloc.deploymentStatus?.healthy === true;
}

function isCanary(alloc: Allocation): boolean {
  return alloc.deploymentStatus?.canary === true;
}

/** Its node being lost is an accident. */
function isStopped(alloc: Allocation | undefined): boolean {
  return alloc?.desiredStatus !== "run" && alloc?.clientStatus !== "lost";
}

/** Scaling down and what an operator asked for are no updates. */
function isUpdate(alloc: Allocation, job: Job): boolean {
  return alloc.jobVersion !== job.version || alloc.jobCreateIndex !== job.createIndex;
}

/** A canary that nobody promoted stands beside the group's count. */
function isExtra(alloc: Allocation, state: StateSnapshot): boolean {
  if (!isCanary(alloc)) return false;
  const deployment = state.deployment(alloc.deploymentId);
  return deployment?.taskGroups[alloc.taskGroup]?.promoted !== true;
}
