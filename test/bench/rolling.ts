/**
 * The rolling update: six allocations, two at a time, healthy for a second, on three agents. How
 * long the whole takes, when the next batch is asked for after the last one is healthy, and how
 * long a slot stays empty, that is from the verdict that frees it to the request for the container
 * that takes it. The first slot of a batch may be taken before the batch's last verdict.
 */
import type { AllocDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { containersOf } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";
import { type EngineEvent, EngineEvents, EngineRelay } from "./docker-engine.ts";
import { type Figure, ms, seconds } from "./figure.ts";
import { measureBatches, measureDetection, measureFlush } from "./floors.ts";
import { endedDeployment, purge } from "./job.ts";
import { median, quantile, spread } from "./stats.ts";

const JOB = "geo-bench";
const COUNT = 6;
const PARALLEL = 2;
const STEPS = COUNT / PARALLEL;
const MIN_HEALTHY_MS = 1000;
/** Entries of the log between a verdict and the next placement: report, evaluation, plan. */
const COMMITS = 3;

export interface Update {
  readonly totalMs: number;
  /** Per container, from the last verdict of the batch before until asked for; ms, may be < 0. */
  readonly batchMs: readonly number[];
  /** Per freed slot, until the request for the container reached Docker's socket; ms. */
  readonly askedMs: readonly number[];
  /** The same, until Docker had made it; ms. */
  readonly createdMs: readonly number[];
  readonly phases: readonly Phases[];
}

/** Where one allocation's time went, ms. */
export interface Phases {
  readonly create: number;
  readonly start: number;
  readonly healthy: number;
}

export async function measureRolling(updates: number): Promise<readonly Figure[]> {
  const events = await EngineEvents.open();
  const relay = new EngineRelay();
  const cluster = await TestCluster.start({
    agents: 3,
    docker: true,
    consul: true,
    timings: "default",
    dockerEndpoint: relay.endpoint,
  });
  const engine = { events, relay };
  try {
    const floors = { batch: await measureBatches("geo-api-server:0.1", events) };
    const detection = await measureDetection("geo-api-server:0.1");
    const flushMs = measureFlush();
    // The job's first placement, and one update that runs through code nobody has run before.
    await update(cluster, engine, "0.1");
    await update(cluster, engine, "0.2");
    await settled(cluster);
    const seen: Update[] = [];
    for (let i = 0; i < updates; i++) {
      seen.push(await update(cluster, engine, i % 2 === 0 ? "0.1" : "0.2"));
      await settled(cluster);
    }
    return [
      ...slotFigures(seen, { createMs: floors.batch.createMs, flushMs }),
      totalFigure(seen, { batchMs: floors.batch.batchMs, ...detection }),
    ];
  } finally {
    await purge(cluster, JOB);
    await cluster.stop();
    relay.close();
    events.close();
  }
}

/** Nothing of the version before is left, so that the next update finds a quiet machine. */
async function settled(cluster: TestCluster): Promise<void> {
  await waitUntil(
    async () => containersOf(await cluster.clusterId()),
    (all) => all.length === COUNT,
    { timeoutMs: 30_000, what: `${COUNT} containers` },
  );
}

interface Engine {
  readonly events: EngineEvents;
  readonly relay: EngineRelay;
}

async function update(cluster: TestCluster, engine: Engine, image: string): Promise<Update> {
  const [agent] = cluster.alive;
  if (agent === undefined) throw new Error("no agent lives");
  const hcl = geoJob({ image, name: JOB, progressDeadline: "60s", healthyDeadline: "20s" });
  const job = await agent.api.put("/v1/jobs/parse", { JobHCL: hcl });
  const from = Date.now();
  await agent.api.put("/v1/jobs", { Job: job });
  const deployment = await endedDeployment(agent.api, JOB, from);
  const totalMs = Date.now() - from;
  if (deployment.Status !== "successful") {
    throw new Error(`${deployment.Status}: ${deployment.StatusDescription}`);
  }
  const stubs = await agent.api.get<AllocDoc[]>(`/v1/deployment/allocations/${deployment.ID}`);
  const starts = await Promise.all(stubs.map((stub) => startOf(stub, engine)));
  return { totalMs, ...slots(starts), phases: starts.map(phasesOf) };
}

interface Start {
  readonly askedAt: number;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly healthyAt: number;
}

async function startOf(stub: AllocDoc, { events, relay }: Engine): Promise<Start> {
  const ours = (action: string) => (event: EngineEvent) =>
    event.action === action && event.name.includes(stub.ID);
  const created = await events.first(`the creation for ${stub.ID}`, ours("create"));
  const started = await events.first(`the start for ${stub.ID}`, ours("start"));
  const verdict = stub.DeploymentStatus as { readonly Timestamp?: string } | null;
  return {
    askedAt: relay.askedAt.get(created.name) ?? Number.NaN,
    createdAt: created.at,
    startedAt: started.at,
    healthyAt: instantOf(verdict?.Timestamp ?? ""),
  };
}

/** RFC 3339 with up to nine digits after the second → epoch ms with a fraction. */
function instantOf(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "0";
  return Date.parse(text.replace(/\.\d+/, "")) + Number(`0.${fraction}`) * 1000;
}

/** The i-th container takes the slot that the (i − P)-th verdict freed. */
function slots(starts: readonly Start[]): Pick<Update, "batchMs" | "askedMs" | "createdMs"> {
  const verdicts = starts.map((one) => one.healthyAt).sort((a, b) => a - b);
  const gaps = (key: "askedAt" | "createdAt") =>
    starts
      .map((one) => one[key])
      .sort((a, b) => a - b)
      .flatMap((at, i) => (i < PARALLEL ? [] : [at - (verdicts[i - PARALLEL] ?? at)]));
  const asked = starts.map((one) => one.askedAt).sort((a, b) => a - b);
  const batchMs = asked.flatMap((at, i) => {
    const last = verdicts[i - (i % PARALLEL) - 1];
    return last === undefined ? [] : [at - last];
  });
  return { batchMs, askedMs: gaps("askedAt"), createdMs: gaps("createdAt") };
}

function phasesOf(one: Start): Phases {
  return {
    create: one.createdAt - one.askedAt,
    start: one.startedAt - one.createdAt,
    healthy: one.healthyAt - one.startedAt,
  };
}

function slotFigures(
  seen: readonly Update[],
  floor: { readonly createMs: number; readonly flushMs: number },
): Figure[] {
  const batch = seen.flatMap((one) => one.batchMs);
  const slot = seen.flatMap((one) => one.askedMs);
  const created = seen.flatMap((one) => one.createdMs);
  const commitsMs = COMMITS * floor.flushMs;
  const row = (values: readonly number[], q: number): Omit<Figure, "name" | "target" | "met"> => ({
    measured: ms(quantile(values, q)),
    floor: ms(commitsMs),
    detail: `${spread(values)} ms; floor: ${COMMITS} flushes of the log, one after another`,
  });
  const batchRow = (q: number, limit: number): Figure => ({
    name: `last of a batch healthy → next batch's containers asked of Docker, p${q * 100}`,
    target: `≤ ${limit} ms`,
    met: quantile(batch, q) <= limit,
    ...row(batch, q),
  });
  const slotRow = (q: number): Figure => ({
    name: `a slot free → its next container asked of Docker, p${q * 100}`,
    target: "–",
    met: true,
    ...row(slot, q),
  });
  const made = quantile(created, 0.5);
  return [
    batchRow(0.5, 20),
    batchRow(0.99, 50),
    slotRow(0.5),
    slotRow(0.99),
    {
      name: "a slot free → Docker's `create` event, p50",
      measured: ms(made),
      target: "–",
      floor: ms(commitsMs + floor.createMs),
      met: true,
      detail: `${spread(created)} ms; floor: the flushes and Docker's own create, two at once`,
    },
  ];
}

function totalFigure(
  seen: readonly Update[],
  floor: { readonly batchMs: number; readonly answersMs: number; readonly consulMs: number },
): Figure {
  const totals = seen.map((one) => one.totalMs);
  const p50 = median(totals);
  const bare = STEPS * (floor.batchMs + MIN_HEALTHY_MS + floor.answersMs);
  const withConsul = STEPS * (floor.batchMs + MIN_HEALTHY_MS + floor.consulMs);
  const phases = seen.flatMap((one) => one.phases);
  const part = (key: keyof Phases) => ms(median(phases.map((one) => one[key])));
  return {
    name: "six allocations, two at a time, healthy for 1 s: total, p50",
    measured: seconds(p50),
    target: `≤ 1.15 × floor = ${seconds(1.15 * bare)}`,
    floor: seconds(bare),
    met: p50 <= 1.15 * bare,
    detail:
      `${spread(totals)} ms; floor: 3 × (Docker ${ms(floor.batchMs)} + 1 s + ` +
      `${ms(floor.answersMs)} until it answers its check); with the time that Consul by itself ` +
      `takes to run the check (${ms(floor.consulMs)}) it would be ${seconds(withConsul)}; an ` +
      `allocation: create ${part("create")}, start ${part("start")}, ` +
      `started to healthy ${part("healthy")}`,
  };
}
