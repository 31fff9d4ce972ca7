/**
 * How much three agents carry: whole jobs registered per second through the HTTP API of all three,
 * allocations placed per second, from a registration's request until all of them are placed, and
 * evaluations per second under a flood of registrations.
 */
import type { TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import type { Figure } from "./figure.ts";
import { measureFlush } from "./floors.ts";
import { WAIT_MS } from "./job.ts";
import { LoadClient } from "./load-client.ts";
import { mockJob, ROOMY } from "./mock-job.ts";
import { median, spread } from "./stats.ts";

const PLACEMENTS = 1000;
const PLACEMENTS_LIMIT = 1000;
const ROUNDS = 5;
const REGISTRATIONS = 2000;
const WRITERS = 64;
const EVALS_LIMIT = 700;
const WARM_UP = 200;
/** Writers → registrations per second. */
const REGISTER_LIMITS = [
  [64, 2000],
  [1, 500],
] as const;
/** Entries of the log that a registration waits for. */
const REGISTER_COMMITS = 1;
/** Entries of the log that one evaluation takes, one after another: its job and its plan. */
const EVAL_COMMITS = 2;

export async function measureThroughput(): Promise<readonly Figure[]> {
  const cluster = await TestCluster.start({ agents: 3, timings: "default", extra: ROOMY });
  const flushMs = measureFlush();
  try {
    const { api } = await cluster.leader();
    const evals = await evaluations(api, flushMs);
    const registered = await registrations(
      cluster.agents.map((agent) => agent.api),
      flushMs,
    );
    return [...registered, await placements(api, flushMs), evals];
  } finally {
    await cluster.stop();
  }
}

async function placements(api: TestApi, flushMs: number): Promise<Figure> {
  const tookMs: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const id = `bench-place-${round}`;
    const from = performance.now();
    await api.put("/v1/jobs", { Job: mockJob({ id, count: PLACEMENTS }) });
    await allPlaced(api, id);
    // The first one warms the code up.
    if (round > 0) tookMs.push(performance.now() - from);
    await allRunning(api, id);
    await api.delete(`/v1/job/${id}?purge=true`);
    await nothingRuns(api);
  }
  const rate = (ms: number) => Math.round((PLACEMENTS / ms) * 1000);
  const p50 = median(tookMs);
  return {
    name: `placements end to end, ${PLACEMENTS} of one job on three servers, p50`,
    measured: `${rate(p50)}/s`,
    target: `≥ ${PLACEMENTS_LIMIT}/s`,
    floor: `${rate(EVAL_COMMITS * flushMs)}/s`,
    met: rate(p50) >= PLACEMENTS_LIMIT,
    detail: `${spread(tookMs)} ms from the request on; floor: ${EVAL_COMMITS} flushes of the log`,
  };
}

type Counts = Readonly<Record<"Queued" | "Starting" | "Running", number>>;

async function allPlaced(api: TestApi, id: string): Promise<void> {
  await untilSummary(api, id, ({ Running, Starting }) => Starting + Running >= PLACEMENTS);
}

async function allRunning(api: TestApi, id: string): Promise<void> {
  await untilSummary(api, id, ({ Running }) => Running >= PLACEMENTS);
}

async function untilSummary(
  api: TestApi,
  id: string,
  isDone: (counts: Counts) => boolean,
): Promise<void> {
  type Found = { readonly Summary: { readonly g?: Counts } } | null;
  const isThere = (found: Found) => found?.Summary.g !== undefined && isDone(found.Summary.g);
  const what = `the allocations of ${id} to be placed or to run`;
  await api.held<Found>(`/v1/job/${id}/summary`, isThere, { timeoutMs: WAIT_MS, what });
}

/** What was purged has stopped: the next round finds a machine that has nothing else to do. */
async function nothingRuns(api: TestApi): Promise<void> {
  const isLive = ({ ClientStatus }: { readonly ClientStatus: string }) =>
    ClientStatus === "running" || ClientStatus === "pending";
  await api.held<readonly { readonly ClientStatus: string }[]>(
    "/v1/allocations",
    (allocs) => !allocs.some(isLive),
    { timeoutMs: WAIT_MS, what: "the end of what was purged" },
  );
}

async function evaluations(api: TestApi, flushMs: number): Promise<Figure> {
  await flood([api], { name: "warm", jobs: WARM_UP, writers: WRITERS });
  const many = { name: "bench", jobs: REGISTRATIONS, writers: WRITERS };
  const { registeredMs, totalMs } = await flood([api], many);
  const rate = Math.round((REGISTRATIONS / totalMs) * 1000);
  return {
    name: `evaluations, ${REGISTRATIONS} jobs registered by ${WRITERS} writers on three servers`,
    measured: `${rate}/s`,
    target: `≥ ${EVALS_LIMIT}/s`,
    floor: `${Math.round(1000 / (EVAL_COMMITS * flushMs))}/s`,
    met: rate >= EVALS_LIMIT,
    detail:
      `until none was pending; the registrations themselves ` +
      `${Math.round((REGISTRATIONS / registeredMs) * 1000)}/s; floor: ${EVAL_COMMITS} flushes of ` +
      "the log each, one evaluation after another",
  };
}

/** The writers are spread over the agents; what is not the leader forwards to it. */
async function registrations(
  agents: readonly TestApi[],
  flushMs: number,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  await flood(agents, { name: "warm-all", jobs: WARM_UP, writers: WRITERS });
  for (const [writers, limit] of REGISTER_LIMITS) {
    const jobs = Math.round((REGISTRATIONS * Math.min(writers, 4)) / 4);
    const { registeredMs } = await flood(agents, { name: `register-${writers}`, jobs, writers });
    const rate = Math.round((jobs / registeredMs) * 1000);
    const who = writers === 1 ? "one client" : `${writers} clients`;
    figures.push({
      name: `whole jobs registered through the HTTP API of three agents, ${who}`,
      measured: `${rate}/s`,
      target: `≥ ${limit}/s`,
      floor: `${Math.round(1000 / (REGISTER_COMMITS * flushMs))}/s`,
      met: rate >= limit,
      detail:
        `${jobs} jobs without allocations, each acknowledged; their evaluations run meanwhile; ` +
        "floor: one flush of the log each, one after another",
    });
  }
  return figures;
}

interface Flood {
  readonly name: string;
  readonly jobs: number;
  readonly writers: number;
}

async function flood(
  agents: readonly TestApi[],
  { name, jobs, writers }: Flood,
): Promise<{ readonly registeredMs: number; readonly totalMs: number }> {
  const clients = agents.map(({ address }) => new LoadClient(address, writers));
  const from = performance.now();
  let next = 0;
  const writer = async (_: unknown, number: number) => {
    const client = clients[number % clients.length] as LoadClient;
    while (next < jobs) {
      const id = `${name}-${next++}`;
      await client.put("/v1/jobs", JSON.stringify({ Job: mockJob({ id, count: 0 }) }));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const registeredMs = performance.now() - from;
  for (const client of clients) client.close();
  await agents[0]?.held<readonly unknown[]>(
    "/v1/evaluations?status=pending&per_page=1",
    (pending) => pending.length === 0,
    { timeoutMs: WAIT_MS, what: "the end of the last pending evaluation" },
  );
  return { registeredMs, totalMs: performance.now() - from };
}
