/** Ignore, update in place or replace: the answer for each running allocation (spec §2.6). */
import { nanosToMs } from "@drover/base";
import {
  type Allocation,
  isTerminal,
  type Job,
  type StateReader,
  type TaskGroup,
  updateKind,
} from "@drover/model";
import { datacenterMatcher, isInPool } from "./node-set.ts";
import type { Placer } from "./placer.ts";
import type { UpdateDecision } from "./reconciler/types.ts";

export class UpdateDecider {
  readonly #job: Job;
  readonly #state: StateReader;
  readonly #jobOf: (alloc: Allocation) => Job | undefined;
  readonly #placer: Placer;
  /** Old version → group → whether its tasks are the same; a job has few versions. */
  readonly #kinds = new Map<Job, Map<string, boolean>>();

  constructor(scope: {
    readonly job: Job;
    readonly state: StateReader;
    readonly placer: Placer;
    readonly allocJob: (alloc: Allocation) => Job | undefined;
  }) {
    this.#job = scope.job;
    this.#state = scope.state;
    this.#jobOf = scope.allocJob;
    this.#placer = scope.placer;
  }

  decide(alloc: Allocation, group: TaskGroup): UpdateDecision {
    const isCurrent =
      alloc.jobModifyIndex === this.#job.jobModifyIndex &&
      alloc.jobCreateIndex === this.#job.createIndex;
    if (isCurrent) return { kind: "ignore" };
    const old = this.#jobOf(alloc);
    if (old === undefined || this.#isDestructive(old, group.name)) return { kind: "destructive" };
    if (isTerminal(alloc)) return { kind: "ignore" };
    if (!this.#isOnWantedNode(alloc)) return { kind: "destructive" };
    if (hasRunLimit(old, group.name)) {
      return { kind: "inPlace", resources: alloc.allocatedResources };
    }
    const resources = this.#placer.refit(alloc, group);
    return resources === null ? { kind: "destructive" } : { kind: "inPlace", resources };
  }

  #isDestructive(old: Job, group: string): boolean {
    const byGroup = this.#kinds.get(old) ?? new Map<string, boolean>();
    this.#kinds.set(old, byGroup);
    const known = byGroup.get(group);
    if (known !== undefined) return known;
    const isDestructive = updateKind(old, this.#job, group) === "destructive";
    byGroup.set(group, isDestructive);
    return isDestructive;
  }

  #isOnWantedNode(alloc: Allocation): boolean {
    const node = this.#state.node(alloc.nodeId);
    if (node === undefined || !isInPool(node, this.#job.nodePool)) return false;
    return datacenterMatcher(this.#job.datacenters)(node.datacenter);
  }
}

/** A batch run with a time limit keeps its node whatever the new version asks of nodes. */
function hasRunLimit(old: Job, group: string): boolean {
  if (old.type !== "batch" && old.type !== "sysbatch") return false;
  const limit = old.taskGroups.find((each) => each.name === group)?.maxRunDuration ?? 0;
  return nanosToMs(limit) > 0;
}
