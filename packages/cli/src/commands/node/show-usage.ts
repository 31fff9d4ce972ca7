/** A node's figures: promised to allocations, used by them, used on the host. */
import type { Doc } from "../../doc.ts";
import { formatBytes, MIB } from "../../format/bytes.ts";
import { keyValues, table } from "../../format/columns.ts";

interface Capacity {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
}

/** What allocations may use of the node, in MHz and bytes. */
function capacityOf(node: Doc): Capacity {
  const all = node.at("NodeResources");
  const reserved = node.at("ReservedResources");
  const rest = (part: string, name: string) => all.at(part).num(name) - reserved.at(part).num(name);
  return {
    cpu: rest("Cpu", "CpuShares"),
    memory: rest("Memory", "MemoryMB") * MIB,
    disk: rest("Disk", "DiskMB") * MIB,
  };
}

export function allocatedTable(node: Doc, running: readonly Doc[]): string {
  const most = capacityOf(node);
  let cpu = 0;
  let memory = 0;
  let disk = 0;
  for (const alloc of running) {
    const resources = alloc.at("AllocatedResources");
    disk += resources.at("Shared").num("DiskMB") * MIB;
    for (const [, task] of resources.entries("Tasks")) {
      cpu += task.at("Cpu").num("CpuShares");
      memory += task.at("Memory").num("MemoryMB") * MIB;
    }
  }
  return table([
    ["CPU", "Memory", "Disk", "Alloc Count"],
    [
      `${cpu}/${most.cpu} MHz`,
      `${formatBytes(memory)}/${formatBytes(most.memory)}`,
      `${formatBytes(disk)}/${formatBytes(most.disk)}`,
      String(running.length),
    ],
  ]);
}

export function usedByAllocsTable(node: Doc, usage: readonly Doc[]): string {
  const most = capacityOf(node);
  let cpu = 0;
  let memory = 0;
  for (const one of usage) {
    const used = one.at("ResourceUsage");
    cpu += used.at("CpuStats").num("TotalTicks");
    const stats = used.at("MemoryStats");
    memory += stats.num("RSS") > 0 ? stats.num("RSS") : stats.num("Usage");
  }
  return table([
    ["CPU", "Memory"],
    [`${Math.floor(cpu)}/${most.cpu} MHz`, `${formatBytes(memory)}/${formatBytes(most.memory)}`],
  ]);
}

export function hostTable(node: Doc, stats: Doc): string {
  const { cpu } = capacityOf(node);
  const memory = stats.at("Memory");
  const disk = stats.at("AllocDirStats");
  return table([
    ["CPU", "Memory", "Disk"],
    [
      `${Math.floor(stats.num("CPUTicksConsumed"))}/${cpu} MHz`,
      `${formatBytes(memory.num("Used"))}/${formatBytes(memory.num("Total"))}`,
      `${formatBytes(disk.num("Used"))}/${formatBytes(disk.num("Size"))}`,
    ],
  ]);
}

/** The sections of `-stats`. */
export function statsBlocks(stats: Doc): { readonly title: string; readonly text: string }[] {
  const percent = (value: number) => `${value.toFixed(2)}%`;
  const cpus = stats.list("CPU").map((cpu) =>
    keyValues([
      ["CPU", cpu.text("CPU")],
      ["User", percent(cpu.num("User"))],
      ["System", percent(cpu.num("System"))],
      ["Idle", percent(cpu.num("Idle"))],
    ]),
  );
  const memory = ["Total", "Available", "Used", "Free"].map(
    (name) => [name, formatBytes(stats.at("Memory").num(name))] as const,
  );
  const disks = stats.list("DiskStats").map((disk) =>
    keyValues([
      ["Device", disk.text("Device")],
      ["MountPoint", disk.text("Mountpoint")],
      ["Size", formatBytes(disk.num("Size"))],
      ["Used", formatBytes(disk.num("Used"))],
      ["Available", formatBytes(disk.num("Available"))],
      ["Used Percent", percent(disk.num("UsedPercent"))],
      ["Inodes Percent", percent(disk.num("InodesUsedPercent"))],
    ]),
  );
  return [
    { title: "CPU Stats", text: cpus.join("\n\n") },
    { title: "Memory Stats", text: keyValues(memory) },
    { title: "Disk Stats", text: disks.join("\n\n") },
  ];
}
