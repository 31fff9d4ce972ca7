/** How busy this machine is (spec chapter 8 §8.3, `/v1/client/stats`). */
import { readFile, statfs } from "node:fs/promises";
import os from "node:os";

export interface CpuStats {
  readonly cpu: string;
  /** Percentages of the time since the previous call. */
  readonly user: number;
  readonly system: number;
  readonly idle: number;
  readonly totalPercent: number;
  /** MHz in use. */
  readonly totalTicks: number;
}

export interface DiskStats {
  readonly device: string;
  readonly mountpoint: string;
  readonly size: number;
  readonly used: number;
  readonly available: number;
  readonly usedPercent: number;
  readonly inodesUsedPercent: number;
}

export interface HostStats {
  readonly memory: { total: number; available: number; used: number; free: number };
  readonly cpu: readonly CpuStats[];
  readonly disks: readonly DiskStats[];
  readonly allocDir: DiskStats;
  /** Seconds. */
  readonly uptime: number;
  readonly cpuTicksConsumed: number;
  /** Epoch ms. */
  readonly timestamp: number;
}

export class HostStatsReader {
  readonly #allocDir: string;
  readonly #frequencyMhz: number;
  #before: readonly os.CpuInfo["times"][] = [];

  constructor(options: { readonly allocDir: string; readonly frequencyMhz: number }) {
    this.#allocDir = options.allocDir;
    this.#frequencyMhz = options.frequencyMhz;
  }

  async read(now: number): Promise<HostStats> {
    const cpu = this.#cpu();
    const root = await diskStats("/", "/");
    return {
      memory: await memory(),
      cpu,
      disks: [root],
      allocDir: await diskStats(this.#allocDir, ""),
      uptime: Math.floor(os.uptime()),
      cpuTicksConsumed: cpu.reduce((sum, core) => sum + core.totalTicks, 0),
      timestamp: now,
    };
  }

  #cpu(): CpuStats[] {
    const times = os.cpus().map((cpu) => cpu.times);
    const before = this.#before;
    this.#before = times;
    return times.map((now, i) => cpuStats(`cpu${i}`, now, before[i], this.#frequencyMhz));
  }
}

function cpuStats(
  cpu: string,
  now: os.CpuInfo["times"],
  before: os.CpuInfo["times"] | undefined,
  frequencyMhz: number,
): CpuStats {
  const since = (key: keyof os.CpuInfo["times"]): number => now[key] - (before?.[key] ?? 0);
  const idle = since("idle");
  const user = since("user") + since("nice");
  const system = since("sys") + since("irq");
  const total = Math.max(1, idle + user + system);
  const busy = ((user + system) / total) * 100;
  return {
    cpu,
    user: (user / total) * 100,
    system: (system / total) * 100,
    idle: (idle / total) * 100,
    totalPercent: busy,
    totalTicks: (busy / 100) * frequencyMhz,
  };
}

async function memory(): Promise<HostStats["memory"]> {
  const text = await readFile("/proc/meminfo", "utf8");
  const bytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  const total = bytes("MemTotal");
  const available = bytes("MemAvailable");
  const free = bytes("MemFree");
  const used = total - free - bytes("Buffers") - bytes("Cached");
  return { total, available, used, free };
}

async function diskStats(path: string, mountpoint: string): Promise<DiskStats> {
  const disk = await statfs(path);
  const size = disk.blocks * disk.bsize;
  const used = (disk.blocks - disk.bfree) * disk.bsize;
  const available = disk.bavail * disk.bsize;
  return {
    device: "",
    mountpoint,
    size,
    used,
    available,
    usedPercent: (used / Math.max(1, used + available)) * 100,
    inodesUsedPercent: ((disk.files - disk.ffree) / Math.max(1, disk.files)) * 100,
  };
}
