/**
 * Three servers, of which two are destroyed: nothing can be written any more. An operator recovers
 * the third; it goes on alone with the state it had, tasks run on, and others join anew.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AllocDoc } from "../support/api.ts";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/drover", import.meta.url));
const JOB = `job "kept" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
      resources {
        cpu    = 20
        memory = 20
      }
    }
  }
}
`;

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start({
    agents: 3,
    extra: 'autopilot { dead_server_threshold = "4s" }',
  });
});
after(async () => {
  for (const agent of cluster.alive.slice(0, 1)) {
    await agent.api.delete("/v1/job/kept?purge=true");
    await waitUntil(
      () => agent.api.get<AllocDoc[]>("/v1/allocations"),
      (list) => list.every((alloc) => alloc.ClientStatus === "complete"),
      { timeoutMs: 15_000, what: "the task to be stopped" },
    );
  }
  await cluster.stop();
});

function recover(agent: TestAgent, ...flags: string[]) {
  const args = ["operator", "raft", "recover", "-data-dir", agent.dir, ...flags];
  const { status, stdout, stderr } = spawnSync(PROGRAM, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

async function raftServers(agent: TestAgent): Promise<string[]> {
  const { Servers } = await agent.api.get<{ Servers: { Node: string; Voter: boolean }[] }>(
    "/v1/operator/raft/configuration",
  );
  return Servers.filter((server) => server.Voter).map((server) => server.Node);
}

test("one of three servers is recovered; the others join it anew", async () => {
  const [first, second, third] = cluster.agents;
  assert.ok(first && second && third);
  await first.api.run(JOB);
  const running = await waitUntil(
    () => first.api.get<AllocDoc[]>("/v1/job/kept/allocations"),
    (list) => list[0]?.ClientStatus === "running",
    { timeoutMs: 15_000, what: "the task to run" },
  );
  await waitUntil(
    () => first.api.get<AllocDoc[]>("/v1/job/kept/allocations?stale"),
    (list) => list[0]?.ClientStatus === "running",
    { timeoutMs: 5_000, what: "the first server to have it all" },
  );
  const refused = recover(first, "-yes");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /in use by process \d+; stop it first/);

  // One is destroyed with its disk, one will come back with what it had.
  await cluster.kill(second);
  await cluster.kill(third);
  await cluster.kill(first);
  rmSync(join(second.dir, "raft"), { recursive: true });
  cpSync(join(third.dir, "raft"), join(third.dir, "raft.kept"), { recursive: true });

  const shown = recover(first);
  assert.equal(shown.status, 1);
  assert.match(shown.stdout, /^Server +=|Last Index +=/m);
  assert.match(shown.stderr, /add -yes/);
  assert.ok(!readdirSync(first.dir).some((name) => name.startsWith("raft.")));
  const done = recover(first, "-yes");
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /only voter now/);
  assert.match(done.stdout, new RegExp(`${second.host}:4647`));

  cluster.boot(first);
  await waitUntil(
    () => first.api.get<AllocDoc[]>("/v1/job/kept/allocations"),
    (list) => list[0]?.ID === running[0]?.ID && list[0]?.ClientStatus === "running",
    { timeoutMs: 20_000, what: "the same allocation to run on" },
  );
  assert.deepEqual(await raftServers(first), [`${first.name}.global`]);
  await first.api.put("/v1/namespace/after", { Name: "after", Description: "written alone" });

  // With its old log it is refused, says so, and leads nobody back.
  cluster.boot(third);
  await waitUntil(
    () => cluster.log(third),
    (log) => /belongs to another cluster|this is cluster/.test(log),
    { timeoutMs: 15_000, what: "the third server to say that it is refused" },
  );
  assert.deepEqual(await raftServers(first), [`${first.name}.global`]);
  await cluster.kill(third);

  rmSync(join(third.dir, "raft"), { recursive: true });
  cluster.boot(second);
  cluster.boot(third);
  await waitUntil(
    () => raftServers(first),
    (voters) => voters.length === 3,
    { timeoutMs: 30_000, what: "three voters again" },
  );
  await cluster.ready(3);
  await waitUntil(
    () => third.api.get<{ Name: string }[]>("/v1/namespaces?stale"),
    (list) => list.some((one) => one.Name === "after"),
    { timeoutMs: 15_000, what: "the third server to have the state" },
  );
});
