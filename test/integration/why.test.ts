/** What `why` says of real agents: asked on a machine outside Raft, it names the root. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type TestAgent, TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");

interface Subject {
  readonly Kind: string;
  readonly ID: string;
}
interface Reason {
  readonly Rule: string;
  readonly Subject: Subject;
  readonly Text: string;
  readonly WaitsFor: readonly Subject[];
  readonly WakesAt: string | null;
  readonly Evidence: Readonly<Record<string, string>>;
  readonly Hint: string;
}
interface Why {
  readonly Waits: boolean;
  readonly Chain: readonly Reason[];
  readonly Reasons: readonly Reason[];
}

interface JobOptions {
  readonly memory?: number;
  /** Nothing listens there, or the agent's own API does and knows no such path. */
  readonly check?: "unheard" | "unknown path";
  readonly minHealthy?: string;
}

function jobOf(id: string, { check, memory = 16, minHealthy = "0s" }: JobOptions): string {
  const isHttp = check === "unknown path";
  const service = `
    network {
      port "http" {}
    }
    service {
      name     = "${id}"
      provider = "nomad"
      port     = "${isHttp ? "4646" : "http"}"
      check {
        name     = "alive"
        ${isHttp ? 'type = "http"\n path = "/v1/nowhere"' : 'type = "tcp"'}
        interval = "1s"
        timeout  = "1s"
      }
    }`;
  return `
job "${id}" {
  group "web" {
    count = 2
    update {
      max_parallel     = 1
      min_healthy_time = "${minHealthy}"
    }${check ? service : ""}
    task "server" {
      driver = "mock_driver"
      config {
        run_for = "1h"
      }
      resources {
        cpu    = 10
        memory = ${memory}
      }
    }
  }
}`;
}

let cluster: TestCluster;
/** It has no copy of the state and forwards the question. */
let outside: TestAgent;

before(async () => {
  cluster = await TestCluster.start({ agents: 2, clientsOnly: 1 });
  outside = cluster.agents[1] as TestAgent;
});
after(() => cluster.stop());

async function submit(id: string, options: JobOptions): Promise<string> {
  const job = await outside.api.put("/v1/jobs/parse", { JobHCL: jobOf(id, options) });
  await outside.api.put("/v1/jobs", { Job: job });
  const deployment = await waitUntil(
    () => outside.api.get<{ ID: string } | null>(`/v1/job/${id}/deployment`),
    (found) => found !== null,
    { timeoutMs: 10_000, what: `a deployment of ${id}` },
  );
  return deployment?.ID ?? "";
}

function drover(...args: readonly string[]) {
  const env = { ...process.env, NOMAD_ADDR: `http://${outside.host}:4646` };
  const { status, stderr, stdout } = spawnSync(PROGRAM, args, { encoding: "utf8", env });
  return { status, stdout, stderr };
}

/** The API's answer once the chain ends with `rule`. */
async function rootOf(path: string, rule: string): Promise<Why> {
  return await waitUntil(
    () => outside.api.get<Why>(`/v1/why/${path}`),
    (why) => why.Chain.at(-1)?.Rule === rule,
    { timeoutMs: 20_000, what: `${rule} as the root of ${path}` },
  );
}

test("a deployment that finds no memory: the root is capacity, and which", async () => {
  const id = await submit("hungry", { memory: 9_999_999 });
  const why = await rootOf("job/hungry", "eval-no-capacity");
  assert.deepEqual(
    why.Chain.map(({ Subject }) => Subject.Kind),
    ["job", "deployment", "evaluation"],
  );
  assert.match(why.Chain.at(-1)?.Text ?? "", /memory exhausted on 2 nodes/);
  const said = drover("why", "hungry");
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stdout, /^Why = evaluation [0-9a-f]{8}: no place .*memory exhausted/);
  assert.match(said.stdout, /Waits for = capacity/);
  assert.match(said.stdout, /Hint +=/);
  const byPrefix = drover("why", id.slice(0, 8));
  assert.match(byPrefix.stdout, /memory exhausted/);
});

