/**
 * Finds the node for one allocation: feasible, with room, best score among a few (spec §6.3, §6.4).
 */
import type { Random } from "@drover/base";
import type {
  AllocatedResources,
  Allocation,
  AllocMetric,
  Job,
  Node,
  SchedulerConfig,
  TaskGroup,
} from "@drover/model";
import type { ClusterView } from "./cluster-view.ts";
import { fitOn, keepAssignments } from "./feasible/fit.ts";
import { Feasibility } from "./feasible/pipeline.ts";
import {
  addAmounts,
  capacityOf,
  exhaustedDimension,
  requestedResources,
  usageOf,
} from "./feasible/resources.ts";
import { MetricBuilder } from "./metrics.ts";
import { NodeRing } from "./node-ring.ts";
import type { NodeSet } from "./node-set.ts";
import { type Score, Scorer } from "./rank/score.ts";
import type { Barred } from "./reconciler/system.ts";

interface PlacerScope {
  readonly view: ClusterView;
  readonly job: Job;
  readonly nodes: NodeSet;
  readonly config: SchedulerConfig;
  readonly random: Random;
}

interface SelectOptions {
  readonly penaltyNodes?: ReadonlySet<string>;
  /** Tried alone first. */
  readonly preferredNode?: Node | undefined;
  /** Looked at first, and taken unless another one has a better standing (F6). */
  readonly incumbent?: Node | undefined;
}

export type Selection =
  | {
      readonly node: Node;
      readonly resources: AllocatedResources;
      readonly metric: AllocMetric;
    }
  | { readonly node: null; readonly metric: AllocMetric };

export type Found = Extract<Selection, { readonly node: Node }>;

/** Nodes scored at least, however few the cluster has. */
const OPTIONS_MIN = 10;
const OPTIONS_BATCH = 2;
/** Nodes scored when affinities or spreads need a wider look. */
const OPTIONS_WIDE = 100;
/** Nodes with a score of zero or less that are passed over in the hope of better ones. */
const SKIPS_MAX = 3;
const NO_NODES: ReadonlySet<string> = new Set();

interface GroupContext {
  readonly feasibility: Feasibility;
  readonly scorer: Scorer;
}

/** Where a search takes its nodes from. */
type NodeSource = Pick<NodeRing, "next" | "size">;

function one(node: Node): NodeSource {
  return { size: 1, next: () => node };
}

function startingWith(first: Node, ring: NodeSource): NodeSource {
  let isFirst = true;
  const next = () => {
    if (!isFirst) {
      const node = ring.next();
      return node?.id === first.id ? ring.next() : node;
    }
    isFirst = false;
    return first;
  };
  return { size: ring.size, next };
}

interface Option {
  readonly node: Node;
  readonly resources: AllocatedResources;
  readonly score: Score;
}

export class Placer {
  readonly #scope: PlacerScope;
  readonly #ring: NodeRing;
  /** By name: what a pass has made of a group asks the same of nodes. */
  readonly #groups = new Map<string, GroupContext>();

  constructor(scope: PlacerScope) {
    this.#scope = scope;
    this.#ring = new NodeRing(scope.nodes.nodes, scope.random);
  }

  feasibilityOf(group: TaskGroup): Feasibility {
    return this.#contextOf(group).feasibility;
  }

  /** The node, when the job may be placed on it. */
  candidate(nodeId: string): Node | undefined {
    return this.#ring.find(nodeId);
  }

