/** What only the machine that runs a task, or is the node, can answer (spec chapter 8 §8.3). */
import type { AllocStats, ClientAgent } from "@drover/client";
import { reasonToWire } from "@drover/model";
import { Fields } from "../fields.ts";
import type { Reply } from "../reply.ts";
import { idOf, ofAlloc, ofNode } from "./on-owner.ts";

const checks = ofAlloc(async (context, client) => {
  const results = client.allocChecks(idOf(context));
  if (results.length === 0) return { json: null };
  const json: Record<string, unknown> = {};
  for (const result of results) {
    json[result.id] = {
      Check: result.check,
      Group: client.runner(idOf(context))?.record.alloc.name ?? "",
      ID: result.id,
      Mode: result.mode,
      Output: result.output,
      Service: result.service,
      Status: result.status,
      StatusCode: result.statusCode,
      Task: result.task,
      Timestamp: Math.floor(result.at / 1000),
    };
  }
  return { json };
});

const why = ofAlloc(async (context, client) => ({
  json: { Reasons: client.allocWhy(idOf(context)).map(reasonToWire) },
}));

type Usage = NonNullable<AllocStats["tasks"][string]>;

const NO_USAGE: Usage = {
  cpuPercent: 0,
  cpuTotalTicks: 0,
  memoryRssBytes: 0,
  memoryUsageBytes: 0,
  memoryMaxUsageBytes: 0,
  timestamp: 0,
};

function sumOf(usages: readonly (Usage | null)[]): Usage {
  return usages.reduce<Usage>((sum, usage) => {
    if (!usage) return sum;
    return {
      cpuPercent: sum.cpuPercent + usage.cpuPercent,
      cpuTotalTicks: sum.cpuTotalTicks + usage.cpuTotalTicks,
      memoryRssBytes: sum.memoryRssBytes + usage.memoryRssBytes,
      memoryUsageBytes: sum.memoryUsageBytes + usage.memoryUsageBytes,
      memoryMaxUsageBytes: sum.memoryMaxUsageBytes + usage.memoryMaxUsageBytes,
      timestamp: Math.max(sum.timestamp, usage.timestamp),
    };
  }, NO_USAGE);
}

function usageDoc(usage: Usage): Record<string, unknown> {
  return {
    CpuStats: {
      Measured: ["Throttled Periods", "Throttled Time", "Percent"],
      Percent: usage.cpuPercent,
      SystemMode: 0,
      ThrottledPeriods: 0,
      ThrottledTime: 0,
      TotalTicks: usage.cpuTotalTicks,
      UserMode: 0,
    },
    DeviceStats: null,
    MemoryStats: {
      Cache: 0,
      KernelMaxUsage: 0,
      KernelUsage: 0,
      MappedFile: 0,
      MaxUsage: usage.memoryMaxUsageBytes,
      Measured: ["RSS", "Cache", "Swap", "Usage", "Max Usage"],
      RSS: usage.memoryRssBytes,
      Swap: 0,
      Usage: usage.memoryUsageBytes,
    },
  };
}

const stats = ofAlloc(async (context, client) => {
  const found = await client.allocStats(idOf(context), context.query.all.get("task") ?? "");
  const tasks: Record<string, unknown> = {};
  for (const [name, usage] of Object.entries(found.tasks)) {
    tasks[name] = {
      Pids: null,
      ResourceUsage: usageDoc(usage ?? NO_USAGE),
      Timestamp: found.timestamp * 1_000_000,
    };
  }
  return {
    json: {
      ResourceUsage: { ...usageDoc(sumOf(Object.values(found.tasks))), DeviceStats: [] },
      Tasks: tasks,
      Timestamp: found.timestamp * 1_000_000,
    },
  };
});

const restart = ofAlloc(async (context, client) => {
  const body = new Fields(await context.json(), "api.AllocationRestartRequest");
  const task = body.string("TaskName");
  await client.restart(idOf(context), { task, allTasks: body.boolean("AllTasks") });
  return { json: { Index: 0 } };
});

const signal = ofAlloc(async (context, client) => {
  const body = new Fields(await context.json(), "api.AllocSignalRequest");
  await client.signal(idOf(context), { task: body.string("Task"), signal: body.string("Signal") });
  return { json: { Index: 0 } };
});

const empty: Reply = {};

const allocGc = ofAlloc(async (context, client) => {
  await client.gc(idOf(context));
  return empty;
});

const clientStats = ofNode(async (_context, client) => ({ json: await hostStats(client) }));

async function hostStats(client: ClientAgent): Promise<Record<string, unknown>> {
  const found = await client.hostStats();
  const diskDoc = (disk: (typeof found.disks)[number]) => ({
    Available: disk.available,
    Device: disk.device,
    InodesUsedPercent: disk.inodesUsedPercent,
    Mountpoint: disk.mountpoint,
    Size: disk.size,
    Used: disk.used,
    UsedPercent: disk.usedPercent,
  });
  return {
    AllocDirStats: diskDoc(found.allocDir),
    CPU: found.cpu.map((cpu) => ({
      CPU: cpu.cpu,
      Idle: cpu.idle,
      System: cpu.system,
      TotalPercent: cpu.totalPercent,
      TotalTicks: cpu.totalTicks,
      User: cpu.user,
    })),
    CPUTicksConsumed: found.cpuTicksConsumed,
    DeviceStats: null,
    DiskStats: found.disks.map(diskDoc),
    Memory: {
      Available: found.memory.available,
      Free: found.memory.free,
      Total: found.memory.total,
      Used: found.memory.used,
    },
    Timestamp: found.timestamp * 1_000_000,
    Uptime: Math.floor(found.uptime),
  };
}

const metadata = ofNode(async (_context, client) => {
  const { meta } = client.node;
  return { json: { Dynamic: {}, Meta: meta, Static: meta } };
});

const gc = ofNode(async (_context, client) => {
  await client.gc();
  return empty;
});

export const nodeHandlers = {
  allocChecks: checks,
  clientAllocChecks: checks,
  clientAllocStats: stats,
  clientAllocWhy: why,
  clientAllocRestart: restart,
  clientAllocSignal: signal,
  clientAllocGc: allocGc,
  clientStats,
  clientMetadata: metadata,
  clientGc: gc,
} as const;
