/** What one scheduling decision works with, whatever the job's type. */
import { mintUuid, type Random } from "@drover/base";
import {
  type Allocation,
  type AllocMetric,
  type Evaluation,
  isSpecChanged,
  type Job,
  type JobRef,
  type Reason,
  type SchedulerConfig,
  type StateReader,
  type TaskGroup,
} from "@drover/model";
import { ClusterView } from "./cluster-view.ts";
import { addExhaustedResources, coalesce } from "./metrics.ts";
import { candidateNodes } from "./node-set.ts";
import { type Found, Placer } from "./placer.ts";
import { PlanBuilder } from "./plan.ts";
import type { SchedulerInput } from "./scheduler.ts";

declare const placed: unique symbol;
/** Stands in the plan. */
export interface Placed {
  readonly [placed]: true;
}

declare const noPlace: unique symbol;
/** Stands among what has found no place: `SchedulerResult.failedGroups` says for want of what. */
export interface NoPlace {
  readonly [noPlace]: true;
}

/** Of each request: a placement, or why there is none (W2). */
export type Placing = Placed | NoPlace | Reason;

const PLACED = Object.freeze({}) as Placed;
/** For who notes elsewhere why: the metric is told with the group. */
export const NO_PLACE = Object.freeze({}) as NoPlace;

export class Session {
  readonly evaluation: Evaluation;
  readonly state: StateReader;
  readonly now: number;
  readonly ref: JobRef;
  readonly job: Job | undefined;
  readonly view: ClusterView;
  readonly plan = new PlanBuilder();
  readonly config: SchedulerConfig;
  readonly failedGroups: Record<string, AllocMetric> = {};
  readonly queued: Record<string, number> = {};
  /** What has been left unplaced, and why, beside `failedGroups`. */
  readonly waits: Reason[] = [];
  readonly #random: Random;
  readonly #ids: Random;
  /** Groups of which no further one has room beside those that run. */
  readonly #full = new Map<TaskGroup, AllocMetric>();
  readonly #roomless: Record<string, AllocMetric> = {};
  readonly #placers = new Map<Job, Placer>();

  constructor(input: SchedulerInput) {
    this.evaluation = input.evaluation;
    this.state = input.state;
    this.now = input.now;
    this.ref = { namespace: input.evaluation.namespace, id: input.evaluation.jobId };
    this.job = input.state.job(this.ref);
    this.view = new ClusterView(input.state, input.now);
    this.config = input.state.schedulerConfig();
    this.#random = input.random.fork("placement");
    this.#ids = input.random;
    for (const group of this.job?.taskGroups ?? []) this.queued[group.name] = 0;
  }

  /** Drawn from the caller's generator itself: two decisions of one generator never share an id. */
  readonly mintId = (): string => mintUuid(this.#ids);

  /** Nodes are chosen for one version of the job; an older one has needs of its own. */
  placerFor(job: Job): Placer {
    const known = this.#placers.get(job);
    if (known) return known;
    const placer = new Placer({
      view: this.view,
      job,
      nodes: candidateNodes(this.state, job),
      config: this.config,
      random: this.#random,
    });
    this.#placers.set(job, placer);
    return placer;
  }

  place(alloc: Allocation): Placed {
    this.plan.place(alloc);
    this.view.place(alloc);
    return PLACED;
  }

  /** What a request has come to, which is told. Returns whether it is placed. */
  settle(placing: Placing): boolean {
    if ("rule" in placing) this.waits.push(placing);
    return placing === PLACED;
  }

  /** `metric`: of the latest search; a group that found no place before is only counted. */
  noteNoPlace(group: TaskGroup, metric: AllocMetric | null): NoPlace {
    const failed = this.failedGroups[group.name];
    if (failed) coalesce(failed, group);
    else if (metric) {
      addExhaustedResources(metric, group);
      this.failedGroups[group.name] = metric;
    }
    this.queued[group.name] = (this.queued[group.name] ?? 0) + 1;
    return NO_PLACE;
  }

  /** A place for one more of the group beside everything that runs; null = there is none. */
  findBeside(job: Job, group: TaskGroup): Found | null {
    if (this.#full.has(group)) return null;
    const found = this.placerFor(job).select(group);
    if (found.node) return found;
    this.#full.set(group, found.metric);
    return null;
  }

  /** X3: nothing but room beside the others helps it; a blocked evaluation waits for that. */
  awaitRoomBeside(group: TaskGroup): void {
    const metric = this.#full.get(group);
    if (metric) this.#roomless[group.name] = metric;
  }

  /** Groups that room would help on, and what the search for it found. */
  get roomless(): Readonly<Record<string, AllocMetric>> {
    return { ...this.#roomless, ...this.failedGroups };
  }

  isRevert(): boolean {
    return this.job !== undefined && isRevert(this.state, this.job);
  }
}

/** The version repeats an older one that has proven itself (DESIGN §12.7). */
export function isRevert(state: StateReader, job: Job): boolean {
  if (job.version === 0) return false;
  return state
    .jobVersions(job)
    .some(
      (each) =>
        each.version < job.version &&
        each.stable &&
        !isSpecChanged({ ...each, versionTag: null }, { ...job, versionTag: null }),
    );
}
