/**
 * Thirty containers, five at a time, with HTTP checks in Consul: a whole update, and the way back
 * from the middle of one, both beside what Docker needs for the same containers by itself.
 */
import type { AllocDoc, DeploymentDoc, TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { containersOf } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";
import { EngineEvents } from "./docker-engine.ts";
import { type Figure, seconds } from "./figure.ts";
import { type BatchFloor, measureBatches, measureDetection, measureStarts } from "./floors.ts";
import { endedDeployment, purge, WAIT_MS } from "./job.ts";
import { median, spread } from "./stats.ts";

const JOB = "geo-bench-thirty";
const COUNT = 30;
const PARALLEL = 5;
const HALF = 15;
const UPDATE_FACTOR = 1.2;
const REVERT_FACTOR = 2;
const OLD = "0.1";
const NEW = "0.2";

export async function measureThirty(rounds: number): Promise<readonly Figure[]> {
  const events = await EngineEvents.open();
  const cluster = await TestCluster.start({
    agents: 3,
    docker: true,
    consul: true,
    timings: "default",
  });
  try {
    const batch = await measureBatches(`geo-api-server:${OLD}`, events, PARALLEL);
    const startMs = await measureStarts(`geo-api-server:${OLD}`, PARALLEL);
    const { answersMs } = await measureDetection(`geo-api-server:${OLD}`, PARALLEL);
    const [agent] = cluster.alive;
    if (agent === undefined) throw new Error("no agent lives");
    const { api } = agent;
    await update(api, OLD);
    const totals: number[] = [];
    const backs: Back[] = [];
    for (let round = 0; round < rounds; round++) {
      await settled(cluster);
      totals.push(await update(api, NEW));
      await settled(cluster);
      totals.push(await update(api, OLD));
      await settled(cluster);
      backs.push(await revertHalfWay(api));
    }
    return [updateFigure(totals, batch, answersMs), revertFigure(backs, startMs)];
  } finally {
    await purge(cluster, JOB);
    await cluster.stop();
    events.close();
  }
}

/** Nothing of the version before is left. */
async function settled(cluster: TestCluster): Promise<void> {
  await waitUntil(
    async () => containersOf(await cluster.clusterId()),
    (all) => all.length === COUNT,
    { timeoutMs: 60_000, what: `${COUNT} containers` },
  );
}

async function register(api: TestApi, image: string): Promise<number> {
  const hcl = geoJob({
    image,
    name: JOB,
    count: COUNT,
    maxParallel: String(PARALLEL),
    minHealthy: "0s",
    healthyDeadline: "30s",
    progressDeadline: "60s",
  });
  const Job = await api.put("/v1/jobs/parse", { JobHCL: hcl });
  const from = Date.now();
  await api.put("/v1/jobs", { Job });
  return from;
}

async function update(api: TestApi, image: string): Promise<number> {
  const from = await register(api, image);
  const deployment = await endedDeployment(api, JOB, from);
  const tookMs = Date.now() - from;
  if (deployment.Status !== "successful") {
    throw new Error(`${deployment.Status}: ${deployment.StatusDescription}`);
  }
  return tookMs;
}

interface Back {
  readonly tookMs: number;
  /** How many of the version to which it went back did not run any more. */
  readonly missing: number;
}

/** Until half of the new ones are healthy, then back; from the request until all are healthy. */
async function revertHalfWay(api: TestApi): Promise<Back> {
  await register(api, NEW);
  const { Version } = await api.get<{ readonly Version: number }>(`/v1/job/${JOB}`);
  await untilHealthy(api, Version, HALF);
  const allocs = await api.get<readonly AllocDoc[]>(`/v1/job/${JOB}/allocations`);
  const kept = allocs.filter((each) => each.JobVersion < Version && each.DesiredStatus === "run");
  const from = Date.now();
  await api.put(`/v1/job/${JOB}/revert`, { JobID: JOB, JobVersion: Version - 1 });
  const deployment = await endedDeployment(api, JOB, from, Version + 1);
  if (deployment.Status !== "successful") {
    throw new Error(`${deployment.Status}: ${deployment.StatusDescription}`);
  }
  return { tookMs: Date.now() - from, missing: COUNT - kept.length };
}

async function untilHealthy(api: TestApi, version: number, wanted: number): Promise<void> {
  const isThere = (found: DeploymentDoc | null) => {
    const healthy = Object.values(found?.TaskGroups ?? {})[0]?.HealthyAllocs ?? 0;
    return found?.JobVersion === version && healthy >= wanted;
  };
  const what = `${wanted} healthy allocations of version ${version} of ${JOB}`;
  await api.held(`/v1/job/${JOB}/deployment`, isThere, { timeoutMs: WAIT_MS, what });
}

function updateFigure(totals: readonly number[], batch: BatchFloor, answersMs: number): Figure {
  const steps = COUNT / PARALLEL;
  const floor = steps * (batch.batchMs + answersMs);
  const p50 = median(totals);
  return {
    name: `${COUNT} containers, ${PARALLEL} at a time, healthy at once: the whole update, p50`,
    measured: seconds(p50),
    target: `≤ ${UPDATE_FACTOR} × floor = ${seconds(UPDATE_FACTOR * floor)}`,
    floor: seconds(floor),
    met: p50 <= UPDATE_FACTOR * floor,
    detail:
      `${spread(totals)} ms; floor: ${steps} × (Docker starts ${PARALLEL} and stops ${PARALLEL} in ` +
      `${batch.batchMs.toFixed(0)} ms + ${answersMs.toFixed(0)} ms until they answer their checks)`,
  };
}

function revertFigure(backs: readonly Back[], startMs: number): Figure {
  const floorOf = ({ missing }: Back) => (missing / PARALLEL) * startMs;
  const factors = backs.map((back) => back.tookMs / floorOf(back));
  const tookMs = backs.map((back) => back.tookMs);
  const factor = median(factors);
  return {
    name: `a half-done update of ${COUNT} taken back: request → all healthy, p50`,
    measured: seconds(median(tookMs)),
    target: `≤ ${REVERT_FACTOR} × floor = ${seconds(REVERT_FACTOR * median(backs.map(floorOf)))}`,
    floor: seconds(median(backs.map(floorOf))),
    met: factor <= REVERT_FACTOR,
    detail:
      `${factor.toFixed(2)} × floor; ${spread(tookMs)} ms, ` +
      `${backs.map((back) => back.missing).join(", ")} were missing; floor: Docker starts as many, ` +
      `${PARALLEL} at once in ${startMs.toFixed(0)} ms`,
  };
}