  select(group: TaskGroup, options: SelectOptions = {}): Selection {
    const { incumbent, preferredNode } = options;
    if (preferredNode) {
      const preferred = this.#search(group, options, one(preferredNode));
      if (preferred.node) return preferred;
    }
    const ring = incumbent ? startingWith(incumbent, this.#ring) : this.#ring;
    return this.#search(group, options, ring);
  }

  /** The system scheduler's question: does it go on exactly this node? */
  selectOn(group: TaskGroup, node: Node): Selection {
    return this.#search(group, {}, one(node));
  }

  #search(group: TaskGroup, options: SelectOptions, nodes: NodeSource): Selection {
    const metric = new MetricBuilder(this.#scope.nodes);
    const best = this.#best(group, options, nodes, metric);
    if (!best) return { node: null, metric: metric.build() };
    return { node: best.node, resources: best.resources, metric: metric.build() };
  }

  #best(
    group: TaskGroup,
    options: SelectOptions,
    nodes: NodeSource,
    metric: MetricBuilder,
  ): Option | null {
    const { feasibility, scorer } = this.#contextOf(group);
    const { config, job, random, view } = this.#scope;
    const bare = requestedResources(group, {
      memoryOversubscription: config.memoryOversubscriptionEnabled,
    });
    const score = scorer.prepare({
      needs: usageOf(bare),
      penaltyNodes: options.penaltyNodes ?? NO_NODES,
      antiAffinity: job.type === "service" || job.type === "batch",
    });
    const limit = this.#optionLimit(group, scorer);
    const choice = new Choice(options.incumbent);
    for (let i = 0; i < nodes.size && choice.count < limit; i++) {
      const node = nodes.next();
      if (!node) break;
      metric.evaluated();
      const reason = feasibility.explain(node);
      if (reason !== null) {
        metric.filtered(node, reason);
        continue;
      }
      const fitted = fitOn(node, { group, bare, random, view });
      if (typeof fitted === "string") {
        metric.exhausted(node, fitted);
        continue;
      }
      const scored = score(node);
      metric.scored(node.id, scored.parts, scored.final);
      choice.offer({ node, resources: fitted, score: scored });
    }
    return choice.best();
  }

  #optionLimit(group: TaskGroup, scorer: Scorer): number {
    const { config, job, nodes } = this.#scope;
    if (scorer.needsManyNodes) {
      return Math.max(group.count, config.nodeLimitForFeasibilityChecks || OPTIONS_WIDE);
    }
    if (job.type === "batch") return OPTIONS_BATCH;
    return Math.max(OPTIONS_MIN, Math.ceil(Math.log2(Math.max(1, nodes.nodes.length))));
  }

  #contextOf(group: TaskGroup): GroupContext {
    const known = this.#groups.get(group.name);
    if (known) return known;
    const { config, job, view } = this.#scope;
    const context = {
      feasibility: new Feasibility(job, group, view),
      scorer: new Scorer({ view, job, group, config }),
    };
    this.#groups.set(group.name, context);
    return context;
  }

  /** Why no room would let the group replace `alloc` on its own node; null = some would. */
  whyBarred(alloc: Allocation, group: TaskGroup): Barred | null {
    const { view } = this.#scope;
    const node = view.node(alloc.nodeId);
    const feasibility = this.feasibilityOf(group);
    if (node === undefined || feasibility.explain(node) === null) return null;
    // What is distinct must be so among the others.
    view.stop(alloc);
    const reason = feasibility.explain(node);
    view.keep(alloc);
    return reason === null ? null : { reason, isExcluded: feasibility.excludes(node) };
  }

  /** Whether `alloc` may stay on its node under the new specification; null = it may not. */
  refit(alloc: Allocation, group: TaskGroup): AllocatedResources | null {
    const { config, view } = this.#scope;
    const node = view.node(alloc.nodeId);
    if (!node) return null;
    view.stop(alloc);
    const isFeasible = this.feasibilityOf(group).explain(node) === null;
    const bare = requestedResources(group, {
      memoryOversubscription: config.memoryOversubscriptionEnabled,
    });
    const used = addAmounts(view.used(node.id), usageOf(bare));
    view.keep(alloc);
    if (!isFeasible || exhaustedDimension(capacityOf(node), used) !== null) return null;
    return keepAssignments(bare, alloc.allocatedResources);
  }
}

/** Keeps the best option. The first few with nothing in their favour do not end the search. */
class Choice {
  readonly #incumbent: Node | undefined;
  #stays: Option | null = null;
  #best: Option | null = null;
  #skips = 0;
  count = 0;

  constructor(incumbent: Node | undefined) {
    this.#incumbent = incumbent;
  }

  offer(option: Option): void {
    if (option.score.final <= 0 && this.#skips < SKIPS_MAX) this.#skips++;
    else this.count++;
    if (option.node.id === this.#incumbent?.id) this.#stays = option;
    if (this.#best === null || option.score.final > this.#best.score.final) this.#best = option;
  }

  best(): Option | null {
    const stays = this.#stays;
    if (stays === null || this.#best === null) return this.#best;
    return this.#best.score.standing > stays.score.standing ? this.#best : stays;
  }
}
