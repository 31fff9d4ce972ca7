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
import { assignDevice, deviceIdsOf } from "./feasible/devices.ts";
import { Feasibility } from "./feasible/pipeline.ts";
import { assignPorts, needsPorts } from "./feasible/ports.ts";
import {
  addAmounts,
  capacityOf,
  exhaustedDimension,
  requestedResources,
  usageOf,
} from "./feasible/resources.ts";
import { MetricBuilder } from "./metrics.ts";
import type { NodeSet } from "./node-set.ts";
import { type Score, Scorer } from "./rank/score.ts";

export interface PlacerScope {
  readonly view: ClusterView;
  readonly job: Job;
  readonly nodes: NodeSet;
  readonly config: SchedulerConfig;
  readonly random: Random;
}

export interface SelectOptions {
  readonly penaltyNodes?: ReadonlySet<string>;
  /** Tried alone first. */
  readonly preferredNode?: Node | undefined;
}

export type Selection =
  | {
      readonly node: Node;
      readonly resources: AllocatedResources;
      readonly metric: AllocMetric;
    }
  | { readonly node: null; readonly metric: AllocMetric };

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

interface Option {
  readonly node: Node;
  readonly resources: AllocatedResources;
  readonly score: Score;
}

export class Placer {
  readonly #scope: PlacerScope;
  readonly #groups = new Map<TaskGroup, GroupContext>();
  /** Each search goes on where the last one ended, so that work spreads over the nodes. */
  #offset = 0;

  constructor(scope: PlacerScope) {
    this.#scope = scope;
  }

  feasibilityOf(group: TaskGroup): Feasibility {
    return this.#contextOf(group).feasibility;
  }

  /** The node, when the job may be placed on it. */
  candidate(nodeId: string): Node | undefined {
    return this.#scope.nodes.nodes.find((node) => node.id === nodeId);
  }

  select(group: TaskGroup, options: SelectOptions = {}): Selection {
    const { preferredNode } = options;
    if (preferredNode) {
      const preferred = this.#search(group, options, [preferredNode]);
      if (preferred.node) return preferred;
    }
    return this.#search(group, options, this.#scope.nodes.nodes);
  }

  /** The system scheduler's question: does it go on exactly this node? */
  selectOn(group: TaskGroup, node: Node): Selection {
    return this.#search(group, {}, [node]);
  }

  #search(group: TaskGroup, options: SelectOptions, nodes: readonly Node[]): Selection {
    const metric = new MetricBuilder(this.#scope.nodes);
    const best = this.#best(group, options, nodes, metric);
    if (!best) return { node: null, metric: metric.build() };
    return { node: best.node, resources: best.resources, metric: metric.build() };
  }

