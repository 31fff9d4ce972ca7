/** Machines die in the middle of the work: the work ends all the same, and nothing is lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, DeploymentDoc, Doc } from "../support/api.ts";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { geoJob } from "../support/geo-job.ts";
import { assertWorldMatches } from "../support/quiescent.ts";
import { containersOf, inspectContainer, lacking } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";

/** Its own name in a Consul that other runs may share. */
const JOB = `geo-faults-${process.pid}`;
const skip = lacking("docker", "consul");
let cluster: TestCluster;
let version = 0;

before(async () => {
  if (skip) return;
  cluster = await TestCluster.start({ agents: 3, docker: true, consul: true });
  await run("0.1");
  await ended(version);
});
after(async () => {
  if (skip) return;
  try {
    await cluster.alive[0]?.api.delete(`/v1/job/${JOB}?purge=true`);
    await waitUntil(
      async () => containersOf(await cluster.clusterId()),
      (left) => left.length === 0,
      { timeoutMs: 20_000, what: "no container left after the purge" },
    );
  } finally {
    await cluster.stop();
  }
});

function living(): TestAgent {
  const [first] = cluster.alive;
  assert.ok(first, "an agent lives");
  return first;
}

async function run(image: string): Promise<void> {
  const hcl = geoJob({ image, name: JOB, progressDeadline: "60s", healthyDeadline: "20s" });
  await living().api.run(hcl);
  const job = await living().api.get<{ Version: number }>(`/v1/job/${JOB}`);
  version = job.Version;
}

async function ended(of: number): Promise<DeploymentDoc> {
  const all = await waitUntil(
    () => living().api.get<DeploymentDoc[]>(`/v1/job/${JOB}/deployments`),
    (list) => list.some((d) => d.JobVersion === of && d.Status !== "running"),
    { timeoutMs: 60_000, what: `the end of the deployment of version ${of}` },
  );
  return all.find((d) => d.JobVersion === of) as DeploymentDoc;
}

/** The first batch is out and the update is not done. */
async function inTheMiddle(): Promise<void> {
  await waitUntil(
    () => living().api.get<DeploymentDoc>(`/v1/job/${JOB}/deployment`),
    (d) => d.JobVersion === version && (d.TaskGroups["api-server"]?.HealthyAllocs ?? 0) >= 2,
    { timeoutMs: 20_000, what: "the first batch to be healthy", everyMs: 20 },
  );
}

const other = { "0.1": "0.2", "0.2": "0.1" } as const;
let image: "0.1" | "0.2" = "0.1";
async function update(): Promise<void> {
  image = other[image];
  await run(image);
  await inTheMiddle();
}

/** Acknowledged writes, by the id of the job each registered. */
async function writeJobs(prefix: string, count: number): Promise<string[]> {
  const written: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = `${prefix}-${i}`;
    const hcl = `job "${id}" {\n  group "g" {\n    count = 0\n    task "t" {\n      driver = "mock_driver"\n    }\n  }\n}\n`;
    await living().api.run(hcl);
    written.push(id);
  }
  return written;
}

async function assertNothingLost(ids: readonly string[]): Promise<void> {
  const jobs = await living().api.get<{ ID: string }[]>("/v1/jobs");
  const known = new Set(jobs.map((job) => job.ID));
  for (const id of ids) assert.ok(known.has(id), `acknowledged job ${id} is gone`);
}

test("the leader is killed in the middle: another leads and the update ends", {
  skip,
}, async () => {
  const written = await writeJobs("before-leader", 5);
  await update();
  const leader = await cluster.leader();
  await cluster.kill(leader);
  const next = await cluster.leader();
  assert.notEqual(next.name, leader.name);
  const later = await writeJobs("after-leader", 3);
  assert.equal((await ended(version)).Status, "successful");
  await assertNothingLost([...written, ...later]);
  cluster.boot(leader);
  await cluster.ready(3);
  await assertNothingLost([...written, ...later]);
  await assertWorldMatches(cluster, { service: JOB, count: 6, timeoutMs: 40_000 });
});

test("a follower is killed in the middle: the update ends", { skip }, async () => {
  await update();
  const leader = await cluster.leader();
  const follower = cluster.agents.find((agent) => agent !== leader) as TestAgent;
  await cluster.kill(follower);
  assert.equal((await ended(version)).Status, "successful");
  cluster.boot(follower);
  await cluster.ready(3);
  await assertWorldMatches(cluster, { service: JOB, count: 6, timeoutMs: 40_000 });
});

test("all three are killed at once and started again: the update ends", { skip }, async () => {
  const written = await writeJobs("before-all", 5);
  await update();
  await Promise.all(cluster.agents.map((agent) => cluster.kill(agent)));
  for (const agent of cluster.agents) cluster.boot(agent);
  await cluster.ready(3);
  await assertNothingLost(written);
  assert.equal((await ended(version)).Status, "successful");
  await assertWorldMatches(cluster, { service: JOB, count: 6, timeoutMs: 40_000 });
});

test("an agent that is killed and started finds its tasks as they were", { skip }, async () => {
  const [victim] = cluster.agents as [TestAgent];
  const look = async () => {
    const containers = await containersOf(await cluster.clusterId());
    const all = await Promise.all(containers.map((one) => inspectContainer(one.Id)));
    return all.map(({ Id, State }) => `${Id} ${State.StartedAt} ${State.Pid}`).sort();
  };
  const allocations = async () => {
    const allocs = await living().api.get<AllocDoc[]>(`/v1/job/${JOB}/allocations`);
    return allocs
      .filter((a) => a.DesiredStatus === "run")
      .map((a) => `${a.ID} restarted ${a.TaskStates?.server?.Restarts} times`)
      .sort();
  };
  const before = [await look(), await allocations()];
  await cluster.kill(victim);
  cluster.boot(victim);
  await cluster.ready(3);
  await assertWorldMatches(cluster, { service: JOB, count: 6 });
  assert.deepEqual([await look(), await allocations()], before);
});

test("an exit while the agent was dead is reported with its code", { skip }, async () => {
  const hcl = `
job "exits" {
  type = "batch"
  group "g" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule { attempts = 0 }
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "while [ ! -e \${NOMAD_ALLOC_DIR}/go ]; do sleep 0.05; done; exit 7"]
      }
    }
  }
}
`;
  await living().api.run(hcl);
  const [alloc] = await waitUntil(
    () => living().api.get<AllocDoc[]>("/v1/job/exits/allocations"),
    (list) => list[0]?.ClientStatus === "running",
    { timeoutMs: 10_000, what: "the task to run" },
  );
  assert.ok(alloc);
  const owner = cluster.agents.find((agent) => agent.name === alloc.NodeName) as TestAgent;
  await cluster.kill(owner);
  const { writeFileSync } = await import("node:fs");
  writeFileSync(`${owner.dir}/alloc/${alloc.ID}/alloc/go`, "");
  cluster.boot(owner);
  const [done] = await waitUntil(
    () => living().api.get<AllocDoc[]>("/v1/job/exits/allocations"),
    (list) => list[0]?.ClientStatus === "failed",
    { timeoutMs: 20_000, what: "the exit to be reported" },
  );
  assert.equal(done?.ID, alloc.ID);
  const events = (done?.TaskStates?.t?.Events ?? []) as Doc[];
  const terminated = events.find((event) => event.Type === "Terminated");
  assert.match(String(terminated?.DisplayMessage), /^Exit Code: 7/);
});
