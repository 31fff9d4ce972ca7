/** Whether all that is desired to run on a node fits it: capacity, cores, devices, ports. */
import { type Allocation, AllocPhase, type Node } from "@drover/model";
import type { ProposedCluster } from "./proposed-cluster.ts";
import { type Amount, capacityOf, excessOver, fits, sumOf, usageOf } from "./resources.ts";

/** What there is not enough of, or what two would hold. */
export type Misfit = "allocations" | "capacity" | "cores" | "devices" | "ports";

/**
 * null = all of it fits. `placed`: ids of what the plan places. A collision between two others is an
 * older fault, which refusing this plan would not mend.
 */
export function misfitOf(
  node: Node,
  cluster: ProposedCluster,
  placed: ReadonlySet<string>,
): Misfit | null {
  const allocs = cluster.allocsOn(node.id);
  if (node.nodeMaxAllocs > 0 && allocs.length > node.nodeMaxAllocs) return "allocations";
  if (!fits(capacityOf(node), sumOf(sharesOf(allocs)))) return "capacity";
  if (hasCollision(allocs, coresOf, placed)) return "cores";
  if (hasCollision(allocs, devicesOf, placed)) return "devices";
  return hasPortCollision(allocs, cluster, placed) ? "ports" : null;
}

/**
 * One that is being prepared and the one it will replace hold capacity and ports once (DESIGN
 * §12.3): of the pair, the new one adds only what it needs more.
 */
function* sharesOf(allocs: readonly Allocation[]): Generator<Amount> {
  const byId = new Map(allocs.map((alloc) => [alloc.id, alloc]));
  for (const alloc of allocs) {
    const usage = usageOf(alloc.allocatedResources);
    const old = isPreparing(alloc) ? byId.get(alloc.previousAllocation) : undefined;
    yield old === undefined ? usage : excessOver(usage, usageOf(old.allocatedResources));
  }
}

function isPreparing(alloc: Allocation): boolean {
  return alloc.phase === AllocPhase.prepare;
}

function arePair(a: Allocation, b: Allocation): boolean {
  return (
    (isPreparing(a) && a.previousAllocation === b.id) ||
    (isPreparing(b) && b.previousAllocation === a.id)
  );
}

function hasCollision(
  allocs: Iterable<Allocation>,
  keysOf: (alloc: Allocation) => Iterable<string>,
  placed: ReadonlySet<string>,
): boolean {
  const collide = (a: Allocation, b: Allocation) =>
    (placed.has(a.id) || placed.has(b.id)) && !arePair(a, b);
  const holders = new Map<string, Allocation[]>();
  for (const alloc of allocs) {
    for (const key of keysOf(alloc)) {
      const others = holders.get(key) ?? [];
      if (others.some((other) => collide(other, alloc))) return true;
      holders.set(key, [...others, alloc]);
    }
  }
  return false;
}

/** Ports belong to an address, and several nodes of one machine may share it. */
function hasPortCollision(
  allocs: readonly Allocation[],
  cluster: ProposedCluster,
  placed: ReadonlySet<string>,
): boolean {
  const addresses = new Set<string>();
  for (const alloc of allocs) {
    for (const { hostIp } of alloc.allocatedResources.shared.ports) addresses.add(hostIp);
  }
  for (const address of addresses) {
    const sharers = new Map(allocs.map((alloc) => [alloc.id, alloc]));
    for (const nodeId of cluster.nodesAt(address)) {
      for (const alloc of cluster.allocsOn(nodeId)) sharers.set(alloc.id, alloc);
    }
    if (hasCollision(sharers.values(), (alloc) => portsOf(alloc, address), placed)) return true;
  }
  return false;
}

function* portsOf(alloc: Allocation, address: string): Generator<string> {
  for (const port of alloc.allocatedResources.shared.ports) {
    if (port.hostIp === address && !port.ignoreCollision) yield String(port.value);
  }
}

function* coresOf(alloc: Allocation): Generator<string> {
  for (const task of Object.values(alloc.allocatedResources.tasks)) {
    for (const core of task.cpu.reservedCores) yield String(core);
  }
}

function* devicesOf(alloc: Allocation): Generator<string> {
  for (const task of Object.values(alloc.allocatedResources.tasks)) {
    for (const device of task.devices) {
      for (const id of device.deviceIds)
        yield `${device.vendor}/${device.type}/${device.name}/${id}`;
    }
  }
}
