/** The parts of a node's score and their mean (spec §6.4). */
import type { Job, Node, SchedulerConfig, TaskGroup } from "@drover/model";
import type { ClusterView } from "../cluster-view.ts";
import { type Amount, addAmounts, capacityOf } from "../feasible/resources.ts";
import { affinitiesOf, scoreAffinity } from "./affinity.ts";
import { scoreAntiAffinity } from "./anti-affinity.ts";
import { scoreFit } from "./binpack.ts";
import { SpreadScorer } from "./spread.ts";

export interface Score {
  readonly parts: Record<string, number>;
  readonly final: number;
  /** Sum of what speaks for or against this very node, how well it is filled left out. */
  readonly standing: number;
}

interface ScoringOptions {
  readonly needs: Amount;
  /** Nodes where earlier attempts of this allocation failed. */
  readonly penaltyNodes: ReadonlySet<string>;
  /** System jobs run once per node: nothing there to keep apart. */
  readonly antiAffinity: boolean;
}

export class Scorer {
  readonly #view: ClusterView;
  readonly #job: Job;
  readonly #group: TaskGroup;
  readonly #algorithm: string;
  readonly #affinities: ReturnType<typeof affinitiesOf>;
  readonly #spread: SpreadScorer;

  constructor(scope: {
    readonly view: ClusterView;
    readonly job: Job;
    readonly group: TaskGroup;
    readonly config: SchedulerConfig;
  }) {
    this.#view = scope.view;
    this.#job = scope.job;
    this.#group = scope.group;
    this.#algorithm = scope.config.schedulerAlgorithm;
    this.#affinities = affinitiesOf(scope.job, scope.group);
    this.#spread = new SpreadScorer(scope.job, scope.group, scope.view);
  }

  /** Affinities and spreads are about all nodes, so that more of them must be looked at. */
  get needsManyNodes(): boolean {
    return this.#affinities.length > 0 || !this.#spread.isEmpty;
  }

  /** A scoring function for one placement; it holds until the view changes. */
  prepare(options: ScoringOptions): (node: Node) => Score {
    const spreadOf = this.#spread.isEmpty ? null : this.#spread.prepare();
    return (node) => this.#score(node, options, spreadOf);
  }

  #score(node: Node, options: ScoringOptions, spreadOf: ((node: Node) => number) | null): Score {
    const used = addAmounts(this.#view.used(node.id), options.needs);
    const fit = scoreFit(this.#algorithm, { capacity: capacityOf(node), used });
    const parts: Record<string, number> = { binpack: fit };
    let total = fit;
    let standing = 0;
    let count = 1;
    const add = (name: string, score: number, applies: boolean) => {
      parts[name] = score;
      if (!applies) return;
      total += score;
      // By itself: taking the fit off the total again would leave its rounding in here.
      standing += score;
      count++;
    };
    if (options.antiAffinity) {
      const collisions = this.#view.countOnNode(node.id, this.#job, this.#group.name);
      add("job-anti-affinity", scoreAntiAffinity(collisions, this.#group.count), collisions > 0);
    }
    const isPenalized = options.penaltyNodes.has(node.id);
    add("node-reschedule-penalty", isPenalized ? -1 : 0, isPenalized);
    const affinity = scoreAffinity(this.#affinities, node);
    add("node-affinity", affinity, this.#affinities.length > 0);
    const spread = spreadOf?.(node) ?? 0;
    if (spread !== 0) add("allocation-spread", spread, true);
    return { parts, final: total / count, standing };
  }
}
