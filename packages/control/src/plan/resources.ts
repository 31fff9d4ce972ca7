/** What allocations take from a node and what it has (spec chapter 6 §6.4, "fit dimensions"). */
import type { AllocatedResources, Node } from "@drover/model";

export interface Amount {
  /** MHz shares. */
  readonly cpu: number;
  readonly memoryMb: number;
  readonly diskMb: number;
}

interface TaskAmount {
  cpu: number;
  memoryMb: number;
}

/**
 * Tasks of different phases do not run together: the largest phase counts, beside what runs all the
 * time (prestart sidecars).
 */
export function usageOf(resources: AllocatedResources): Amount {
  const zero = (): TaskAmount => ({ cpu: 0, memoryMb: 0 });
  const phases = { prestart: zero(), main: zero(), poststop: zero(), always: zero() };
  for (const [name, task] of Object.entries(resources.tasks)) {
    const phase = phases[phaseOf(resources.taskLifecycles[name])];
    phase.cpu += task.cpu.cpuShares;
    phase.memoryMb += task.memory.memoryMb;
  }
  const { prestart, main, poststop, always } = phases;
  return {
    cpu: Math.max(prestart.cpu, main.cpu, poststop.cpu) + always.cpu,
    memoryMb: Math.max(prestart.memoryMb, main.memoryMb, poststop.memoryMb) + always.memoryMb,
    diskMb: resources.shared.diskMb,
  };
}

function phaseOf(
  lifecycle: AllocatedResources["taskLifecycles"][string] | undefined,
): "prestart" | "main" | "poststop" | "always" {
  if (lifecycle?.hook === "prestart") return lifecycle.sidecar ? "always" : "prestart";
  return lifecycle?.hook === "poststop" ? "poststop" : "main";
}

/** What `next` needs beyond what `old` holds, where the two hold their node's capacity once. */
export function excessOver(next: Amount, old: Amount): Amount {
  return {
    cpu: Math.max(0, next.cpu - old.cpu),
    memoryMb: Math.max(0, next.memoryMb - old.memoryMb),
    diskMb: Math.max(0, next.diskMb - old.diskMb),
  };
}

export function sumOf(amounts: Iterable<Amount>): Amount {
  const total = { cpu: 0, memoryMb: 0, diskMb: 0 };
  for (const amount of amounts) {
    total.cpu += amount.cpu;
    total.memoryMb += amount.memoryMb;
    total.diskMb += amount.diskMb;
  }
  return total;
}

/** Total without what is reserved for others. */
export function capacityOf(node: Node): Amount {
  const { cpu, memory, disk } = node.nodeResources;
  const reserved = node.reservedResources;
  return {
    cpu: cpu.cpuShares - reserved.cpu.cpuShares,
    memoryMb: memory.memoryMb - reserved.memory.memoryMb,
    diskMb: disk.diskMb - reserved.disk.diskMb,
  };
}

export function fits(capacity: Amount, used: Amount): boolean {
  return (
    used.cpu <= capacity.cpu && used.memoryMb <= capacity.memoryMb && used.diskMb <= capacity.diskMb
  );
}
