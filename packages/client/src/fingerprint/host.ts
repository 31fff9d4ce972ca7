/** What this machine is: processor, memory, disk, kernel, addresses. Read once per agent start. */
import { readFile, statfs } from "node:fs/promises";
import os from "node:os";

export interface HostFacts {
  readonly hostname: string;
  readonly arch: string;
  readonly machine: string;
  readonly kernelName: string;
  readonly kernelVersion: string;
  readonly osName: string;
  readonly osVersion: string;
  readonly hostId: string;
  readonly cpuModel: string;
  readonly cores: number;
  readonly frequencyMhz: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  readonly cgroupsVersion: string;
}

const ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm: "arm" };

export async function readHostFacts(dataDir: string): Promise<HostFacts> {
  const cpus = os.cpus();
  const release = await readOsRelease();
  const disk = await statfs(dataDir);
  return {
    hostname: os.hostname(),
    arch: ARCH[os.arch()] ?? os.arch(),
    machine: os.machine(),
    kernelName: os.type().toLowerCase(),
    kernelVersion: os.release(),
    osName: release.ID ?? os.type().toLowerCase(),
    osVersion: release.VERSION_ID ?? "",
    hostId: (await readText("/etc/machine-id")).trim(),
    cpuModel: cpus[0]?.model ?? "",
    cores: Math.max(1, cpus.length),
    frequencyMhz: await readFrequency(cpus[0]?.speed ?? 0),
    memoryBytes: os.totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    diskFreeBytes: disk.bavail * disk.bsize,
    cgroupsVersion: (await readText("/sys/fs/cgroup/cgroup.controllers")) === "" ? "1" : "2",
  };
}

async function readOsRelease(): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const line of (await readText("/etc/os-release")).split("\n")) {
    const match = /^([A-Z_]+)="?(.*?)"?$/.exec(line);
    if (match?.[1] !== undefined) out[match[1]] = match[2] ?? "";
  }
  return out;
}

/** Some virtual machines say 0; the shares then count cores of 1 GHz. */
async function readFrequency(reported: number): Promise<number> {
  if (reported > 0) return Math.round(reported);
  const text = await readText("/proc/cpuinfo");
  const mhz = /cpu MHz\s*:\s*([\d.]+)/.exec(text)?.[1];
  return mhz === undefined ? 1000 : Math.round(Number(mhz));
}

/** "" when this machine has no such file. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EACCES" || code === "ENOTDIR") return "";
    throw error;
  }
}
