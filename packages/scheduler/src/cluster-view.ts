/**
 * The cluster as it will be once the plan in the making is carried out: the snapshot, without what
 * the plan stops, with what it places. Node totals are computed when a node is first looked at and
 * kept up to date from then on.
 */
import {
  type Allocation,
  isClientTerminal,
  isServerTerminal,
  type JobRef,
  type Node,
  type StateReader,
} from "@drover/model";
import { HostPorts } from "./feasible/host-ports.ts";
import {
  type Amount,
  addAmounts,
  coresOf,
  excessOver,
  NOTHING,
  subtractAmounts,
  usageOf,
} from "./feasible/resources.ts";
import { isPreparing } from "./prepared.ts";

/** Everything that holds a share of one node. */
interface NodeLoad {
  used: Amount;
  readonly allocs: Map<string, Allocation>;
  /** What each of `allocs` adds to `used`; of a pair, the new one adds only what it needs more. */
  readonly shares: Map<string, Amount>;
}

export class ClusterView {
  readonly state: StateReader;
  readonly hostPorts: HostPorts;
  readonly #loads = new Map<string, NodeLoad>();
  readonly #stopped = new Set<string>();
  readonly #placed = new Map<string, Allocation>();
  /** Allocations whose prepared successor counts in their stead. */
  readonly #superseded = new Set<string>();

  constructor(state: StateReader, now: number) {
    this.state = state;
    this.hostPorts = new HostPorts(state, now);
  }

  used(nodeId: string): Amount {
    return this.#loadOf(nodeId).used;
  }

  /** Allocations that hold resources of the node. */
  holders(nodeId: string): Iterable<Allocation> {
    return this.#loadOf(nodeId).allocs.values();
  }

  holderCount(nodeId: string): number {
    return this.#loadOf(nodeId).allocs.size;
  }

  usedCores(nodeId: string): Set<number> {
    const cores = new Set<number>();
    for (const alloc of this.holders(nodeId)) for (const core of coresOf(alloc)) cores.add(core);
    return cores;
  }

  /** Allocations of the job that will run on the node; of a pair only the new one. */
  countOnNode(nodeId: string, job: JobRef, group: string | null): number {
    let count = 0;
    for (const alloc of this.holders(nodeId)) {
      if (alloc.jobId !== job.id || alloc.namespace !== job.namespace) continue;
      if (group !== null && alloc.taskGroup !== group) continue;
      if (this.#counts(alloc)) count++;
    }
    return count;
  }

  /** Every allocation of the job that will run, wherever. */
  *running(job: JobRef): Iterable<Allocation> {
    for (const alloc of this.state.allocsByJob(job)) {
      if (this.#stopped.has(alloc.id) || isClientTerminal(alloc)) continue;
      if (isPreparing(alloc)) this.#supersede(alloc);
      if (this.#counts(alloc)) yield alloc;
    }
    for (const alloc of this.#placed.values()) {
      if (alloc.jobId === job.id && alloc.namespace === job.namespace) yield alloc;
    }
  }

  stop(alloc: Allocation): void {
    if (this.#stopped.has(alloc.id)) return;
    const load = this.#loadOf(alloc.nodeId);
    this.#stopped.add(alloc.id);
    this.hostPorts.release(alloc);
    this.#unload(load, alloc);
  }

  /** Takes back a `stop`. */
  keep(alloc: Allocation): void {
    if (!this.#stopped.delete(alloc.id)) return;
    this.hostPorts.takeBack(alloc);
    if (!isClientTerminal(alloc)) this.#load(this.#loadOf(alloc.nodeId), alloc);
  }

  place(alloc: Allocation): void {
    const load = this.#loadOf(alloc.nodeId);
    this.#placed.set(alloc.id, alloc);
    this.hostPorts.hold(alloc);
    if (isPreparing(alloc)) this.#supersede(alloc);
    this.#load(load, alloc);
  }

  /** The plan lets a prepared allocation start: it takes over from its predecessor. */
  start(alloc: Allocation): void {
    const load = this.#loadOf(alloc.nodeId);
    this.#unload(load, alloc);
    load.used = addAmounts(load.used, usageOf(alloc.allocatedResources));
    load.allocs.set(alloc.id, alloc);
    load.shares.set(alloc.id, usageOf(alloc.allocatedResources));
  }

  #counts(alloc: Allocation): boolean {
    return !isServerTerminal(alloc) && !this.#superseded.has(alloc.id);
  }

  #supersede(alloc: Allocation): void {
    this.#superseded.add(alloc.previousAllocation);
  }

  #loadOf(nodeId: string): NodeLoad {
    const known = this.#loads.get(nodeId);
    if (known) return known;
    const load: NodeLoad = { used: NOTHING, allocs: new Map(), shares: new Map() };
    this.#loads.set(nodeId, load);
    const successors: Allocation[] = [];
    for (const alloc of this.state.holdersByNode(nodeId)) {
      if (this.#stopped.has(alloc.id)) continue;
      if (!isPreparing(alloc)) this.#load(load, alloc);
      else successors.push(alloc);
    }
    for (const alloc of successors) {
      this.#supersede(alloc);
      this.#load(load, alloc);
    }
    return load;
  }

  #load(load: NodeLoad, alloc: Allocation): void {
    const share = this.#shareOf(alloc, load);
    load.used = addAmounts(load.used, share);
    load.allocs.set(alloc.id, alloc);
    load.shares.set(alloc.id, share);
  }

  #unload(load: NodeLoad, alloc: Allocation): void {
    load.used = subtractAmounts(load.used, load.shares.get(alloc.id) ?? NOTHING);
    load.allocs.delete(alloc.id);
    load.shares.delete(alloc.id);
  }

  /** A pair on one node holds the larger of its two needs once. */
  #shareOf(alloc: Allocation, load: NodeLoad): Amount {
    const usage = usageOf(alloc.allocatedResources);
    if (!isPreparing(alloc)) return usage;
    const old = load.allocs.get(alloc.previousAllocation);
    return old ? excessOver(usage, usageOf(old.allocatedResources)) : usage;
  }

  node(id: string): Node | undefined {
    return this.state.node(id);
  }
}
