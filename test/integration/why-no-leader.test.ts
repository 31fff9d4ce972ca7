/** What `why` says when most servers are gone: an answer all the same, and that nobody leads. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");
const JOB = `
job "patient" {
  group "web" {
    task "server" {
      driver = "mock_driver"
      config {
        run_for = "1h"
      }
      resources {
        memory = 9999999
      }
    }
  }
}`;

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start({ agents: 3 });
});
after(() => cluster.stop());

test("with most servers gone the root is that nobody leads, told from what was known", async () => {
  const [left, ...others] = cluster.agents;
  assert.ok(left);
  await left.api.run(JOB);
  await left.api.held<readonly { readonly Status: string }[]>(
    "/v1/job/patient/evaluations?stale",
    (evals) => evals.some(({ Status }) => Status === "blocked"),
    { timeoutMs: 15_000, what: "what could not be placed, as the one that is left knows it" },
  );
  for (const agent of others as TestAgent[]) await cluster.kill(agent);
  await waitUntil(
    () => left.api.get<string>("/v1/status/leader"),
    (leader) => leader === "",
    { timeoutMs: 15_000, what: "the end of the leadership" },
  );
  const asked = Date.now();
  const why = await left.api.get<{ Chain: { Rule: string }[]; Reasons: { Rule: string }[] }>(
    "/v1/why/job/patient",
  );
  assert.ok(Date.now() - asked < 5_000, `answered in ${Date.now() - asked} ms`);
  const rules = why.Chain.map(({ Rule }) => Rule);
  assert.deepEqual(rules, ["no-leader", "no-leader"]);
  assert.ok(why.Reasons.some(({ Rule }) => Rule === "eval-no-capacity"));
  const env = { ...process.env, NOMAD_ADDR: `http://${left.host}:4646` };
  const said = spawnSync(PROGRAM, ["why", "patient"], { encoding: "utf8", env });
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stdout, /^Why = the leader: there is none: a majority of the servers must/);
  assert.match(said.stdout, /Hint +=.*drover server members/);
});
