/**
 * Four servers, of which three vote. One dies for good: without anybody's doing three vote again,
 * and writes go on. It comes back with its old data, and later with none: it finds a place and
 * disturbs nobody.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const DEAD_AFTER_MS = 4_000;
/** Dead time, the interval between two looks, elections and the change itself. */
const REPLACED_WITHIN_MS = DEAD_AFTER_MS + 6_000;

interface RaftServer {
  readonly Node: string;
  readonly ID: string;
  readonly Leader: boolean;
  readonly Voter: boolean;
}

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start({
    agents: 4,
    extra: `autopilot { dead_server_threshold = "${DEAD_AFTER_MS}ms" }`,
  });
});
after(() => cluster.stop());

async function servers(through: TestAgent): Promise<readonly RaftServer[]> {
  const reply = await through.api.get<{ Servers: RaftServer[] }>("/v1/operator/raft/configuration");
  return reply.Servers;
}

/** Names of those that vote, as every living agent sees it. */
async function votersAgreed(want: (names: readonly string[]) => boolean, what: string) {
  return await waitUntil(
    async () => {
      const lists = await Promise.all(
        cluster.alive.map(async (agent) => {
          const all = await servers(agent);
          return all.filter((server) => server.Voter).map((server) => nameOf(server));
        }),
      );
      return lists.map((names) => names.sort().join(" "));
    },
    (lists) => lists.every((list) => list === lists[0] && want(list.split(" "))),
    { timeoutMs: 30_000, what },
  ).then((lists) => lists[0]?.split(" ") ?? []);
}

function nameOf(server: RaftServer): string {
  return server.Node.replace(/\.global$/, "");
}

function agentOf(name: string): TestAgent {
  const agent = cluster.agents.find((one) => one.name === name);
  assert.ok(agent);
  return agent;
}

async function termOf(agent: TestAgent): Promise<number> {
  const self = await agent.api.get<{ stats: { raft: { term: string } } }>("/v1/agent/self");
  return Number(self.stats.raft.term);
}

let writes = 0;

/** Writes one thing after the other through `agent` until stopped; says how long the worst took. */
function keepWriting(agent: TestAgent): { stop(): Promise<{ count: number; slowestMs: number }> } {
  let running = true;
  const done = (async () => {
    let count = 0;
    let slowestMs = 0;
    while (running) {
      writes += 1;
      const startedAt = Date.now();
      await agent.api.put(`/v1/namespace/n${writes}`, {
        Name: `n${writes}`,
        Description: "written",
      });
      slowestMs = Math.max(slowestMs, Date.now() - startedAt);
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { count, slowestMs };
  })();
  return {
    stop: () => {
      running = false;
      return done;
    },
  };
}

const threeOf = (names: readonly string[]) => names.length === 3;

test("of four servers that formed a cluster three vote", async () => {
  const voters = await votersAgreed(threeOf, "three voters of four");
  assert.equal((await servers(agentOf("n1"))).length, 4);
  assert.equal(voters.length, 3);
});

test("a voter that dies for good is replaced by the standby; writes go on", async (t) => {
  const leader = await cluster.leader();
  const before = await votersAgreed(threeOf, "three voters");
  const victim = agentOf(before.find((name) => name !== leader.name) ?? "");
  const standby = cluster.agents.find((agent) => !before.includes(agent.name));
  assert.ok(standby);
  const term = await termOf(leader);
  const writer = keepWriting(leader);
  await cluster.kill(victim);
  const startedAt = Date.now();
  const voters = await votersAgreed((names) => !names.includes(victim.name), "the dead one to go");
  const tookMs = Date.now() - startedAt;
  const { count, slowestMs } = await writer.stop();
  t.diagnostic(`replaced after ${tookMs} ms, ${count} writes, slowest ${slowestMs} ms`);
  assert.ok(voters.includes(standby.name), voters.join());
  assert.equal(voters.length, 3);
  assert.ok(tookMs <= REPLACED_WITHIN_MS, `${tookMs} ms`);
  assert.ok(count > 10 && slowestMs < 3_000, `${count} writes, slowest ${slowestMs} ms`);
  assert.equal(await termOf(leader), term, "nobody had to be elected");
  const asked = cluster.alive.find((agent) => agent !== leader);
  const health = await asked?.api.get<{
    FailureTolerance: number;
    Healthy: boolean;
    Reason: string;
    Servers: { Name: string; Healthy: boolean; Voter: boolean }[];
  }>("/v1/operator/autopilot/health");
  const { FailureTolerance, Healthy, Reason, Servers = [] } = health ?? {};
  assert.deepEqual([FailureTolerance, Healthy, Reason], [1, false, "no-spare"]);
  const unwell = Servers.filter((server) => !server.Healthy).map((server) => server.Name);
  assert.deepEqual(unwell, [`${victim.name}.global`]);

  // Back with what it had: it is brought up to date, votes no more, and makes nobody campaign.
  const again = keepWriting(leader);
  cluster.boot(victim);
  await cluster.ready(4);
  const seen = await votersAgreed(threeOf, "all four to agree on three voters");
  assert.ok(!seen.includes(victim.name), seen.join());
  await waitUntil(
    () => victim.api.get<{ Name: string }[]>("/v1/namespaces?stale"),
    (list) => list.some((one) => one.Name === `n${writes}`),
    { timeoutMs: 15_000, what: "the returned one to have what was written meanwhile" },
  );
  await again.stop();
  assert.equal(await termOf(leader), term, "nobody had to be elected");
});

test("a leader whose disk is lost is replaced; the machine returns as a new server", async () => {
  const victim = await cluster.leader();
  await votersAgreed(threeOf, "three voters");
  const oldId = (await servers(victim)).find((server) => nameOf(server) === victim.name)?.ID;
  await cluster.kill(victim);
  rmSync(victim.dir, { recursive: true });
  mkdirSync(victim.dir);
  await votersAgreed((names) => threeOf(names) && !names.includes(victim.name), "three others");
  const through = cluster.alive[0] as TestAgent;
  await through.api.put("/v1/namespace/after", { Name: "after", Description: "written" });
  cluster.boot(victim);
  await cluster.ready(4);
  const all = await waitUntil(
    () => servers(through),
    (list) => list.length === 4 && list.filter((server) => server.Voter).length === 3,
    { timeoutMs: 15_000, what: "four servers, three of which vote" },
  );
  const back = all.find((server) => nameOf(server) === victim.name);
  assert.ok(back && !back.Voter && back.ID !== oldId, JSON.stringify(all));
  await waitUntil(
    () => victim.api.get<{ Name: string }[]>("/v1/namespaces?stale"),
    (list) => list.some((one) => one.Name === "after"),
    { timeoutMs: 15_000, what: "the new server to have the state" },
  );
});
