/**
 * Bad input to a real agent's API: the answer says what is wrong and where, with the status that
 * was recorded, and nothing has changed, neither in the state nor in the log.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AllocDoc, Doc, TestApi } from "../support/api.ts";
import { TestCluster } from "../support/cluster.ts";
import { waitUntil } from "../support/wait.ts";

const NOBODY = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const BODY_BYTES_MAX = 16 << 20;

let cluster: TestCluster;
let api: TestApi;

function mockJob(id: string, more: { group?: string; task?: string; job?: string } = {}): string {
  return `job "${id}" {
  ${more.job ?? ""}
  group "g" {
    ${more.group ?? ""}
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    update {
      min_healthy_time = "0s"
      healthy_deadline = "10s"
    }
    task "t" {
      ${more.task ?? 'driver = "mock_driver"\n      config {\n        run_for = "1h"\n      }'}
      resources {
        cpu    = 20
        memory = 20
      }
    }
  }
}
`;
}

before(async () => {
  cluster = await TestCluster.start({ agents: 1 });
  const agent = cluster.agents[0];
  assert.ok(agent);
  api = agent.api;
  await api.run(mockJob("good"));
  await api.run(mockJob("goods"));
  for (const id of ["good", "goods"]) await successful(id);
  await settled();
});
after(() => cluster.stop());

async function successful(id: string): Promise<void> {
  await waitUntil(
    () => api.get<{ Status: string } | null>(`/v1/job/${id}/deployment`),
    (deployment) => deployment?.Status === "successful",
    { timeoutMs: 15_000, what: `${id} to be deployed` },
  );
}

/** Success is followed by what comes of it: the end of an evaluation, a health that is reported. */
async function settled(): Promise<void> {
  let last = "";
  let since = Date.now();
  await waitUntil(
    async () => {
      const index = await lastLogIndex();
      if (index !== last) since = Date.now();
      last = index;
      return Date.now() - since;
    },
    (restedMs) => restedMs >= 500,
    { timeoutMs: 15_000, what: "the log to rest" },
  );
}

async function lastLogIndex(): Promise<string> {
  const self = await api.get<{ stats: { raft: { last_log_index: string } } }>("/v1/agent/self");
  return self.stats.raft.last_log_index;
}

/** Everything that a refused request must leave alone, with the place in the log it is at. */
async function world(): Promise<Record<string, unknown>> {
  const paths = ["jobs", "evaluations", "allocations", "deployments", "nodes", "namespaces"];
  const lists = await Promise.all(paths.map((path) => api.get(`/v1/${path}?namespace=*`)));
  return {
    ...Object.fromEntries(paths.map((path, i) => [path, lists[i]])),
    lastLogIndex: await lastLogIndex(),
  };
}

