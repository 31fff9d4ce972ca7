/**
 * What an allocation takes from a node, what a node has, and which dimension runs out first
 * (spec §6.4, "fit dimensions").
 */
import type {
  AllocatedResources,
  AllocatedTaskResources,
  Allocation,
  Node,
  TaskGroup,
} from "@drover/model";

export interface Amount {
  /** MHz shares. */
  readonly cpu: number;
  readonly memoryMb: number;
  readonly diskMb: number;
}

export const NOTHING: Amount = { cpu: 0, memoryMb: 0, diskMb: 0 };

export function addAmounts(a: Amount, b: Amount): Amount {
  return { cpu: a.cpu + b.cpu, memoryMb: a.memoryMb + b.memoryMb, diskMb: a.diskMb + b.diskMb };
}

export function subtractAmounts(a: Amount, b: Amount): Amount {
  return { cpu: a.cpu - b.cpu, memoryMb: a.memoryMb - b.memoryMb, diskMb: a.diskMb - b.diskMb };
}

/** What `next` needs beyond what `old` holds, where the two hold their node's capacity once. */
export function excessOver(next: Amount, old: Amount): Amount {
  return {
    cpu: Math.max(0, next.cpu - old.cpu),
    memoryMb: Math.max(0, next.memoryMb - old.memoryMb),
    diskMb: Math.max(0, next.diskMb - old.diskMb),
  };
}

/** Phases of an allocation's life; tasks of different ones do not run at the same time. */
interface PhaseAmounts {
  readonly prestart: { cpu: number; memoryMb: number };
  readonly main: { cpu: number; memoryMb: number };
  readonly poststop: { cpu: number; memoryMb: number };
  readonly always: { cpu: number; memoryMb: number };
}

type Lifecycle = { hook: string; sidecar: boolean } | null | undefined;

function phaseOf(amounts: PhaseAmounts, lifecycle: Lifecycle): { cpu: number; memoryMb: number } {
  if (!lifecycle) return amounts.main;
  if (lifecycle.hook === "prestart") return lifecycle.sidecar ? amounts.always : amounts.prestart;
  if (lifecycle.hook === "poststop") return amounts.poststop;
  return amounts.main;
}

const usageCache = new WeakMap<AllocatedResources, Amount>();

/** Cached per object: stored resources never change. */
export function usageOf(resources: AllocatedResources): Amount {
  const known = usageCache.get(resources);
  if (known) return known;
  const usage = computeUsage(resources);
  usageCache.set(resources, usage);
  return usage;
}

function computeUsage(resources: AllocatedResources): Amount {
  const zero = () => ({ cpu: 0, memoryMb: 0 });
  const amounts = { prestart: zero(), main: zero(), poststop: zero(), always: zero() };
  for (const [name, task] of Object.entries(resources.tasks)) {
    const into = phaseOf(amounts, resources.taskLifecycles[name]);
    into.cpu += task.cpu.cpuShares;
    into.memoryMb += task.memory.memoryMb;
  }
  const { prestart, main, poststop, always } = amounts;
  return {
    cpu: Math.max(prestart.cpu, main.cpu, poststop.cpu) + always.cpu,
    memoryMb: Math.max(prestart.memoryMb, main.memoryMb, poststop.memoryMb) + always.memoryMb,
    diskMb: resources.shared.diskMb,
  };
}

export function coresOf(alloc: Pick<Allocation, "allocatedResources">): number[] {
  return Object.values(alloc.allocatedResources.tasks).flatMap((task) => task.cpu.reservedCores);
}

interface Capacity extends Amount {
  readonly cores: readonly number[];
  /** Shares of one core; what a task that reserves cores takes for each. */
  readonly sharesPerCore: number;
  /** 0 = no limit. */
  readonly allocsMax: number;
}

const capacityCache = new WeakMap<Node, Capacity>();

/** What a node offers to allocations: its total without what is reserved for others. */
export function capacityOf(node: Node): Capacity {
  const known = capacityCache.get(node);
  if (known) return known;
  const { cpu, memory, disk } = node.nodeResources;
  const reserved = node.reservedResources;
  const reservedCores = new Set(reserved.cpu.reservedCpuCores);
  const capacity: Capacity = {
    cpu: cpu.cpuShares - reserved.cpu.cpuShares,
    memoryMb: memory.memoryMb - reserved.memory.memoryMb,
    diskMb: disk.diskMb - reserved.disk.diskMb,
    cores: cpu.reservableCpuCores.filter((core) => !reservedCores.has(core)),
    sharesPerCore: cpu.totalCpuCores > 0 ? Math.floor(cpu.cpuShares / cpu.totalCpuCores) : 0,
    allocsMax: node.nodeMaxAllocs,
  };
  capacityCache.set(node, capacity);
  return capacity;
}

/** The first dimension that `used` exceeds; null = it fits. */
export function exhaustedDimension(capacity: Capacity, used: Amount): string | null {
  if (used.cpu > capacity.cpu) return "cpu";
  if (used.memoryMb > capacity.memoryMb) return "memory";
  if (used.diskMb > capacity.diskMb) return "disk";
  return null;
}

interface SizingOptions {
  /** `memory_max` is honoured only where the cluster allows oversubscription. */
  readonly memoryOversubscription: boolean;
}

/** The resources a group asks for, before cores, devices and ports of a certain node. */
export function requestedResources(group: TaskGroup, options: SizingOptions): AllocatedResources {
  const tasks: Record<string, AllocatedTaskResources> = {};
  const taskLifecycles: AllocatedResources["taskLifecycles"] = {};
  for (const task of group.tasks) {
    const { resources, lifecycle } = task;
    tasks[task.name] = {
      cpu: { cpuShares: resources.cpu, reservedCores: [] },
      memory: {
        memoryMb: resources.memoryMb + resources.secretsMb,
        memoryMaxMb: options.memoryOversubscription ? resources.memoryMaxMb : 0,
      },
      networks: [],
      devices: [],
    };
    taskLifecycles[task.name] = lifecycle
      ? { hook: lifecycle.hook, sidecar: lifecycle.sidecar }
      : null;
  }
  const shared = { diskMb: group.ephemeralDisk.sizeMb, networks: [], ports: [] };
  return { tasks, taskLifecycles, shared };
}
