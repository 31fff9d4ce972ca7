/** The rolling update document, step by step, on three agents with real Docker and Consul. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, DeploymentDoc } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { geoJob, NO_RETRIES } from "../support/geo-job.ts";
import { assertWorldMatches } from "../support/quiescent.ts";
import { containersOf, inspectContainer, lacking } from "../support/real-parts.ts";
import { ServingWatch } from "../support/serving.ts";
import { waitUntil } from "../support/wait.ts";

/** Its own name in a Consul that other runs may share. */
const JOB = `geo-api-server-${process.pid}`;
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
    { timeoutMs: 20_000, what: "no container left after the purge" },
  );
  await cluster.stop();
});

const api = (i = 0) => (cluster.agents[i] as (typeof cluster.agents)[number]).api;

async function ended(version: number): Promise<DeploymentDoc> {
  const all = await waitUntil(
    () => api().get<DeploymentDoc[]>(`/v1/job/${JOB}/deployments`),
    (list) => list.some((d) => d.JobVersion === version && d.Status !== "running"),
    { timeoutMs: 40_000, what: `the end of the deployment of version ${version}` },
  );
  return all.find((d) => d.JobVersion === version) as DeploymentDoc;
}

async function versions(): Promise<{ Version: number; Stable: boolean; image: string }[]> {
  const doc = await api().get<{ Versions: Record<string, unknown>[] }>(`/v1/job/${JOB}/versions`);
  return doc.Versions.map((job) => {
    const groups = job.TaskGroups as { Tasks: { Config: { image: string } }[] }[];
    const image = groups[0]?.Tasks[0]?.Config.image ?? "";
    return { Version: job.Version as number, Stable: job.Stable as boolean, image };
  });
}

async function running(): Promise<AllocDoc[]> {
  const allocs = await api().get<AllocDoc[]>(`/v1/job/${JOB}/allocations`);
  return allocs.filter((a) => a.DesiredStatus === "run" && a.ClientStatus === "running");
}

/** Container id, start and pid of every running container: what must not change by accident. */
async function identities(): Promise<string[]> {
  const containers = await containersOf(await cluster.clusterId());
  const seen = await Promise.all(
    containers
      .filter((one) => one.State === "running")
      .map(async (one) => {
        const { Id, State } = await inspectContainer(one.Id);
        return `${Id} ${State.StartedAt} ${State.Pid}`;
      }),
  );
  return seen.sort();
}

test("version 0 spreads over the machines, becomes healthy, and is stable", { skip }, async () => {
  await api(1).run(geoJob({ name: JOB, image: "0.1", autoRevert: true }));
  const deployment = await ended(0);
  assert.equal(deployment.Status, "successful");
  assert.equal((await versions())[0]?.Stable, true);
  const allocs = await running();
  assert.equal(allocs.length, 6);
  assert.equal(new Set(allocs.map((a) => a.NodeID)).size, 3, "all three machines take part");
  await assertWorldMatches(cluster, { service: JOB, count: 6 });
});

test("a plan shows the change and changes nothing; a stale index is refused", {
  skip,
}, async () => {
  const Job = await api().put("/v1/jobs/parse", {
    JobHCL: geoJob({ name: JOB, image: "0.2", autoRevert: true }),
  });
  const before = await api(2).get<{ JobModifyIndex: number; Version: number }>(`/v1/job/${JOB}`);
  const plan = await api(2).put<{
    JobModifyIndex: number;
    Annotations: { DesiredTGUpdates: Record<string, Record<string, number>> };
    Diff: { Type: string };
  }>(`/v1/job/${JOB}/plan`, { Job, Diff: true });
  const updates = plan.Annotations.DesiredTGUpdates["api-server"];
  assert.equal(updates?.DestructiveUpdate, 2);
  assert.equal(updates?.Ignore, 4);
  assert.equal(plan.Diff.Type, "Edited");
  assert.equal(plan.JobModifyIndex, before.JobModifyIndex);
  const stale = plan.JobModifyIndex - 1;
  const refused = await api(1).request("PUT", "/v1/jobs", {
    Job,
    EnforceIndex: true,
    JobModifyIndex: stale,
  });
  assert.equal(refused.status, 500);
  assert.match(
    refused.text,
    new RegExp(`Enforcing job modify index ${stale}: .*index: ${plan.JobModifyIndex}`),
  );
  const now = await api().get<{ Version: number }>(`/v1/job/${JOB}`);
  assert.equal(now.Version, before.Version, "neither the plan nor the refusal changed the job");
});

