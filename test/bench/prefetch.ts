/**
 * Three machines with a Docker engine each, and a registry that takes its time: how long an update
 * takes, one allocation at a time, when every machine has to pull the new image (DESIGN §12.3).
 */
import type { AllocDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { MachineEngines } from "../support/machine-engines.ts";
import { ServingWatch } from "../support/serving.ts";
import { SlowRegistry } from "../support/slow-registry.ts";
import { waitUntil } from "../support/wait.ts";
import { type Figure, seconds } from "./figure.ts";
import { endedDeployment } from "./job.ts";

const JOB = "geo-bench-prefetch";
const MACHINES = 3;
const LAYER_MS = 5_000;
const MIN_HEALTHY_MS = 5_000;

/** `program`: the one to measure; from source when left out. */
export async function measurePrefetch(program?: readonly string[]): Promise<readonly Figure[]> {
  const registry = await SlowRegistry.start(["0.1", "0.2"], LAYER_MS);
  let engines: MachineEngines | null = null;
  let cluster: TestCluster | null = null;
  try {
    const machines = await MachineEngines.start(MACHINES);
    engines = machines;
    cluster = await TestCluster.start({
      agents: MACHINES,
      docker: true,
      consul: true,
      dockerEndpoint: (i) => machines.endpoint(i),
      ...(program === undefined ? {} : { program }),
    });
    return [await measure(cluster, registry)];
  } finally {
    if (cluster) await cleanUp(cluster);
    registry.close();
    await engines?.remove();
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
  await agent?.api.delete(`/v1/job/${JOB}`);
  await waitUntil(
    async () => (await agent?.api.get<AllocDoc[]>(`/v1/job/${JOB}/allocations`)) ?? [],
    (allocs) => allocs.every(({ ClientStatus }) => ClientStatus !== "running"),
    { timeoutMs: 60_000, what: "nothing of the job runs" },
  );
  await cluster.stop();
}
