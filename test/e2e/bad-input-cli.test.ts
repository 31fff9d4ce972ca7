/**
 * Bad input on the command line: the message names file, line, column and the remedy, the exit code
 * is the recorded one (reference/cli/5-errors), and nothing has changed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const PROGRAM = join(import.meta.dirname, "../../packages/cli/bin/drover");
/** Nobody listens there. */
const NOWHERE = "127.0.0.1:4";
const REFUSED = "dial tcp 127.0.0.1:4: connect: connection refused";

const FILES: Readonly<Record<string, string>> = {
  "good.hcl": mockJob("good", ""),
  "goods.hcl": mockJob("goods", ""),
  "syntax.hcl": 'job "bad" {\n  group "g" {\n    count = 1 +\n  }\n}\n',
  "unclosed.hcl": 'job "bad" {\n  group "g" {\n',
  "attribute.hcl": 'job "bad" {\n  group "g" {\n    colour = "red"\n  }\n}\n',
  "type.hcl": 'job "bad" {\n  group "g" {\n    count = "many"\n  }\n}\n',
  "no-driver.hcl": 'job "bad" {\n  group "g" {\n    task "t" {\n    }\n  }\n}\n',
  "driver.hcl": mockJob("bad", "").replace('"mock_driver"', '"warp"'),
  "nowhere.hcl": mockJob(
    "bad",
    `constraint {\n    attribute = "\${attr.kernel.name}"\n    value     = "plan9"\n  }`,
  ),
  "huge.hcl": mockJob("bad", "").replace("memory = 20", "memory = 99000000"),
};

function mockJob(id: string, more: string): string {
  return `job "${id}" {
  ${more}
  group "g" {
    update {
      min_healthy_time = "0s"
    }
    task "t" {
      driver = "mock_driver"
      config {
        run_for = "1h"
      }
      resources {
        cpu    = 20
        memory = 20
      }
    }
  }
}
`;
}

let cluster: TestCluster;
let api: TestApi;
let dir: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "drover-bad-"));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text);
  cluster = await TestCluster.start({ agents: 1 });
  const agent = cluster.agents[0];
  assert.ok(agent);
  api = agent.api;
  for (const id of ["good", "goods"]) {
    await api.run(FILES[`${id}.hcl`] ?? "");
    await waitUntil(
      () => api.get<{ Status: string } | null>(`/v1/job/${id}/deployment`),
      (deployment) => deployment?.Status === "successful",
      { timeoutMs: 15_000, what: `${id} to be deployed` },
    );
  }
});
after(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function drover(args: readonly string[], address = api.address): Promise<Ended> {
  const child = spawn(PROGRAM, [...args], {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, TZ: "UTC", NOMAD_ADDR: `http://${address}` },
    timeout: 30_000,
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text.stdout += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text.stderr += part;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, ...text }));
  });
}

async function world(): Promise<unknown> {
  const paths = ["jobs", "evaluations", "allocations", "deployments", "nodes"];
  return await Promise.all(paths.map((path) => api.get(`/v1/${path}`)));
}

type Text = string | RegExp;

interface Case {
  readonly args: string;
  readonly exit: number;
  readonly stderr?: Text;
  readonly stdout?: Text;
  readonly address?: string;
}

