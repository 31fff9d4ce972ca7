/** max_surge on three agents with real Docker and Consul: what consumers of the catalogue see. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, DeploymentDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { type GeoOptions, geoJob, NO_RETRIES } from "../support/geo-job.ts";
import { assertWorldMatches } from "../support/quiescent.ts";
import { containersOf, lacking } from "../support/real-parts.ts";
import { ServingWatch } from "../support/serving.ts";
import { waitUntil } from "../support/wait.ts";

const JOB = `geo-surge-${process.pid}`;
const COUNT = 4;
const skip = lacking("docker", "consul");
let cluster: TestCluster;

before(async () => {
  if (!skip) cluster = await TestCluster.start({ agents: 3, docker: true, consul: true });
});
after(async () => {
  if (skip) return;
  await cluster.alive[0]?.api.delete(`/v1/job/${JOB}?purge=true`);
  await waitUntil(
    async () => containersOf(await cluster.clusterId()),
    (left) => left.length === 0,
    { timeoutMs: 30_000, what: "no container left after the purge" },
  );
  await cluster.stop();
});

const api = (i = 0) => (cluster.agents[i] as (typeof cluster.agents)[number]).api;

function job(image: string, over: Partial<GeoOptions> = {}): string {
  const shares = { maxParallel: '"50%"', maxSurge: '"50%"' };
  return geoJob({ name: JOB, count: COUNT, image, autoRevert: true, ...shares, ...over });
}

async function desired(): Promise<AllocDoc[]> {
  const allocs = await api().get<AllocDoc[]>(`/v1/job/${JOB}/allocations`);
  return allocs.filter((a) => a.DesiredStatus === "run" && a.ClientStatus !== "failed");
}

/** Waits for `isOver`; how few served meanwhile, and how many were desired to run at most. */
async function watched(isOver: () => Promise<boolean>): Promise<{ lowest: number; most: number }> {
  const watch = new ServingWatch(JOB);
  let most = 0;
  await waitUntil(
    async () => {
      most = Math.max(most, (await desired()).length);
      return await isOver();
    },
    (over) => over,
    { timeoutMs: 90_000, what: "the end of what is watched", everyMs: 20 },
  );
  await watch.stop();
  return { lowest: watch.lowest, most };
}

async function deploymentOf(version: number): Promise<DeploymentDoc | undefined> {
  const all = await api().get<DeploymentDoc[]>(`/v1/job/${JOB}/deployments`);
  return all.find((d) => d.JobVersion === version);
}

const hasEnded = (version: number) => async () => {
  const status = (await deploymentOf(version))?.Status;
  return status !== undefined && status !== "running";
};

test("[X4 X7] an update with max_surge takes nothing away from consumers", { skip }, async () => {
  await api().run(job("0.1"));
  await watched(hasEnded(0));
  await api(1).run(job("0.2"));
  const { lowest, most } = await watched(hasEnded(1));
  assert.equal((await deploymentOf(1))?.Status, "successful");
  assert.equal(lowest, COUNT, `${lowest} served at one moment`);
  assert.equal(most, COUNT + 2, "50% of four stood beside the old ones");
  assert.equal((await desired()).length, COUNT);
  await assertWorldMatches(cluster, { service: JOB, count: COUNT });
});

test("[X5] a bad version is taken back, and the old ones serve on", { skip }, async () => {
  const before = (await desired()).map((alloc) => alloc.ID).sort();
  await api(2).run(job("crash", { group: NO_RETRIES }));
  const { lowest } = await watched(hasEnded(3));
  assert.equal((await deploymentOf(2))?.Status, "failed");
  assert.equal((await deploymentOf(3))?.Status, "successful");
  assert.equal(lowest, COUNT);
  assert.deepEqual((await desired()).map((alloc) => alloc.ID).sort(), before);
  await assertWorldMatches(cluster, { service: JOB, count: COUNT });
});

test("[X6] a drain takes nothing away either", { skip }, async () => {
  const [first] = await desired();
  assert.ok(first);
  const node = first.NodeID;
  const spec = { DrainSpec: { Deadline: 300_000_000_000, IgnoreSystemJobs: false } };
  await api().put(`/v1/node/${node}/drain`, spec);
  const isEmpty = async () => (await desired()).every((alloc) => alloc.NodeID !== node);
  const { lowest, most } = await watched(isEmpty);
  assert.equal(lowest, COUNT);
  assert.ok(most > COUNT && most <= COUNT + 2, `${most} desired to run`);
  await api().put(`/v1/node/${node}/drain`, { DrainSpec: null, MarkEligible: true });
});

test("[X2] scaling keeps the percentages", { skip }, async () => {
  const scaling = { Count: 6, Target: { Group: "api-server" } };
  await api().put(`/v1/job/${JOB}/scale`, scaling);
  const doc = await api().get<{ TaskGroups: { Update: Record<string, number> }[] }>(
    `/v1/job/${JOB}`,
  );
  const { MaxParallel, MaxParallelPercent, MaxSurge, MaxSurgePercent } =
    doc.TaskGroups[0]?.Update ?? {};
  assert.deepEqual([MaxParallel, MaxParallelPercent, MaxSurge, MaxSurgePercent], [3, 50, 3, 50]);
});
