/** `operator raft transfer-leadership`: the server that is named leads then, or it is said why not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type TestAgent, TestCluster } from "../support/cluster.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");

interface RaftServer {
  readonly ID: string;
  readonly Address: string;
  readonly Leader: boolean;
}

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start({ agents: 3 });
});
after(() => cluster.stop());

async function servers(agent: TestAgent): Promise<readonly RaftServer[]> {
  const path = "/v1/operator/raft/configuration";
  return (await agent.api.get<{ Servers: readonly RaftServer[] }>(path)).Servers;
}

function transfer(agent: TestAgent, ...flags: readonly string[]) {
  const env = { ...process.env, NOMAD_ADDR: `http://${agent.host}:4646` };
  const args = ["operator", "raft", "transfer-leadership", ...flags];
  return spawnSync(PROGRAM, args, { encoding: "utf8", env });
}

async function leaderId(agent: TestAgent): Promise<string> {
  const leader = (await servers(agent)).find((one) => one.Leader);
  return leader?.ID ?? "";
}

test("whoever is named leads, by id and by address", async () => {
  const asked = await cluster.leader();
  for (const by of ["ID", "Address"] as const) {
    for (const follower of (await servers(asked)).filter((one) => !one.Leader)) {
      if ((await leaderId(asked)) === follower.ID) continue;
      const said = transfer(asked, by === "ID" ? "-peer-id" : "-peer-address", follower[by]);
      assert.equal(said.status, 0, said.stderr);
      assert.equal(await leaderId(await cluster.leader()), follower.ID);
    }
  }
});

test("a name that no voter has, or the leader's, changes nothing and is an error", async () => {
  const asked = await cluster.leader();
  const before = await leaderId(asked);
  for (const flags of [
    ["-peer-id", "nonsense"],
    ["-peer-address", "192.0.2.1:4647"],
  ] as const) {
    const said = transfer(asked, ...flags);
    assert.equal(said.status, 1, said.stdout);
    assert.match(said.stderr, new RegExp(`no voter has the id or address "${flags[1]}"`));
  }
  const said = transfer(asked, "-peer-id", before);
  assert.equal(said.status, 1, said.stdout);
  assert.match(said.stderr, /leads already/);
  assert.equal(await leaderId(asked), before);
  const both = await asked.api.request(
    "PUT",
    "/v1/operator/raft/transfer-leadership?id=a&address=b",
  );
  assert.equal(both.status, 400);
});
