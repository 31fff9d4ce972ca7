/**
 * Three machines with a Docker engine each and a registry that takes its time (DESIGN §12.3): while
 * one of an update becomes healthy, the next one's machine fetches the image, and nobody sees more
 * of it than that.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, DeploymentDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { MachineEngines } from "../support/machine-engines.ts";
import { lacking } from "../support/real-parts.ts";
import { ServingWatch } from "../support/serving.ts";
import { SlowRegistry } from "../support/slow-registry.ts";
import { waitUntil } from "../support/wait.ts";

const JOB = `geo-slow-${process.pid}`;
const MACHINES = 3;
const LAYER_MS = 1_500;
const skip = lacking("docker", "consul");
let registry: SlowRegistry;
let cluster: TestCluster;
/** What is to be undone, in the order in which it was done. */
const undo: (() => unknown)[] = [];

before(async () => {
  if (skip) return;
  registry = await SlowRegistry.start(["0.1", "0.2"], LAYER_MS);
  undo.push(() => registry.close());
  const engines = await MachineEngines.start(MACHINES);
  undo.push(() => engines.remove());
  cluster = await TestCluster.start({
    agents: MACHINES,
    docker: true,
    consul: true,
    dockerEndpoint: (i) => engines.endpoint(i),
  });
  undo.push(stopCluster);
});
after(async () => {
  for (const act of undo.reverse()) await act();
});

async function stopCluster(): Promise<void> {
  await api().delete(`/v1/job/${JOB}`);
  await waitUntil(
    allocations,
    (all) => all.every(({ ClientStatus }) => ClientStatus !== "running"),
    { timeoutMs: 60_000, what: "nothing of the job runs" },
  );
  await cluster.stop();
}

const api = () => (cluster.agents[0] as (typeof cluster.agents)[number]).api;

function allocations(): Promise<AllocDoc[]> {
  return api().get<AllocDoc[]>(`/v1/job/${JOB}/allocations`);
}

async function update(image: string, minHealthyMs: number): Promise<number> {
  const { repository } = registry;
  const times = { minHealthy: `${minHealthyMs}ms`, healthyDeadline: "60s" };
  await api().run(
    geoJob({ name: JOB, image, repository, count: MACHINES, maxParallel: "1", ...times }),
  );
  return (await api().get<{ Version: number }>(`/v1/job/${JOB}`)).Version;
}

async function deploymentOf(version: number): Promise<DeploymentDoc | undefined> {
  const all = await api().get<DeploymentDoc[]>(`/v1/job/${JOB}/deployments`);
  return all.find(({ JobVersion }) => JobVersion === version);
}

/** Over the API: has no verdict yet, whatever it waits for. */
function isUndecided(alloc: AllocDoc): boolean {
  return alloc.DesiredStatus === "run" && alloc.DeploymentStatus?.Healthy !== true;
}

test("the next machine fetches its image while one becomes healthy, and one is undecided", {
  skip,
}, async () => {
  const first = await update("0.1", 100);
  await waitUntil(
    () => deploymentOf(first),
    (deployment) => deployment?.Status === "successful",
    { timeoutMs: 60_000, what: "version 0 serves" },
  );
  assert.equal(registry.pulled, MACHINES);
  const before = registry.pulls;
  registry.mostAtOnce = 0;
  const watch = new ServingWatch(JOB);
  const seen = new Map<string, number>();
  let most = 0;
  let ahead = false;
  const version = await update("0.2", 3 * LAYER_MS);
  const ended = await waitUntil(
    async () => {
      const deployment = await deploymentOf(version);
      const started = registry.pulls - before;
      const pulled = registry.pulled - before;
      const fresh = (await allocations()).filter(({ JobVersion }) => JobVersion === version);
      most = Math.max(most, fresh.filter(isUndecided).length);
      ahead ||= started > fresh.length;
      // By the time that an allocation is there, so is its image.
      for (const { ID } of fresh) if (!seen.has(ID)) seen.set(ID, pulled);
      return deployment;
    },
    (deployment) => deployment !== undefined && deployment.Status !== "running",
    { timeoutMs: 120_000, what: "the end of the update", everyMs: 20 },
  );
  await watch.stop();
  assert.equal(ended?.Status, "successful");
  assert.equal(most, 1, "max_parallel, as clients of the API see it");
  assert.ok(ahead, "an image is pulled before its allocation exists");
  assert.deepEqual([...seen.values()], [0, 2, 3]);
  assert.equal(registry.pulls - before, MACHINES, "each machine pulls once");
  assert.equal(registry.mostAtOnce, 1, "max_parallel, as the registry sees it");
  assert.equal(watch.lowest, MACHINES - 1);
});