test("a check that fails: the root is the check, by its name and what it said last", async () => {
  const id = await submit("sick", { check: "unheard" });
  const why = await rootOf(`deployment/${id}`, "alloc-check-not-passing");
  const root = why.Chain.at(-1);
  assert.equal(root?.WaitsFor[0]?.Kind, "check");
  assert.match(root?.WaitsFor[0]?.ID ?? "", /\/alive$/);
  assert.match(root?.Evidence.output ?? "", /ECONNREFUSED/);
  assert.notEqual(root?.WakesAt, null);
  const said = drover("why", id);
  assert.match(said.stdout, /^Why = allocation .*check "alive" of service "sick" is critical/);
});

test("a check that is refused over HTTP: its code is told, whatever the body says", async () => {
  const id = await submit("refused", { check: "unknown path" });
  await waitUntil(
    () => rootOf(`deployment/${id}`, "alloc-check-not-passing"),
    (why) => why.Chain.at(-1)?.Evidence["status code"] === "404",
    { timeoutMs: 10_000, what: "the code of the check" },
  );
});

test("a paused deployment waits for a person, and how to go on is said", async () => {
  const id = await submit("still", { minHealthy: "2m" });
  await rootOf("job/still", "alloc-min-healthy-time");
  await outside.api.put(`/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: true });
  const why = await rootOf(`deployment/${id}`, "deployment-paused");
  assert.equal(why.Chain.length, 1);
  const said = drover("why", id);
  assert.match(said.stdout, /it is paused/);
  assert.match(said.stdout, new RegExp(`drover deployment resume ${id}`));
});

test("a held question is answered when the state has changed, or its time is over", async () => {
  const id = await submit("held", { minHealthy: "2m" });
  const path = `/v1/why/deployment/${id}`;
  await rootOf(`deployment/${id}`, "alloc-min-healthy-time");
  const { index } = await outside.api.request("GET", path);
  assert.ok(index > 0);
  const question = outside.api.request("GET", `${path}?index=${index}&wait=20s`);
  await outside.api.put(`/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: true });
  const answer = await question;
  assert.ok(answer.index > index, `${answer.index} after ${index}`);
  assert.deepEqual(
    (answer.json as Why).Chain.map(({ Rule }) => Rule),
    ["deployment-paused"],
  );
  const late = await outside.api.request("GET", `${path}?index=${answer.index + 1000}&wait=300ms`);
  assert.equal((late.json as Why).Chain[0]?.Rule, "deployment-paused");
});

test("what waits for nothing says so, and what is not there is not found", async () => {
  const nodes = await outside.api.get<{ ID: string }[]>("/v1/nodes");
  const node = await outside.api.get<Why>(`/v1/why/node/${nodes[0]?.ID}`);
  assert.deepEqual([node.Waits, node.Chain, node.Reasons], [false, [], []]);
  assert.match(drover("why", nodes[0]?.ID ?? "").stdout, /^Nothing waits: node /);
  const unknown = "00000000-0000-4000-8000-000000000000";
  const paths: readonly (readonly [string, string])[] = [
    ["job/nope", "job not found"],
    [`deployment/${unknown}`, "deployment not found"],
    [`allocation/${unknown}`, "alloc not found"],
    [`evaluation/${unknown}`, "eval not found"],
    [`node/${unknown}`, "node not found"],
  ];
  for (const [path, message] of paths) {
    const reply = await outside.api.request("GET", `/v1/why/${path}`);
    assert.deepEqual([reply.status, reply.text], [404, message], path);
  }
  const lost = drover("why", "nope");
  assert.deepEqual([lost.status, lost.stderr], [1, 'Unable to resolve ID: "nope"\n']);
});

test("a node that falls silent is overdue until it is given up", async () => {
  const asked = cluster.agents[0] as TestAgent;
  const nodes = await asked.api.get<{ ID: string; Name: string }[]>("/v1/nodes");
  const id = nodes.find(({ Name }) => Name === outside.name)?.ID ?? "";
  await cluster.kill(outside);
  const seen = new Set<string>();
  await waitUntil(
    async () => {
      const why = await asked.api.get<Why>(`/v1/why/node/${id}`);
      for (const { Rule } of why.Reasons) seen.add(Rule);
      return [...seen];
    },
    (rules) => rules.includes("node-down"),
    { timeoutMs: 30_000, what: "the node to be given up" },
  );
  assert.deepEqual([...seen].slice(0, 2), ["node-heartbeat", "node-down"]);
});
