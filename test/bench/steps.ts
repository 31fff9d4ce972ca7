/**
 * What Drover itself costs in a rolling update: mock tasks that run at once and are healthy at
 * once, on three agents. How long whole updates take, and each step of them: from the last verdict
 * of a batch until a task of the next one runs.
 */
import type { AllocDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { type Figure, ms, seconds } from "./figure.ts";
import { measureFlush } from "./floors.ts";
import { endedDeployment } from "./job.ts";
import { mockJob } from "./mock-job.ts";
import { median, quantile, spread } from "./stats.ts";

const PARALLEL = 10;
/** Entries of the log in one step: report, evaluation, plan. */
const COMMITS = 3;

interface Size {
  readonly count: number;
  readonly updates: number;
  readonly limitMs: number;
}

const SIZES: readonly Size[] = [
  { count: 100, updates: 6, limitMs: 600 },
  { count: 500, updates: 3, limitMs: 2500 },
];

interface Update {
  readonly totalMs: number;
  readonly stepsMs: readonly number[];
}

export async function measureSteps(): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({ agents: 3, timings: "default" });
  const flushMs = measureFlush();
  try {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const seen: Update[] = [];
      // The first two make the job and warm the code up.
      for (let version = 0; version < size.updates + 2; version++) {
        seen.push(await update(cluster, size.count, version));
      }
      const measured = seen.slice(2);
      figures.push(...stepFigures(size, measured, flushMs), totalFigure(size, measured, flushMs));
    }
    return figures;
  } finally {
    await cluster.stop();
  }
}

async function update(cluster: TestCluster, count: number, version: number): Promise<Update> {
  const { api } = await cluster.leader();
  const from = Date.now();
  const id = `bench-steps-${count}`;
  await api.put("/v1/jobs", { Job: mockJob({ id, count, version, maxParallel: PARALLEL }) });
  const deployment = await endedDeployment(api, id, from, version);
  const totalMs = Date.now() - from;
  if (deployment.Status !== "successful") {
    throw new Error(`${deployment.Status}: ${deployment.StatusDescription}`);
  }
  const allocs = await api.get<AllocDoc[]>(`/v1/deployment/allocations/${deployment.ID}`);
  return { totalMs, stepsMs: stepsOf(allocs) };
}

/** The i-th task that started belongs to the batch after the verdicts of all before it. */
function stepsOf(allocs: readonly AllocDoc[]): number[] {
  const ascending = (a: number, b: number) => a - b;
  const verdicts = allocs.map((alloc) => verdictAt(alloc)).sort(ascending);
  const starts = allocs.map((alloc) => startedAt(alloc)).sort(ascending);
  return starts.flatMap((at, i) => {
    const last = verdicts[i - (i % PARALLEL) - 1];
    return last === undefined ? [] : [at - last];
  });
}

function verdictAt(alloc: AllocDoc): number {
  const status = alloc.DeploymentStatus as { readonly Timestamp?: string } | null;
  return Date.parse(status?.Timestamp ?? "");
}

function startedAt(alloc: AllocDoc): number {
  const states = alloc.TaskStates as { readonly t?: { readonly StartedAt?: string } } | null;
  return Date.parse(states?.t?.StartedAt ?? "");
}

function stepFigures(size: Size, seen: readonly Update[], flushMs: number): Figure[] {
  const steps = seen.flatMap((one) => one.stepsMs);
  const row = (q: number, limit: number): Figure => ({
    name: `mock, ${size.count} at ${PARALLEL}: last of a batch healthy → next one runs, p${q * 100}`,
    measured: ms(quantile(steps, q)),
    target: `≤ ${limit} ms`,
    floor: ms(COMMITS * flushMs),
    met: quantile(steps, q) <= limit,
    detail: `${spread(steps)} ms; floor: ${COMMITS} flushes of the log, one after another`,
  });
  return [row(0.5, 10), row(0.99, 50)];
}

function totalFigure({ count, limitMs }: Size, seen: readonly Update[], flushMs: number): Figure {
  const totals = seen.map((one) => one.totalMs);
  const floor = (count / PARALLEL) * COMMITS * flushMs;
  return {
    name: `mock, ${count} at ${PARALLEL}: the whole update, p50`,
    measured: seconds(median(totals)),
    target: `≤ ${seconds(limitMs)}`,
    floor: seconds(floor),
    met: median(totals) <= limitMs,
    detail: `${spread(totals)} ms; floor: ${count / PARALLEL} steps of ${COMMITS} flushes`,
  };
}
