/** Resource use of a container from the engine's one-shot sample. */
import type Docker from "dockerode";
import type { TaskStats } from "../task-driver.ts";

export interface CpuSample {
  readonly cpuNanos: number;
  readonly systemNanos: number;
}

export function cpuSample(stats: Docker.ContainerStats): CpuSample {
  return {
    cpuNanos: stats.cpu_stats?.cpu_usage?.total_usage ?? 0,
    systemNanos: stats.cpu_stats?.system_cpu_usage ?? 0,
  };
}

/**
 * A one-shot sample has no earlier one in it, so the share of the processor is taken against
 * `previous`, the sample of the last call; 0 at the first.
 */
export function taskStats(
  stats: Docker.ContainerStats,
  previous: CpuSample | null,
  mhzPerCore: number,
): TaskStats {
  const current = cpuSample(stats);
  const cores = stats.cpu_stats?.online_cpus || 1;
  const systemDelta = previous === null ? 0 : current.systemNanos - previous.systemNanos;
  const cpuDelta = previous === null ? 0 : current.cpuNanos - previous.cpuNanos;
  const share = systemDelta > 0 ? (Math.max(0, cpuDelta) / systemDelta) * cores : 0;
  const memory = stats.memory_stats;
  const detail = memory?.stats as Record<string, number> | undefined;
  return {
    cpuPercent: share * 100,
    cpuTotalTicks: share * mhzPerCore,
    memoryRssBytes: detail?.rss ?? detail?.anon ?? 0,
    memoryUsageBytes: memory?.usage ?? 0,
    memoryMaxUsageBytes: memory?.max_usage ?? 0,
    timestamp: Date.now(),
  };
}