  #best(
    group: TaskGroup,
    options: SelectOptions,
    nodes: readonly Node[],
    metric: MetricBuilder,
  ): Option | null {
    const { feasibility, scorer } = this.#contextOf(group);
    const { config, job } = this.#scope;
    const bare = requestedResources(group, {
      memoryOversubscription: config.memoryOversubscriptionEnabled,
    });
    const score = scorer.prepare({
      needs: usageOf(bare),
      penaltyNodes: options.penaltyNodes ?? NO_NODES,
      antiAffinity: job.type === "service" || job.type === "batch",
    });
    const limit = this.#optionLimit(group, scorer);
    const choice = new Choice();
    const start = nodes.length > 1 ? this.#offset : 0;
    for (let i = 0; i < nodes.length && choice.count < limit; i++) {
      const node = nodes[(start + i) % nodes.length] as Node;
      if (nodes.length > 1) this.#offset = (start + i + 1) % nodes.length;
      metric.evaluated();
      const reason = feasibility.explain(node);
      if (reason !== null) {
        metric.filtered(node, reason);
        continue;
      }
      const fitted = this.#fit(group, node, bare);
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

  /** The allocation's resources on this node; a text = the dimension that runs out. */
  #fit(group: TaskGroup, node: Node, bare: AllocatedResources): AllocatedResources | string {
    const { view } = this.#scope;
    const capacity = capacityOf(node);
    if (capacity.allocsMax > 0 && view.holderCount(node.id) >= capacity.allocsMax) {
      return "max allocation exceeded";
    }
    const hasExtras = group.tasks.some(
      (task) => task.resources.cores > 0 || task.resources.devices.length > 0,
    );
    const sized = hasExtras ? this.#withCoresAndDevices(group, node, bare) : bare;
    if (typeof sized === "string") return sized;
    const used = addAmounts(view.used(node.id), usageOf(sized));
    const exhausted = exhaustedDimension(capacity, used);
    if (exhausted !== null) return exhausted;
    return needsPorts(group) ? this.#withPorts(group, node, sized) : sized;
  }

  #withCoresAndDevices(
    group: TaskGroup,
    node: Node,
    bare: AllocatedResources,
  ): AllocatedResources | string {
    const { view } = this.#scope;
    const capacity = capacityOf(node);
    const usedCores = view.usedCores(node.id);
    const freeCores = capacity.cores.filter((core) => !usedCores.has(core));
    const takenDevices = new Set<string>();
    for (const holder of view.holders(node.id)) {
      for (const id of deviceIdsOf(holder)) takenDevices.add(id);
    }
    const tasks = { ...bare.tasks };
    for (const task of group.tasks) {
      const { cores, devices } = task.resources;
      const base = tasks[task.name];
      if (!base) continue;
      const reservedCores = freeCores.splice(0, cores);
      if (reservedCores.length < cores) return "cores";
      const cpuShares = cores > 0 ? cores * capacity.sharesPerCore : base.cpu.cpuShares;
      const granted = [];
      for (const request of devices) {
        const device = assignDevice(node, request, takenDevices);
        if (!device) return `devices: no devices match request`;
        for (const id of device.deviceIds) takenDevices.add(id);
        granted.push(device);
      }
      tasks[task.name] = { ...base, cpu: { cpuShares, reservedCores }, devices: granted };
    }
    return { ...bare, tasks };
  }

  #withPorts(group: TaskGroup, node: Node, bare: AllocatedResources): AllocatedResources | string {
    const { random, view } = this.#scope;
    const context = { node, hostPorts: view.hostPorts, random, taken: new Set<string>() };
    const shared = assignPorts(group.networks, context);
    if (!shared.ok) return shared.dimension;
    const ports = shared.networks.flatMap((each) => each.ports);
    const tasks = { ...bare.tasks };
    for (const task of group.tasks) {
      if (task.resources.networks.length === 0) continue;
      const own = assignPorts(task.resources.networks, context);
      if (!own.ok) return own.dimension;
      const base = tasks[task.name];
      if (base) tasks[task.name] = { ...base, networks: own.networks.map((each) => each.network) };
      ports.push(...own.networks.flatMap((each) => each.ports));
    }
    const networks = shared.networks.map((each) => each.network);
    return { ...bare, tasks, shared: { ...bare.shared, networks, ports } };
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
    const known = this.#groups.get(group);
    if (known) return known;
    const { config, job, view } = this.#scope;
    const context = {
      feasibility: new Feasibility(job, group, view),
      scorer: new Scorer({ view, job, group, config }),
    };
    this.#groups.set(group, context);
    return context;
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

/** Ports, networks, devices and cores stay with an allocation that is updated in place. */
function keepAssignments(next: AllocatedResources, old: AllocatedResources): AllocatedResources {
  const tasks = { ...next.tasks };
  for (const [name, task] of Object.entries(tasks)) {
    const before = old.tasks[name];
    if (!before) continue;
    const { networks, devices } = before;
    const cpu = before.cpu.reservedCores.length > 0 ? before.cpu : task.cpu;
    tasks[name] = { ...task, cpu, networks, devices };
  }
  const { networks, ports } = old.shared;
  return { ...next, tasks, shared: { ...next.shared, networks, ports } };
}

/** Keeps the best option. The first few with nothing in their favour do not end the search. */
class Choice {
  #best: Option | null = null;
  #skips = 0;
  count = 0;

  offer(option: Option): void {
    if (option.score.final <= 0 && this.#skips < SKIPS_MAX) this.#skips++;
    else this.count++;
    if (this.#best === null || option.score.final > this.#best.score.final) this.#best = option;
  }

  best(): Option | null {
    return this.#best;
  }
}
