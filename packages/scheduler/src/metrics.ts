/** Collects why nodes were left out and how the others scored: `AllocMetric` (spec §1.9). */
import type { AllocMetric, Node } from "@drover/model";

/** Kept score entries of one placement, best first. */
const SCORES_MAX = 5;

export interface NodeSetCounts {
  readonly nodePool: string;
  readonly nodesInPool: number;
  readonly nodesAvailable: Readonly<Record<string, number>>;
}

export class MetricBuilder {
  readonly #metric: AllocMetric;

  constructor(nodes: NodeSetCounts) {
    this.#metric = {
      nodesEvaluated: 0,
      nodesFiltered: 0,
      nodesInPool: nodes.nodesInPool,
      nodePool: nodes.nodePool,
      nodesAvailable: { ...nodes.nodesAvailable },
      classFiltered: {},
      constraintFiltered: {},
      nodesExhausted: 0,
      classExhausted: {},
      dimensionExhausted: {},
      quotaExhausted: [],
      resourcesExhausted: {},
      scores: {},
      scoreMetaData: [],
      allocationTime: 0,
      coalescedFailures: 0,
    };
  }

  evaluated(): void {
    this.#metric.nodesEvaluated++;
  }

  filtered(node: Node, reason: string): void {
    this.#metric.nodesFiltered++;
    if (node.nodeClass !== "") increment(this.#metric.classFiltered, node.nodeClass);
    increment(this.#metric.constraintFiltered, reason);
  }

  exhausted(node: Node, dimension: string): void {
    this.#metric.nodesExhausted++;
    if (node.nodeClass !== "") increment(this.#metric.classExhausted, node.nodeClass);
    increment(this.#metric.dimensionExhausted, dimension);
  }

  scored(nodeId: string, scores: Record<string, number>, normScore: number): void {
    this.#metric.scoreMetaData.push({ nodeId, scores, normScore });
  }

  build(): AllocMetric {
    this.#metric.scoreMetaData.sort((a, b) => b.normScore - a.normScore);
    this.#metric.scoreMetaData.length = Math.min(this.#metric.scoreMetaData.length, SCORES_MAX);
    return this.#metric;
  }
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** Another allocation of a group that has failed in this plan already. */
export function coalesce(metric: AllocMetric): void {
  metric.coalescedFailures++;
}