const CASES: readonly Case[] = [
  {
    args: "job run syntax.hcl",
    exit: 1,
    stderr:
      "Error getting job struct: Error parsing job file from syntax.hcl:\n" +
      "syntax.hcl:3,16-4,1: Invalid expression; Expected the start of an expression, but found " +
      "an invalid expression token.\n",
  },
  {
    args: "job plan syntax.hcl",
    exit: 255,
    stderr: /^Error getting job struct: .*\nsyntax\.hcl:3,16/,
  },
  { args: "job validate unclosed.hcl", exit: 1, stderr: /unclosed\.hcl:2,13-14: Unclosed config/ },
  {
    args: "job validate attribute.hcl",
    exit: 1,
    stderr: /attribute\.hcl:3,5-11: Unsupported argument; An argument named "colour" is not/,
  },
  { args: "job validate type.hcl", exit: 1, stderr: /type\.hcl:3,14-18: .*a number is required/ },
  {
    args: "job validate no-driver.hcl",
    exit: 1,
    stderr: /Task group g validation failed: 1 error occurred:\n.*Task t .*\n.*Missing task driver/,
  },
  { args: "job run no-driver.hcl", exit: 1, stderr: /^Error submitting job: .* 500 \(1 error/ },
  {
    args: "job plan driver.hcl",
    exit: 1,
    stdout: /\* Constraint "missing drivers": 1 nodes excluded by filter/,
  },
  {
    args: "job plan nowhere.hcl",
    exit: 1,
    stdout: /\* Constraint "\$\{attr\.kernel\.name\} = plan9": 1 nodes excluded by filter/,
  },
  { args: "job plan huge.hcl", exit: 1, stdout: /\* Dimension "memory" exhausted on 1 nodes/ },
  {
    args: "job run -check-index 9999 good.hcl",
    exit: 1,
    stderr:
      /^Enforcing job modify index 9999: job exists with conflicting job modify index: \d+\nJob not updated\n$/,
  },
  {
    args: "job run -check-index x good.hcl",
    exit: 1,
    stderr: 'Error parsing check-index value "x": strconv.ParseUint: parsing "x": invalid syntax\n',
  },
  {
    args: "job stop goo",
    exit: 1,
    stderr: /^Prefix "goo" matched multiple jobs\n\nID .*\ngood .*\ngoods /,
  },
  {
    args: "job stop nosuch",
    exit: 1,
    stderr: 'No job(s) with prefix or ID "nosuch" found\n',
  },
  {
    args: "alloc stop ffffffff",
    exit: 1,
    stderr: 'No allocation(s) with prefix or id "ffffffff" found\n',
  },
  {
    args: "deployment fail f",
    exit: 1,
    stderr: "Error retrieving deployment: Identifier must contain at least two characters.\n",
  },
  {
    args: "node drain -enable -yes zzzzzzzz",
    exit: 1,
    stderr: /Unexpected response code: 500 \(node lookup failed: .* U\+007A 'z'\)\n$/,
  },
  {
    args: "job run",
    exit: 1,
    stderr: /^This command takes one argument: <path>\nFor additional help/,
  },
  { args: "job run -nope good.hcl", exit: 1, stderr: /^flag provided but not defined: -nope\n/ },
  { args: "job plan -nope good.hcl", exit: 255, stderr: /^flag provided but not defined: -nope\n/ },
  { args: "nope", exit: 127, stdout: /^Usage: / },
  {
    args: "job status -region mars",
    exit: 1,
    stderr: "Error querying jobs: Unexpected response code: 500 (No path to region)\n",
  },
  {
    args: "status",
    address: NOWHERE,
    exit: 1,
    stderr: `Error querying jobs: Get "http://${NOWHERE}/v1/jobs": ${REFUSED}\n`,
  },
  {
    args: "job run good.hcl",
    address: NOWHERE,
    exit: 1,
    stderr: `Error submitting job: Put "http://${NOWHERE}/v1/jobs": ${REFUSED}\n`,
  },
  {
    args: "job plan good.hcl",
    address: NOWHERE,
    exit: 255,
    stderr: `Error during plan: Put "http://${NOWHERE}/v1/job/good/plan": ${REFUSED}\n`,
  },
  {
    args: "job validate good.hcl",
    address: NOWHERE,
    exit: 0,
    stdout:
      /^Driver configuration not validated since connection .*\n\nJob validation successful\n$/,
  },
];

function matches(text: string, wanted: Text | undefined): void {
  if (wanted === undefined) return;
  if (typeof wanted === "string") assert.equal(text, wanted);
  else assert.match(text, wanted);
}

for (const { args, exit, stderr, stdout, address } of CASES) {
  const where = address === undefined ? "" : " without an agent";
  test(`drover ${args}${where} ends with ${exit} and changes nothing`, async () => {
    const earlier = await world();
    const ended = await drover(args.split(" "), address);
    assert.equal(ended.exit, exit, `${ended.stdout}${ended.stderr}`);
    matches(ended.stderr, stderr);
    matches(ended.stdout, stdout);
    assert.deepEqual(await world(), earlier);
  });
}