async function refused(
  method: string,
  path: string,
  body: string | undefined,
  want: {
    readonly status: number;
    readonly text: string | RegExp;
    readonly byStateMachine?: true;
  },
): Promise<void> {
  const earlier = await world();
  const response = await fetch(`http://${api.address}${path}`, {
    method,
    redirect: "manual",
    signal: AbortSignal.timeout(20_000),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  assert.equal(response.status, want.status, `${method} ${path}: ${text}`);
  if (typeof want.text === "string") assert.equal(text, want.text);
  else assert.match(text, want.text);
  if (text !== "") {
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  }
  const later = await world();
  // The state machine itself compares the check index: its refusal is an entry that changes
  // nothing.
  if (want.byStateMachine) later.lastLogIndex = earlier.lastLogIndex;
  assert.deepEqual(later, earlier, `${method} ${path} changed something`);
}

const job = (fields: Doc) => JSON.stringify({ Job: fields });

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly status: number;
  readonly text: string | RegExp;
}

const BODIES: readonly Case[] = [
  { what: "cut JSON", path: "/v1/jobs", body: '{"Job": ', status: 400, text: "unexpected EOF" },
  {
    what: "text that is no JSON",
    path: "/v1/jobs",
    body: "job {}",
    status: 400,
    text: "invalid character 'j' looking for beginning of value",
  },
  { what: "no body", path: "/v1/jobs", status: 400, text: "Request body is empty" },
  {
    what: "a list for an object",
    path: "/v1/jobs",
    body: "[]",
    status: 400,
    text: "json: cannot unmarshal array into Go value of type api.JobRegisterRequest",
  },
  { what: "no job", path: "/v1/jobs", body: "{}", status: 400, text: "Job must be specified" },
  {
    what: "a job without id",
    path: "/v1/jobs",
    body: job({}),
    status: 400,
    text: "Job ID hasn't been provided",
  },
  {
    what: "a member of the wrong type",
    path: "/v1/jobs",
    body: job({ ID: "x", TaskGroups: "no" }),
    status: 400,
    text: "json: cannot unmarshal string into Go struct field Job.Job.TaskGroups of type []*api.TaskGroup",
  },
  {
    what: "a job that is not valid",
    path: "/v1/jobs",
    body: job({ ID: "x", Type: "service", TaskGroups: [{ Name: "g" }] }),
    status: 500,
    text: "1 error occurred:\n\t* Task group g validation failed: 1 error occurred:\n\t* Missing tasks for task group\n\n\n\n",
  },
  {
    what: "a body of another job than the path",
    path: "/v1/job/good",
    body: job({ ID: "goods", TaskGroups: [] }),
    status: 400,
    text: "Job ID does not match name",
  },
  {
    what: "a plan of another job than the path",
    path: "/v1/job/good/plan",
    body: job({ ID: "goods" }),
    status: 400,
    text: "Job ID does not match",
  },
  {
    what: "a body that is larger than any job",
    path: "/v1/jobs",
    body: `{"Job": {"ID": "x", "Name": "${"x".repeat(BODY_BYTES_MAX)}"}}`,
    status: 400,
    text: "http: request body too large",
  },
  {
    what: "a deployment of another path",
    path: `/v1/deployment/promote/${NOBODY}`,
    body: JSON.stringify({ DeploymentID: "other", All: true }),
    status: 400,
    text: "Deployment ID does not match",
  },
  {
    what: "scaling below zero",
    path: "/v1/job/good/scale",
    body: JSON.stringify({ Count: -1, Target: { Group: "g" } }),
    status: 400,
    text: "scaling action count can't be negative",
  },
];

const UNKNOWN: readonly Case[] = [
  { what: "an unknown job", method: "GET", path: "/v1/job/no", status: 404, text: "job not found" },
  {
    what: "an unknown allocation",
    method: "GET",
    path: `/v1/allocation/${NOBODY}`,
    status: 404,
    text: "alloc not found",
  },
  {
    what: "an id that is none",
    method: "GET",
    path: "/v1/allocation/short",
    status: 500,
    text: "alloc lookup failed: index error: UUID must be 36 characters",
  },
  {
    what: "an unknown deployment to fail",
    path: `/v1/deployment/fail/${NOBODY}`,
    body: "{}",
    status: 500,
    text: "deployment not found",
  },
  {
    what: "an unknown node to drain",
    path: `/v1/node/${NOBODY}/drain`,
    body: JSON.stringify({ NodeID: NOBODY, DrainSpec: { Deadline: 1 } }),
    status: 500,
    text: "node not found",
  },
  {
    what: "an unknown allocation to stop",
    path: `/v1/allocation/${NOBODY}/stop`,
    body: "{}",
    status: 404,
    text: "allocation not found",
  },
  {
    what: "the files of an unknown allocation",
    method: "GET",
    path: `/v1/client/fs/ls/${NOBODY}`,
    status: 404,
    text: `Unknown allocation "${NOBODY}"`,
  },
  {
    what: "a version that never was",
    path: "/v1/job/good/revert",
    body: JSON.stringify({ JobID: "good", JobVersion: 9 }),
    status: 500,
    text: 'job "good" in namespace "default" at version 9 not found',
  },
  {
    what: "a revert to what runs",
    path: "/v1/job/good/revert",
    body: JSON.stringify({ JobID: "good", JobVersion: 0 }),
    status: 500,
    text: "can't revert to current version",
  },
  { what: "an unknown path", method: "GET", path: "/v1/nope", status: 404, text: "" },
  { what: "another API", method: "GET", path: "/v2/jobs", status: 404, text: "" },
  { what: "a wrong verb", method: "DELETE", path: "/v1/jobs", status: 405, text: "Invalid method" },
  {
    what: "reading what can only be written",
    method: "GET",
    path: "/v1/job/good/plan",
    status: 405,
    text: "Invalid method",
  },
];

const QUERIES: readonly Case[] = [
  ["index=x", 400, "Invalid index"],
  ["wait=x", 400, "Invalid wait time"],
  ["per_page=x", 400, "Expect a number for `per_page` query string parameter"],
  ["stale=x", 400, "Expect `true` or `false` for `stale` query string parameter"],
  ["filter=((", 400, /failed to read filter expression: 1:3 \(2\): no match found/],
  ["filter=Nope==1", 400, /couldn't find key: struct field with name "Nope"$/],
  ["region=mars", 500, "No path to region"],
].map(([query, status, text]) => ({
  what: `the query ${query}`,
  method: "GET",
  path: `/v1/jobs?${query}`,
  status: status as number,
  text: text as string | RegExp,
}));

for (const { what, method, path, body, status, text } of [...BODIES, ...UNKNOWN, ...QUERIES]) {
  test(`${what} is answered with ${status} and changes nothing`, async () => {
    await refused(method ?? "PUT", path, body, { status, text });
  });
}

const FILES: readonly [string, string, string | RegExp][] = [
  [
    "a syntax error",
    'job "bad" {\n  group "g" {\n    count = 1 +\n  }\n}\n',
    "Failed to parse job: input.hcl:3,16-4,1: Invalid expression; Expected the start of an " +
      "expression, but found an invalid expression token.",
  ],
  [
    "an unclosed block",
    "job {",
    "Failed to parse job: input.hcl:1,5-6: Unclosed configuration block; There is no closing " +
      "brace for this block before the end of the file. This may be caused by incorrect brace " +
      "nesting elsewhere in this file.",
  ],
  [
    "an unknown attribute",
    'job "bad" {\n  group "g" {\n    colour = "red"\n  }\n}\n',
    /^Failed to parse job: input\.hcl:3,5-11: Unsupported argument; An argument named "colour"/,
  ],
  [
    "a value of the wrong type",
    'job "bad" {\n  group "g" {\n    count = "many"\n  }\n}\n',
    "Failed to parse job: input.hcl:3,14-18: Unsuitable value type; Unsuitable value: a number " +
      "is required",
  ],
  [
    "a file of this machine",
    'job "bad" {\n  meta {\n    x = file("/etc/passwd")\n  }\n}\n',
    /filesystem function disabled/,
  ],
];

for (const [what, hcl, text] of FILES) {
  test(`${what} in a job file is named with line and column`, async () => {
    const body = JSON.stringify({ JobHCL: hcl });
    await refused("PUT", "/v1/jobs/parse", body, { status: 400, text });
  });
}

test("a stale check index names the current one and registers nothing", async () => {
  const current = await api.get<{ JobModifyIndex: number }>("/v1/job/good");
  const Job = await api.put("/v1/jobs/parse", {
    JobHCL: mockJob("good", { job: "priority = 60" }),
  });
  const body = JSON.stringify({ Job, EnforceIndex: true, JobModifyIndex: 1 });
  await refused("PUT", "/v1/jobs", body, {
    status: 500,
    byStateMachine: true,
    text:
      "Enforcing job modify index 1: job exists with conflicting job modify index: " +
      `${current.JobModifyIndex}`,
  });
});

test("an ended deployment can no longer be failed, paused or promoted", async () => {
  const { ID } = await api.get<{ ID: string }>("/v1/job/good/deployment");
  const body = (more: Doc) => JSON.stringify({ DeploymentID: ID, ...more });
  const actions: [string, string, RegExp][] = [
    ["fail", body({}), /can't fail terminal deployment/],
    ["pause", body({ Pause: true }), /can't pause terminal deployment/],
    ["promote", body({ All: true }), /can't promote terminal deployment/],
  ];
  for (const [action, text, message] of actions) {
    await refused("PUT", `/v1/deployment/${action}/${ID}`, text, { status: 500, text: message });
  }
});

test("a prefix that names several jobs lists them all and picks none", async () => {
  const earlier = await world();
  const found = await api.get<{ ID: string }[]>("/v1/jobs?prefix=good");
  assert.deepEqual(
    found.map((stub) => stub.ID),
    ["good", "goods"],
  );
  assert.deepEqual(await api.get("/v1/jobs?prefix=oods"), [], "the middle of a name is no prefix");
  assert.deepEqual(await world(), earlier);
});

interface Planned {
  readonly FailedTGAllocs: Readonly<Record<string, Doc>> | null;
}

const UNPLACEABLE: readonly [string, string, Doc][] = [
  [
    "an unknown driver",
    mockJob("unplaceable", { task: 'driver = "warp"' }),
    { ConstraintFiltered: { "missing drivers": 1 } },
  ],
  [
    "an impossible constraint",
    mockJob("unplaceable", {
      group: `constraint {
      attribute = "\${attr.kernel.name}"
      value     = "plan9"
    }`,
    }),
    { ConstraintFiltered: { "${attr.kernel.name} = plan9": 1 } },
  ],
  [
    "more memory than there is",
    mockJob("unplaceable").replace("memory = 20", "memory = 99000000"),
    { DimensionExhausted: { memory: 1 } },
  ],
];

for (const [what, hcl, reason] of UNPLACEABLE) {
  test(`${what} is explained by the plan, and by the evaluation, and places nothing`, async () => {
    const Job = await api.put("/v1/jobs/parse", { JobHCL: hcl });
    const earlier = await world();
    const planned = await api.put<Planned>("/v1/job/unplaceable/plan", { Job, Diff: true });
    const metric = planned.FailedTGAllocs?.g ?? {};
    for (const [name, value] of Object.entries(reason)) assert.deepEqual(metric[name], value);
    assert.deepEqual(await world(), earlier);

    const { EvalID } = await api.put<{ EvalID: string }>("/v1/jobs", { Job });
    const evaluation = await waitUntil(
      () => api.get<{ Status: string; BlockedEval?: string } & Planned>(`/v1/evaluation/${EvalID}`),
      (found) => found.Status === "complete",
      { timeoutMs: 10_000, what: "the evaluation to be complete" },
    );
    for (const [name, value] of Object.entries(reason)) {
      assert.deepEqual(evaluation.FailedTGAllocs?.g?.[name], value);
    }
    assert.ok(evaluation.BlockedEval, "what could not be placed waits");
    assert.deepEqual(await api.get("/v1/job/unplaceable/allocations"), []);
    const others = await api.get<AllocDoc[]>("/v1/allocations");
    assert.deepEqual(others, earlier.allocations, "the other jobs' allocations are untouched");
    await api.delete("/v1/job/unplaceable?purge=true");
    await api.held<readonly unknown[]>(
      "/v1/evaluations?status=pending",
      (pending) => pending.length === 0,
      { timeoutMs: 10_000, what: "the evaluation of the job's end" },
    );
  });
}

test("a task without the configuration that its driver needs fails and says what is missing", async () => {
  await api.run(mockJob("unplaceable", { task: 'driver = "raw_exec"' }));
  const [alloc] = await waitUntil(
    () => api.get<AllocDoc[]>("/v1/job/unplaceable/allocations"),
    (list) => list.some((item) => item.ClientStatus === "failed"),
    { timeoutMs: 15_000, what: "the allocation to fail" },
  );
  const events = alloc?.TaskStates?.t?.Events ?? [];
  assert.match(events.map((event) => String(event.DisplayMessage)).join("\n"), /command/);
  await api.delete("/v1/job/unplaceable?purge=true");
});

test("a source that is too large to be kept is said to be discarded", async () => {
  const Source = `# ${"x".repeat(1_100_000)}\n`;
  const Job = await api.put("/v1/jobs/parse", { JobHCL: mockJob("large") });
  const body = { Job, Submission: { Source, Format: "hcl2" } };
  const { Warnings } = await api.put<{ Warnings: string }>("/v1/jobs", body);
  assert.equal(
    Warnings,
    "1 warning:\n\n* job source size of 1.1 MB exceeds maximum of 1.0 MB and will be discarded",
  );
  const kept = await api.request("GET", "/v1/job/large/submission?version=0");
  assert.equal(kept.status, 404);
  await api.delete("/v1/job/large?purge=true");
});
