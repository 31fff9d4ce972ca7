/**
 * Every verb of `deployment`, asked of a real agent in every state that a deployment can be in: exit
 * code and text as the specification has them (chapter 7 §7.7, chapter 4 §4.6).
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import test, { after, before } from "node:test";
import type { DeploymentDoc, TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");
const VERBS = ["promote", "fail", "pause", "resume", "unblock"] as const;
type Verb = (typeof VERBS)[number];
const DOING: Readonly<Record<Verb, string>> = {
  promote: "promoting",
  fail: "failing",
  pause: "pausing",
  resume: "resuming",
  unblock: "unblocking",
};

let cluster: TestCluster;
let api: TestApi;
before(async () => {
  cluster = await TestCluster.start({ agents: 1 });
  [{ api }] = cluster.agents as [TestCluster["agents"][number]];
});
after(() => cluster.stop());

function jobOf(id: string, version: number): string {
  return `
job "${id}" {
  group "api" {
    count = 1
    update {
      health_check = "manual"
      canary       = 1
    }
    task "main" {
      driver = "mock_driver"
      config { run_for = "30m" }
      env { V = "${version}" }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
`;
}

interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function drover(...args: readonly string[]): Promise<Said> {
  const env = { ...process.env, NOMAD_ADDR: `http://${api.address}` };
  return new Promise((resolve) => {
    execFile(PROGRAM, args, { encoding: "utf8", env }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

async function deploymentOf(id: string, version: number): Promise<DeploymentDoc> {
  return await waitUntil(
    () => api.get<DeploymentDoc>(`/v1/job/${id}/deployment`),
    (found) => found?.JobVersion === version && (found.TaskGroups.api?.PlacedAllocs ?? 0) > 0,
    { timeoutMs: 20_000, what: `a deployment of version ${version} of ${id}` },
  );
}

async function judge(deployment: string, jobId: string, version: number): Promise<void> {
  const allocs = await api.get<readonly { ID: string; JobVersion: number }[]>(
    `/v1/job/${jobId}/allocations`,
  );
  const ids = allocs.filter(({ JobVersion }) => JobVersion === version).map(({ ID }) => ID);
  await api.put(`/v1/deployment/allocation-health/${deployment}`, {
    DeploymentID: deployment,
    HealthyAllocationIDs: ids,
  });
}

/** A deployment whose canary waits; its job's first version runs. */
async function waiting(id: string): Promise<string> {
  await api.run(jobOf(id, 0));
  const first = await deploymentOf(id, 0);
  await judge(first.ID, id, 0);
  await statusOf(first.ID, "successful");
  await api.run(jobOf(id, 1));
  return (await deploymentOf(id, 1)).ID;
}

async function statusOf(deployment: string, status: string): Promise<void> {
  await waitUntil(
    () => api.get<DeploymentDoc>(`/v1/deployment/${deployment}`),
    ({ Status }) => Status === status,
    { timeoutMs: 20_000, what: `deployment ${status}` },
  );
}

test("a deployment that waits, and a paused one: each verb does what it says", async () => {
  const id = await waiting("active");
  const early = await drover("deployment", "promote", "-detach", id);
  const lacks = '1 error occurred:\n\t* Task group "api" has 0/1 healthy allocations';
  assert.deepEqual([early.status, early.stdout], [1, ""]);
  assert.ok(early.stderr.startsWith("Error promoting deployment: Unexpected response code: 500"));
  assert.ok(early.stderr.includes(lacks), early.stderr);

  const unblocked = { status: 0, stdout: `Deployment "${id}" unblocked\n`, stderr: "" };
  const paused = { status: 0, stdout: `Deployment "${id}" paused\n`, stderr: "" };
  assert.deepEqual(await drover("deployment", "unblock", "-detach", id), unblocked);
  for (const times of ["once", "twice"]) {
    assert.deepEqual(await drover("deployment", "pause", id), paused, times);
    await statusOf(id, "paused");
  }
  assert.deepEqual(await drover("deployment", "unblock", "-detach", id), unblocked);
  const nobody = await drover("deployment", "promote", "-detach", "-group", "nope", id);
  assert.match(nobody.stdout, /^Evaluation ID: [0-9a-f-]{36}\n$/);
  for (const times of ["once", "twice"]) {
    const { status, stdout } = await drover("deployment", "resume", "-detach", id.slice(0, 8));
    assert.equal(status, 0, times);
    assert.match(stdout, /^Deployment "[0-9a-f-]{36}" resumed\nEvaluation ID: [0-9a-f-]{36}\n$/);
    await statusOf(id, "running");
  }
  await judge(id, "active", 1);
  const promoted = await drover("deployment", "promote", "-detach", id);
  assert.match(promoted.stdout, /^Evaluation ID: [0-9a-f-]{36}\n$/);
  await statusOf(id, "successful");
});

async function refusesAll(id: string, what: string): Promise<void> {
  for (const verb of VERBS) {
    const said = await drover("deployment", verb, id);
    const reason = `can't ${verb} terminal deployment`;
    const text = `Error ${DOING[verb]} deployment: Unexpected response code: 500 (${reason})\n`;
    assert.deepEqual(said, { status: 1, stdout: "", stderr: text }, `${verb}, ${what}`);
  }
}

test("a deployment that was failed: said so, followed, and nothing can be asked of it", async () => {
  const id = await waiting("failed");
  const { status, stdout } = await drover("deployment", "fail", id);
  assert.equal(status, 1, "the deployment that it follows has failed");
  assert.ok(stdout.startsWith(`Deployment "${id}" failed\n\n==> `), stdout);
  await refusesAll(id, "failed");
});

test("nothing can be asked of one that was successful, or cancelled", async () => {
  const cancelled = await waiting("ended");
  await api.run(jobOf("ended", 2));
  await statusOf(cancelled, "cancelled");
  await refusesAll(cancelled, "cancelled");
  const all = await api.get<readonly DeploymentDoc[]>("/v1/job/ended/deployments");
  const successful = all.find(({ Status }) => Status === "successful");
  await refusesAll(successful?.ID ?? "", "successful");
});

test("a deployment that is not there is named, and the exit code is 1", async () => {
  for (const verb of VERBS) {
    const said = await drover("deployment", verb, "abcd");
    assert.deepEqual([said.status, said.stdout], [1, ""], verb);
    assert.ok(said.stderr.includes('Deployment ID "abcd" matched no deployments'), said.stderr);
    const usage = await drover("deployment", verb);
    assert.equal(usage.status, 1);
    assert.ok(usage.stderr.startsWith("This command takes one argument: <deployment id>"));
  }
});
