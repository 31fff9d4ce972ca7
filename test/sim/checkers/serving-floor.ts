/**
 * I2: no plan stops an allocation that serves unless `count - max_parallel` others go on, be it for
 * an update or because there are too many. Whether one serves is measured at its container and in
 * the catalog, or, where the job says that its checks do not count (`health_check`), at its
 * container alone. One that was lost by accident, and of which the servers cannot know yet, still
 * counts, also when they hear of it while the plan is on its way into the log; one that they cannot
 * know to serve may be stopped freely.
 */
import type { Allocation, Job, TaskGroup } from "@drover/model";
import type { StateSnapshot } from "@drover/state";
import { desiredToRun, hasEnded, type Truth } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class ServingFloor implements ClusterChecker {
  readonly name = "serving floor (I2)";
  /** What an operator has said to be healthy counts, whatever there is to be seen. */
  readonly #byHand = new Set<string>();
  /** Allocation → index at which its client told that it does not serve any more. */
  readonly #toldLost = new Map<string, number>();

  applied(entry: AppliedEntry, truth: Truth): void {
    const { command, after } = entry;
    if (command.tag === 16) for (const id of command.healthy) this.#byHand.add(id);
    if (command.tag === 7) this.#hear(entry, command.reports);
    if (command.tag !== 6) return;
    const { namespace, jobId: id, snapshotIndex: decidedAt } = command.plan;
    const job = after.job({ namespace, id });
    if (job === undefined || job.stop || job.type !== "service") return;
    for (const group of job.taskGroups) this.#check(entry, truth, { job, group, decidedAt });
  }

  #hear({ before, after }: AppliedEntry, reports: readonly { readonly id: string }[]): void {
    const believed = (state: StateSnapshot, id: string) => {
      const alloc = state.alloc(id);
      return alloc !== undefined && isBelieved(alloc);
    };
    for (const { id } of reports) {
      if (believed(before, id) && !believed(after, id)) this.#toldLost.set(id, after.index);
    }
  }

  #check(
    { before, after }: AppliedEntry,
    truth: Truth,
    { decidedAt, group, job }: { decidedAt: number; group: TaskGroup; job: Job },
  ): void {
    const stopped = before
      .allocsByJob(job)
      .filter((a) => a.taskGroup === group.name && a.desiredStatus === "run" && !hasEnded(a))
      .filter(({ id }) => isStopped(after.alloc(id)));
    const hurt = stopped.filter(
      (a) =>
        !isExtra(a, before) &&
        isKnown(a) &&
        truth.serves(a) &&
        !hasTwin(a, before, (b) => !stopped.includes(b) && truth.serves(b)),
    );
    if (hurt.length === 0 || group.update === null) return;
    const left = desiredToRun(after, job, group.name);
    // A drain is an operator's wish with a limit of its own.
    if ([...left, ...stopped].some((a) => a.desiredTransition.migrate === true)) return;
    // What is taken over in place has a new verdict to earn; what was known of it still holds.
    const serving = left.filter(
      (a) => truth.serves(a) || this.#byHand.has(a.id) || (truth.hasServed(a.id) && isBelieved(a)),
    );
    const lost = before
      .allocsByJob(job)
      .filter((a) => a.taskGroup === group.name && a.desiredStatus === "run")
      .filter((a) => (this.#toldLost.get(a.id) ?? 0) > decidedAt)
      .filter((a) => ![...stopped, ...serving].some(({ id }) => id === a.id));
    const floor = group.count - group.update.maxParallel;
    expect(serving.length + lost.length >= floor, this, () => {
      const ids = (allocs: readonly Allocation[]) => allocs.map((a) => a.id.slice(0, 8)).join();
      return (
        `${job.id}.${group.name} version ${job.version}: stopped ${ids(hurt)}, and ` +
        `${serving.length} serve (${ids(serving)}) of ${ids(left)}, at least ${floor} have to`
      );
    });
  }
}

/** It serves beside the one that it was to replace, or the other way round: one of them may go. */
function hasTwin(
  alloc: Allocation,
  state: StateSnapshot,
  isLeft: (alloc: Allocation) => boolean,
): boolean {
  const isBeside = (next: Allocation, old: Allocation) =>
    next.phase === "surge" && next.previousAllocation === old.id;
  return state
    .allocsByJob({ namespace: alloc.namespace, id: alloc.jobId })
    .some((b) => (isBeside(alloc, b) || isBeside(b, alloc)) && isLeft(b));
}

/** Nobody has told the servers that it does not serve. */
function isBelieved(alloc: Allocation): boolean {
  return alloc.clientStatus === "running" && alloc.serving !== false;
}

/** The servers learn that an allocation serves from its client: its verdict, and what it sees. */
function isKnown(alloc: Allocation): boolean {
  if (!isBelieved(alloc)) return false;
  if (alloc.deploymentStatus?.healthy === true) return true;
  return alloc.deploymentId === "" && alloc.serving === true;
}

function isCanary(alloc: Allocation): boolean {
  return alloc.deploymentStatus?.canary === true;
}

/** Its node being lost is an accident. */
function isStopped(alloc: Allocation | undefined): boolean {
  return alloc?.desiredStatus !== "run" && alloc?.clientStatus !== "lost";
}

/** A canary that nobody promoted stands beside the group's count. */
function isExtra(alloc: Allocation, state: StateSnapshot): boolean {
  if (!isCanary(alloc)) return false;
  const deployment = state.deployment(alloc.deploymentId);
  return deployment?.taskGroups[alloc.taskGroup]?.promoted !== true;
}