test("0.2 rolls out two at a time and never fewer than four serve", { skip }, async () => {
  const { JobModifyIndex } = await api().get<{ JobModifyIndex: number }>(`/v1/job/${JOB}`);
  const watch = new ServingWatch(JOB);
  await waitUntil(
    () => watch.samples.length,
    (n) => n > 0,
    { timeoutMs: 5000, what: "a sample" },
  );
  await api(2).run(geoJob({ name: JOB, image: "0.2", autoRevert: true }), {
    EnforceIndex: true,
    JobModifyIndex,
  });
  let mostUndecided = 0;
  const deployment = await waitUntil(
    async () => {
      const allocs = await api().get<AllocDoc[]>(`/v1/job/${JOB}/allocations`);
      const undecided = allocs.filter(
        (a) =>
          a.JobVersion === 1 &&
          a.DesiredStatus === "run" &&
          (a.DeploymentStatus?.Healthy ?? null) === null,
      );
      mostUndecided = Math.max(mostUndecided, undecided.length);
      return await api().get<DeploymentDoc>(`/v1/job/${JOB}/deployment`);
    },
    (d) => d.JobVersion === 1 && d.Status !== "running",
    { timeoutMs: 40_000, what: "the rolling update", everyMs: 20 },
  );
  await watch.stop();
  assert.equal(deployment.Status, "successful");
  assert.ok(mostUndecided <= 2, `${mostUndecided} undecided at once, max_parallel is 2`);
  assert.ok(watch.lowest >= 4, `only ${watch.lowest} served at one moment`);
  assert.equal((await versions())[0]?.Stable, true);
  await assertWorldMatches(cluster, { service: JOB, count: 6 });
});

test("an image that does not exist costs nothing and is taken back at once", { skip }, async () => {
  const before = await identities();
  const watch = new ServingWatch(JOB);
  await waitUntil(
    () => watch.samples.length,
    (n) => n > 0,
    { timeoutMs: 5000, what: "a sample" },
  );
  await api(1).run(geoJob({ name: JOB, image: "0.33", autoRevert: true }));
  const failed = await ended(2);
  assert.equal(failed.Status, "failed");
  assert.equal(
    failed.StatusDescription,
    "Failed due to unhealthy allocations - rolling back to job version 1",
  );
  assert.equal((await ended(3)).Status, "successful");
  await watch.stop();
  assert.equal(watch.lowest, 6, "no allocation was stopped for an image that is not there");
  assert.deepEqual(await identities(), before, "the containers were not touched");
  const [latest] = await versions();
  assert.deepEqual(latest, { Version: 3, Stable: true, image: "geo-api-server:0.2" });
});

for (const [image, what, version] of [
  ["crash", "crashes", 4],
  ["0.3", "answers 500 to its check", 6],
] as const) {
  test(`an image that ${what} is taken back to the stable version`, { skip }, async () => {
    const before = new Set(await identities());
    await api().run(
      geoJob({ name: JOB, image, autoRevert: true, healthyDeadline: "5s", group: NO_RETRIES }),
    );
    const failed = await ended(version);
    assert.equal(failed.Status, "failed");
    assert.match(failed.StatusDescription, /rolling back to job version/);
    assert.equal((await ended(version + 1)).Status, "successful");
    const [latest] = await versions();
    assert.equal(latest?.image, "geo-api-server:0.2");
    assert.equal(latest?.Stable, true);
    const kept = (await identities()).filter((one) => before.has(one));
    assert.ok(kept.length >= 4, `${kept.length} of 6 containers were left alone`);
    await assertWorldMatches(cluster, { service: JOB, count: 6 });
  });
}

test("without auto_revert a bad version fails and nothing more is placed", { skip }, async () => {
  await api().run(geoJob({ name: JOB, image: "0.33", group: NO_RETRIES }));
  const failed = await ended(8);
  assert.equal(failed.Status, "failed");
  assert.equal(failed.StatusDescription, "Failed due to unhealthy allocations");
  const index = (await api().request("GET", `/v1/job/${JOB}/allocations`)).index;
  const held = await api().request("GET", `/v1/job/${JOB}/allocations?index=${index}&wait=2s`);
  const placed = (held.json as AllocDoc[]).filter((a) => a.JobVersion === 8);
  assert.ok(placed.length <= 2, `${placed.length} allocations of the failed version`);
  await api().run(geoJob({ name: JOB, image: "0.2", autoRevert: true }));
  assert.equal((await ended(9)).Status, "successful");
});

test("a canary waits for its promotion and then takes over", { skip }, async () => {
  await api().run(
    geoJob({ name: JOB, image: "0.1", autoRevert: true, canary: 1, progressDeadline: "30s" }),
  );
  const waiting = await waitUntil(
    () => api().get<DeploymentDoc>(`/v1/job/${JOB}/deployment`),
    (d) => d.JobVersion === 10 && d.TaskGroups["api-server"]?.HealthyAllocs === 1,
    { timeoutMs: 20_000, what: "a healthy canary" },
  );
  assert.equal(waiting.StatusDescription, "Deployment is running but requires manual promotion");
  assert.equal((await running()).length, 7);
  await api(2).put(`/v1/deployment/promote/${waiting.ID}`, {
    DeploymentID: waiting.ID,
    All: true,
  });
  assert.equal((await ended(10)).Status, "successful");
  await assertWorldMatches(cluster, { service: JOB, count: 6 });
});

test("every machine's API gives the same answers", { skip }, async () => {
  for (const path of [
    `/v1/job/${JOB}`,
    `/v1/job/${JOB}/versions?diffs=true`,
    `/v1/job/${JOB}/deployments`,
    "/v1/nodes",
    "/v1/evaluations",
    "/v1/status/leader",
    "/v1/status/peers",
  ]) {
    const answers = await Promise.all([0, 1, 2].map((i) => api(i).request("GET", path)));
    assert.equal(answers[1]?.text, answers[0]?.text, path);
    assert.equal(answers[2]?.text, answers[0]?.text, path);
  }
});
