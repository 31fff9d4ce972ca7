/**
 * The cluster as it will be when the plans in flight and the one under verification have been
 * applied: per node, the allocations that are desired to run there. Allocations told to stop do
 * not count, even while they still run (spec chapter 6 §6.6).
 */
import {
  type Allocation,
  isServerTerminal,
  type Node,
  type Plan,
  type StateReader,
} from "@drover/model";

export class ProposedCluster {
  readonly #state: StateReader;
  readonly #stopped = new Set<string>();
  readonly #placed = new Map<string, Allocation>();
  readonly #placedOn = new Map<string, Map<string, Allocation>>();
  #sharers: Map<string, string[]> | undefined;

  constructor(state: StateReader, plans: readonly Plan[]) {
    this.#state = state;
    for (const plan of plans) this.#add(plan);
  }

  /** Sorted by nothing in particular; the caller sums or collects. */
  allocsOn(nodeId: string): Allocation[] {
    const placed = this.#placedOn.get(nodeId);
    const stored = this.#state
      .holdersByNode(nodeId)
      .filter((a) => !isServerTerminal(a) && !this.#stopped.has(a.id) && !this.#placed.has(a.id));
    return placed === undefined ? stored : [...stored, ...placed.values()];
  }

  /** Whether the allocation is there already, so that a placement only updates it. */
  isKnown(alloc: Allocation): boolean {
    const stored = this.#state.alloc(alloc.id);
    return stored !== undefined && stored.nodeId === alloc.nodeId;
  }

  /** Whether it goes on as it is, under another definition. */
  startsNothing(alloc: Allocation): boolean {
    return this.isKnown(alloc) && this.#state.alloc(alloc.id)?.phase === alloc.phase;
  }

  /** Nodes that hand out ports of this address: agents on one machine share its addresses. */
  nodesAt(address: string): readonly string[] {
    this.#sharers ??= groupByAddress(this.#state.nodes());
    return this.#sharers.get(address) ?? [];
  }

  #add(plan: Plan): void {
    for (const stop of plan.stops) {
      this.#stopped.add(stop.allocId);
      const placed = this.#placed.get(stop.allocId);
      if (placed === undefined) continue;
      this.#placed.delete(stop.allocId);
      this.#placedOn.get(placed.nodeId)?.delete(stop.allocId);
    }
    for (const alloc of plan.placements) {
      this.#placed.set(alloc.id, alloc);
      const onNode = this.#placedOn.get(alloc.nodeId) ?? new Map<string, Allocation>();
      this.#placedOn.set(alloc.nodeId, onNode.set(alloc.id, alloc));
    }
  }
}

function groupByAddress(nodes: Iterable<Node>): Map<string, string[]> {
  const byAddress = new Map<string, string[]>();
  for (const node of nodes) {
    const addresses = node.nodeResources.nodeNetworks.flatMap((network) => network.addresses);
    for (const address of new Set(addresses.map((each) => each.address))) {
      const sharers = byAddress.get(address);
      if (sharers === undefined) byAddress.set(address, [node.id]);
      else sharers.push(node.id);
    }
  }
  return byAddress;
}
