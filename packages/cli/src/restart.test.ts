/** `job restart` where not everything goes well, and who is asked then. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import type { Exchange } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const NOW = Date.parse("2026-11-01T12:00:00Z");
const STAMP = "2026-11-01T12:00:00Z";
const ID = (n: number) => `${n}d869c55-c519-3bdd-d93c-8be0be7c3086`;
const NS = "namespace=default";

const answer = (at: string, body: unknown, status = 200): Exchange => {
  const [method = "GET", path = "", query = ""] = at.split(/[ ?]/);
  return {
    ...{ method, path, query, t_ms: 0, status, response_body: body },
    response_headers: {
      "Content-Type": status === 200 ? "application/json" : "text/plain",
      "X-Nomad-Index": "9",
    },
  };
};

const alloc = (n: number, tasks: readonly string[] = ["srv"]) => ({
  ...{ ID: ID(n), TaskGroup: "front", JobVersion: 0, ClientStatus: "running" },
  DesiredStatus: "run",
  TaskStates: Object.fromEntries(tasks.map((task) => [task, { State: "running" }])),
});

const job = (allocs: readonly unknown[], deployments: readonly unknown[] = []) => [
  answer("GET /v1/jobs?per_page=20&prefix=web", [{ ID: "web", Namespace: "default" }]),
  answer(`GET /v1/job/web?${NS}`, { ID: "web" }),
  answer(`GET /v1/job/web/versions?diffs=false&${NS}`, {
    Versions: [{ Version: 0, TaskGroups: [{ Name: "front", Tasks: [{ Name: "later" }] }] }],
  }),
  answer(`GET /v1/job/web/allocations?all=true&${NS}`, allocs),
  answer(`GET /v1/job/web/deployments?all=true&${NS}`, deployments),
];
const restarted = (n: number) => answer(`PUT /v1/client/allocation/${ID(n)}/restart?${NS}`, {});
const refused = (n: number) =>
  answer(`PUT /v1/client/allocation/${ID(n)}/restart?${NS}`, "no such task", 500);

let agent: RecordedAgent;
before(async () => {
  agent = await RecordedAgent.start();
});
after(() => agent.stop());

async function restart(
  flags: string,
  http: readonly Exchange[],
  more: { readonly isTerminal?: boolean; readonly stdin?: string } = {},
) {
  const argv = ["job", "restart", ...flags.split(" ").filter((word) => word !== ""), "web"];
  const run = { argv, http, directory: "/nowhere", now: NOW, ...more };
  const { exit, stdout, stderr } = await runRecorded(agent, run);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const plain = (text: string) => text.replaceAll(/\u001b\[\d+m/g, "").replaceAll(STAMP, "T");
  return { exit, stdout: plain(stdout), stderr: plain(stderr) };
}

test("one allocation is one, and tasks are those of the version where none is told yet", async () => {
  const http = [...job([alloc(1)]), restarted(1)];
  const { exit, stdout } = await restart("-yes", http);
  assert.equal(exit, 0);
  assert.match(stdout, /^==> T: Restarting 1 allocation\n {4}T: Restarting running tasks in/);
  const none = await restart("-yes -task nope -verbose", http);
  assert.match(none.stdout, /Skipping allocation "1d869c55-.*" because it doesn't have any of/);
  assert.match(none.stdout, /No allocations to restart\n$/);
  const later = await restart("-yes -task later", http);
  assert.match(later.stdout, /^==> T: Restarting 1 allocation\n/);
});

test("a running deployment keeps a restart from beginning", async () => {
  const http = job([alloc(1)], [{ ID: ID(7), Status: "running" }]);
  const { exit, stdout, stderr } = await restart("-yes", http);
  assert.equal(exit, 1);
  assert.match(stdout, /Job restart finished with errors\n$/);
  const said = '\n1 error occurred while restarting job:\n* Deployment "7d869c55" is "running"\n';
  assert.equal(stderr, said);
  assert.deepEqual(agent.writes, []);
});

const TWO = [...job([alloc(1), alloc(2)]), refused(1), restarted(2)];
const ERROR =
  'Error restarting allocation "1d869c55": Unexpected response code: 500 (no such task)';

test("with -yes an error does not keep the next batch back, and is told at the end", async () => {
  const { exit, stdout, stderr } = await restart("-yes", TWO);
  assert.equal(exit, 1);
  assert.match(stdout, /"2d869c55".*\n==> T: Job restart finished with errors\n$/);
  assert.equal(stderr, `\n1 error occurred while restarting job:\n* ${ERROR}\n`);
});

test("with -on-error=fail an error is the end", async () => {
  const { exit, stdout } = await restart("-on-error fail", TWO);
  assert.equal(exit, 1);
  assert.match(stdout, /Stopping job restart due to error\n==> T: Job restart finished with/);
  assert.doesNotMatch(stdout, /"2d869c55"/);
});

test("on a terminal an error is asked about until the answer is understood", async () => {
  const no = await restart("", TWO, { isTerminal: true, stdin: "what\n\n" });
  assert.equal(no.exit, 1);
  assert.match(no.stdout, /==> T: 1 error occurred while restarting job:\n {4}\* Error restarting/);
  assert.match(no.stdout, /proceed with the next batch\? \[y\/N\] {5}Invalid answer "what"\n/);
  assert.match(no.stdout, /==> T: Job restart canceled\n\n1 error occurred/);
  assert.equal(agent.writes.length, 1);
  const yes = await restart("", TWO, { isTerminal: true, stdin: "y\n" });
  assert.equal(yes.exit, 1);
  assert.equal(agent.writes.length, 2);
});

test("who is asked between batches may give a pause for all that follow", async () => {
  const http = [...job([alloc(1), alloc(2), alloc(3)]), restarted(1), restarted(2), restarted(3)];
  const more = { isTerminal: true, stdin: "2s\n" };
  const { exit, stdout } = await restart("-batch-wait ask", http, more);
  assert.equal(exit, 0);
  assert.match(stdout, /Proceed with the next batch\? \[Y\/n\/<wait duration>\]/);
  assert.match(stdout, /Proceeding restarts with new wait time of 2s\n/);
  assert.equal(stdout.match(/Waiting 2s before restarting the next batch/g)?.length, 2);
});

test("no room for a replacement ends a restart, also with -yes", async () => {
  const blocked = {
    ...{ ID: ID(9), Status: "blocked", CreateIndex: 9 },
    FailedTGAllocs: { front: { DimensionExhausted: { memory: 1 } } },
  };
  const http = [
    ...job([alloc(1), alloc(2)]),
    answer(`PUT /v1/allocation/${ID(1)}/stop?${NS}`, { EvalID: ID(8) }),
    answer(`GET /v1/allocation/${ID(1)}?index=1&${NS}`, alloc(1)),
    answer(`GET /v1/allocation/${ID(1)}?index=9&${NS}`, alloc(1)),
    answer(`GET /v1/job/web/evaluations?index=9&${NS}`, [blocked]),
  ];
  const { exit, stdout, stderr } = await restart("-yes -reschedule", http);
  assert.equal(exit, 1);
  assert.match(stdout, /Stopping job restart due to unrecoverable error/);
  assert.match(stderr, /\* Error restarting allocation "1d869c55": Evaluation "9d869c55" has/);
  assert.match(stderr, /Resources exhausted|memory/);
});
