/** What a process has used so far, from /proc. */
import { readFileSync } from "node:fs";

/** Linux counts processor time for /proc in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export interface Reading {
  readonly rssMb: number;
  readonly cpuSeconds: number;
}

export function readProcess(pid: number): Reading {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssMb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name is in brackets and may hold spaces; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rssMb, cpuSeconds: ticks / TICKS_PER_SECOND };
}
