/**
 * Three machines with a Docker engine each, and a registry that takes its time: how long an update
 * takes, one allocation at a time, when every machine has to pull the new image (DESIGN §12.3).
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Engine, socketOf, startDocker, stopDocker } from "../../scripts/infra/docker.ts";
import { INFRA_DIR } from "../../scripts/infra/run.ts";
import type { AllocDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { ServingWatch } from "../support/serving.ts";
import { waitUntil } from "../support/wait.ts";
import { type Figure, seconds } from "./figure.ts";
import { endedDeployment } from "./job.ts";
import { SlowRegistry } from "./slow-registry.ts";

const JOB = "geo-bench-prefetch";
const MACHINES = 3;
const LAYER_MS = 5_000;
const MIN_HEALTHY_MS = 5_000;

function engineOf(i: number): Engine {
  return {
    daemon: `dockerd-machine-${i}`,
    home: join(INFRA_DIR, `machine-${i}`),
    bridge: `drover-m${i}`,
    bridgeAddress: `172.31.${i}.1/24`,
    flags: [],
  };
}

/** `program`: the one to measure; from source when left out. */
export async function measurePrefetch(program?: readonly string[]): Promise<readonly Figure[]> {
  const engines = Array.from({ length: MACHINES }, (_, i) => engineOf(i));
  const registry = await SlowRegistry.start(["0.1", "0.2"], LAYER_MS);
  let cluster: TestCluster | null = null;
  try {
    for (const engine of engines) await startDocker(engine);
    cluster = await TestCluster.start({
      agents: MACHINES,
      docker: true,
      consul: true,
      dockerEndpoint: (i) => `unix://${socketOf(engineOf(i))}`,
      ...(program === undefined ? {} : { program }),
    });
    return [await measure(cluster, registry)];
  } finally {
    try {
      if (cluster) await cleanUp(cluster);
    } finally {
      registry.close();
      for (const engine of engines) await removeEngine(engine);
    }
  }
}

async function measure(cluster: TestCluster, registry: SlowRegistry): Promise<Figure> {
  await update(cluster, registry, "0.1");
  const pulledBefore = registry.pulls;
  const watch = new ServingWatch(JOB);
  const from = Date.now();
  await update(cluster, registry, "0.2");
  const tookMs = Date.now() - from;
  await watch.stop();
  const pulls = registry.pulls - pulledBefore;
  const floorMs = LAYER_MS + MACHINES * MIN_HEALTHY_MS;
  const aloneMs = MACHINES * (LAYER_MS + MIN_HEALTHY_MS);
  return {
    name: `three machines, one at a time, ${LAYER_MS / 1000} s for a pull: total`,
    measured: seconds(tookMs),
    target: `< ${seconds(aloneMs)}, the pulls one after the other`,
    floor: seconds(floorMs),
    met: tookMs < aloneMs,
    detail: `${pulls} pulls, ${watch.lowest} served at least; floor: one pull and 3 × min_healthy`,
  };
}

async function update(cluster: TestCluster, registry: SlowRegistry, image: string): Promise<void> {
  const [agent] = cluster.alive;
  if (agent === undefined) throw new Error("no agent lives");
  const from = Date.now();
  const options = { name: JOB, image, count: MACHINES, repository: registry.repository };
  const times = { minHealthy: `${MIN_HEALTHY_MS}ms`, healthyDeadline: "60s", maxParallel: "1" };
  await agent.api.run(geoJob({ ...options, ...times }));
  const { Status } = await endedDeployment(agent.api, JOB, from);
  if (Status !== "successful") throw new Error(`the deployment of ${image} is ${Status}`);
}

async function cleanUp(cluster: TestCluster): Promise<void> {
  const [agent] = cluster.alive;
  try {
    await agent?.api.delete(`/v1/job/${JOB}`);
    await waitUntil(
      async () => (await agent?.api.get<AllocDoc[]>(`/v1/job/${JOB}/allocations`)) ?? [],
      (allocs) => allocs.every(({ ClientStatus }) => ClientStatus !== "running"),
      { timeoutMs: 60_000, what: "nothing of the job runs" },
    );
  } finally {
    await cluster.stop();
  }
}

/** Also of one that never came up. */
async function removeEngine(engine: Engine): Promise<void> {
  await stopDocker(engine);
  spawnSync("ip", ["link", "del", engine.bridge]);
  rmSync(engine.home, { recursive: true, force: true });
}
