/** What three agents cost while nothing happens: memory and processor time, from /proc. */
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { TestCluster } from "../support/cluster.ts";
import type { Figure } from "./figure.ts";
import { type Reading, readProcess } from "./process.ts";
import { median, quantile } from "./stats.ts";

const SETTLE_MS = 30_000;
const RSS_LIMIT_MB = 120;
const CPU_LIMIT = 1;

export async function measureIdle(options: {
  readonly windowMs: number;
  readonly program?: readonly string[];
  readonly label: string;
}): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({
    agents: 3,
    docker: true,
    consul: true,
    timings: "default",
    ...(options.program === undefined ? {} : { program: options.program }),
  });
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  try {
    const pids = cluster.alive.map((agent) => agent.process?.pid ?? 0);
    await delay(SETTLE_MS);
    const all = [...pids, bare.pid ?? 0];
    const before = all.map(readProcess);
    await delay(options.windowMs);
    const after = all.map(readProcess);
    const cpu = after.map((now, i) => percent(before[i], now, options.windowMs));
    return figures(options.label, {
      rss: after.slice(0, -1).map((one) => one.rssMb),
      cpu: cpu.slice(0, -1),
      bareRss: after.at(-1)?.rssMb ?? 0,
      bareCpu: cpu.at(-1) ?? 0,
      windowMs: options.windowMs,
    });
  } finally {
    bare.kill();
    await cluster.stop();
  }
}

function percent(before: Reading | undefined, after: Reading, windowMs: number): number {
  const used = after.cpuSeconds - (before?.cpuSeconds ?? 0);
  return (used * 1000 * 100) / windowMs;
}

function figures(
  label: string,
  seen: {
    readonly rss: readonly number[];
    readonly cpu: readonly number[];
    readonly bareRss: number;
    readonly bareCpu: number;
    readonly windowMs: number;
  },
): Figure[] {
  const rss = median(seen.rss);
  const cpu = median(seen.cpu);
  const each = (values: readonly number[], digits: number) =>
    values.map((value) => value.toFixed(digits)).join(", ");
  return [
    {
      name: `idle agent (${label}): resident memory`,
      measured: `${rss.toFixed(0)} MB`,
      target: `≤ ${RSS_LIMIT_MB} MB`,
      floor: `${seen.bareRss.toFixed(0)} MB`,
      met: quantile(seen.rss, 0.5) <= RSS_LIMIT_MB,
      detail: `three agents: ${each(seen.rss, 0)} MB; floor: the runtime with one timer`,
    },
    {
      name: `idle agent (${label}): processor time`,
      measured: `${cpu.toFixed(2)} %`,
      target: `≤ ${CPU_LIMIT} %`,
      floor: `${seen.bareCpu.toFixed(2)} %`,
      met: cpu <= CPU_LIMIT,
      detail: `three agents: ${each(seen.cpu, 2)} % of a core over ${seen.windowMs / 1000} s`,
    },
  ];
}
