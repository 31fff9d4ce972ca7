/** Spreads a group over the values of a node attribute (spec §6.4, `allocation-spread`). */
import type { Job, Node, Spread, TaskGroup } from "@drover/model";
import type { ClusterView } from "../cluster-view.ts";
import { resolveTarget } from "../feasible/target.ts";

export class SpreadScorer {
  readonly #job: Job;
  readonly #group: TaskGroup;
  readonly #view: ClusterView;
  readonly #spreads: readonly Spread[];
  readonly #weightTotal: number;
  #lowestBoost = -1;

  constructor(job: Job, group: TaskGroup, view: ClusterView) {
    this.#job = job;
    this.#group = group;
    this.#view = view;
    this.#spreads = [...group.spreads, ...job.spreads];
    this.#weightTotal = this.#spreads.reduce((sum, spread) => sum + spread.weight, 0);
  }

  get isEmpty(): boolean {
    return this.#spreads.length === 0;
  }

  /** The counts of one placement; they hold until the view changes. */
  prepare(): (node: Node) => number {
    const counts = this.#spreads.map((spread) => this.#countValues(spread.attribute));
    return (node) => {
      let total = 0;
      this.#spreads.forEach((spread, i) => {
        total += this.#scoreOne(spread, counts[i] ?? new Map(), node);
      });
      return total;
    };
  }

  #countValues(attribute: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const alloc of this.#view.running(this.#job)) {
      if (alloc.taskGroup !== this.#group.name) continue;
      const node = this.#view.node(alloc.nodeId);
      const value = node && resolveTarget(attribute, node);
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  }

  #scoreOne(spread: Spread, counts: ReadonlyMap<string, number>, node: Node): number {
    const value = resolveTarget(spread.attribute, node);
    if (value === undefined) return -1;
    if (spread.spreadTarget.length === 0) return scoreEven(counts, value);
    const desired = this.#desiredCount(spread, value);
    if (desired === null) return -1;
    if (desired === 0) return this.#lowestBoost;
    const used = (counts.get(value) ?? 0) + 1;
    const boost = ((desired - used) / desired) * (spread.weight / this.#weightTotal);
    this.#lowestBoost = Math.min(this.#lowestBoost, boost);
    return boost;
  }

  /** null = the value is not wanted at all. */
  #desiredCount(spread: Spread, value: string): number | null {
    const target = spread.spreadTarget.find((each) => each.value === value);
    if (target) return (target.percent * this.#group.count) / 100;
    const named = spread.spreadTarget.reduce((sum, each) => sum + each.percent, 0);
    return named >= 100 ? null : ((100 - named) * this.#group.count) / 100;
  }
}

function scoreEven(counts: ReadonlyMap<string, number>, value: string): number {
  if (counts.size === 0) return 0;
  const own = counts.get(value) ?? 0;
  const least = Math.min(...counts.values());
  const most = Math.max(...counts.values());
  if (own !== least) return least === 0 ? -1 : (least - own) / least;
  if (least === most) return -1;
  return least === 0 ? 1 : (most - least) / least;
}
