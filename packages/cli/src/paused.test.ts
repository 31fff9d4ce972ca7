/** What follows a deployment that is paused: nothing, so that nobody is kept waiting for it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import type { Exchange } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const NOW = Date.parse("2026-11-01T12:00:00Z");
const DEPLOYMENT = "1d869c55-c519-3bdd-d93c-8be0be7c3086";
const EVAL = "3c1c1331-c519-3bdd-d93c-8be0be7c3086";
const PREFIX = DEPLOYMENT.slice(0, 8);

const deployment = (Status: string) => ({
  ...{ ID: DEPLOYMENT, JobID: "web", JobVersion: 1, Namespace: "default", Status },
  StatusDescription: `Deployment is ${Status}`,
  TaskGroups: {},
});

const answer = (method: string, at: string, body: unknown): Exchange => ({
  method,
  path: at.split("?")[0] ?? at,
  query: at.split("?")[1] ?? "",
  t_ms: 0,
  status: 200,
  response_headers: { "Content-Type": "application/json", "X-Nomad-Index": "9" },
  response_body: body,
});

const EVALUATED: readonly Exchange[] = [
  answer("GET", `/v1/evaluation/${EVAL}?related=true`, {
    ...{ ID: EVAL, JobID: "web", Status: "complete", DeploymentID: DEPLOYMENT },
  }),
  answer("GET", `/v1/evaluation/${EVAL}/allocations`, []),
];
const NOW_PAUSED = answer("GET", `/v1/deployment/${DEPLOYMENT}`, deployment("paused"));
const NOW_RUNNING = answer("GET", `/v1/deployment/${DEPLOYMENT}`, deployment("running"));
const looks = (...statuses: string[]) =>
  statuses.map((status, i) => {
    const query = i === 0 ? "stale=" : "index=9&stale=";
    return answer("GET", `/v1/deployment/${DEPLOYMENT}?${query}`, deployment(status));
  });

const JOBS = answer("GET", "/v1/jobs?per_page=20&prefix=web", [
  { ID: "web", Namespace: "default" },
]);
const FOUND = answer("GET", `/v1/deployments?prefix=${PREFIX}`, [deployment("paused")]);
const DONE = { EvalID: EVAL };

/** Every verb that may find a paused deployment behind its evaluation, and what it asks first. */
const VERBS: Readonly<Record<string, readonly Exchange[]>> = {
  [`deployment promote ${PREFIX}`]: [
    FOUND,
    answer("PUT", `/v1/deployment/promote/${DEPLOYMENT}`, DONE),
  ],
  [`deployment unblock ${PREFIX}`]: [
    FOUND,
    answer("PUT", `/v1/deployment/unblock/${DEPLOYMENT}`, DONE),
  ],
  "job promote web": [
    JOBS,
    answer("GET", "/v1/job/web/deployment?namespace=default", deployment("paused")),
    answer("PUT", `/v1/deployment/promote/${DEPLOYMENT}?namespace=default`, DONE),
  ],
  "job eval web": [JOBS, answer("PUT", "/v1/job/web/evaluate?namespace=default", DONE)],
  [`eval status -monitor ${EVAL}`]: [
    answer("GET", `/v1/evaluations?prefix=${EVAL}`, [{ ID: EVAL }]),
  ],
};

let agent: RecordedAgent;
before(async () => {
  agent = await RecordedAgent.start();
});
after(() => agent.stop());

const run = (line: string, http: readonly Exchange[]) =>
  runRecorded(agent, {
    ...{ argv: line.split(" "), http, directory: "/", isTerminal: false, now: NOW },
  });

for (const [line, asked] of Object.entries(VERBS)) {
  test(`"${line}" of a paused deployment ends, and says how to go on`, async () => {
    const { exit, stdout, stderr } = await run(line, [
      ...asked,
      ...EVALUATED,
      ...looks("paused"),
      NOW_PAUSED,
    ]);
    assert.deepEqual(agent.unexpected, []);
    assert.equal(stderr, "");
    const end = [
      `Deployment "${PREFIX}" is paused: it goes no further before it is resumed.`,
      `Resume it and watch it to its end: nomad deployment resume ${PREFIX}`,
      "",
    ];
    assert.equal(stdout.slice(stdout.indexOf(`Deployment "${PREFIX}" is paused`)), end.join("\n"));
    assert.equal(exit, 1, "the deployment has not been successful");
  });
}

test("a deployment that is paused while it is followed is followed on", async () => {
  const { exit, stdout } = await run("job eval web", [
    ...(VERBS["job eval web"] ?? []),
    ...EVALUATED,
    ...looks("running", "paused", "running", "successful"),
  ]);
  assert.doesNotMatch(stdout, /goes no further/);
  assert.equal(exit, 0);
});

test("an agent that has not heard of the resume yet does not end the watch", async () => {
  const { exit, stdout } = await run("job eval web", [
    ...(VERBS["job eval web"] ?? []),
    ...EVALUATED,
    ...looks("paused", "running", "successful"),
    NOW_RUNNING,
  ]);
  assert.doesNotMatch(stdout, /goes no further/);
  assert.equal(exit, 0);
});
