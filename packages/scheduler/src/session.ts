/** What one scheduling decision works with, whatever the job's type. */
import { mintUuid, type Random } from "@drover/base";
import {
  type AllocMetric,
  type Evaluation,
  isSpecChanged,
  type Job,
  type JobRef,
  type Node,
  type SchedulerConfig,
  type StateReader,
  type TaskGroup,
} from "@drover/model";
import { ClusterView } from "./cluster-view.ts";
import { candidateNodes } from "./node-set.ts";
import { Placer, type Selection } from "./placer.ts";
import { PlanBuilder } from "./plan.ts";
import type { SchedulerInput } from "./scheduler.ts";

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
  readonly #random: Random;
  readonly #ids: Random;
  /** Groups of which no further one has room beside those that run. */
  readonly #full = new Set<TaskGroup>();
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

  /** A place for one more of the group beside everything that runs; null = there is none. */
  findBeside(job: Job, group: TaskGroup): (Selection & { readonly node: Node }) | null {
    if (this.#full.has(group)) return null;
    const found = this.placerFor(job).select(group);
    if (found.node) return found;
    this.#full.add(group);
    return null;
  }

  isRevert(): boolean {
    return this.job !== undefined && isRevert(this.state, this.job);
  }
}

/** R1 of the revert path: the version repeats an older one that has proven itself (§12.7). */
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
