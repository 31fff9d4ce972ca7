/** Collects why nodes were left out and how the others scored: `AllocMetric` (spec §1.9). */
import type { AllocMetric, Node, TaskGroup } from "@drover/model";

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
export function coalesce(metric: AllocMetric, group: TaskGroup): void {
  metric.coalescedFailures++;
  addExhaustedResources(metric, group);
}

/** What one failed allocation of the group would have needed of what ran out, task by task. */
export function addExhaustedResources(metric: AllocMetric, group: TaskGroup): void {
  const { cpu = 0, memory = 0 } = metric.dimensionExhausted;
  if (Object.keys(metric.dimensionExhausted).length === 0) return;
  for (const { name, resources } of group.tasks) {
    const known = metric.resourcesExhausted[name] as typeof NOTHING_EXHAUSTED | undefined;
    const before = known ?? NOTHING_EXHAUSTED;
    metric.resourcesExhausted[name] = {
      ...before,
      CPU: before.CPU + (cpu > 0 ? resources.cpu : 0),
      MemoryMB: before.MemoryMB + (memory > 0 ? resources.memoryMb : 0),
    };
  }
}

/** `Resources` in wire form, as the metric holds it. */
const NOTHING_EXHAUSTED = {
  CPU: 0,
  Cores: 0,
  Devices: null,
  DiskMB: 0,
  IOPS: 0,
  MemoryMB: 0,
  MemoryMaxMB: 0,
  NUMA: null,
  Networks: null,
  SecretsMB: 0,
};
