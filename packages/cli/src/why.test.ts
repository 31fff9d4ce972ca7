/** `why`, and the line that status commands end with on a terminal. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RecordedAgent } from "./testing/recorded-agent.ts";
import type { Exchange } from "./testing/recordings.ts";
import { runRecorded } from "./testing/run-recorded.ts";

const NOW = Date.parse("2026-11-01T12:00:00Z");
const DEPLOYMENT = "1d869c55-c519-3bdd-d93c-8be0be7c3086";
const ALLOC = "2e869c55-c519-3bdd-d93c-8be0be7c3086";
const OTHER = "2e999c55-c519-3bdd-d93c-8be0be7c3086";

const subject = (Kind: string, ID: string) => ({ Kind, ID, Namespace: "default" });
const ofDeployment = {
  Rule: "deployment-awaits-health",
  Subject: subject("deployment", DEPLOYMENT),
  Text: 'group "web": 0 of 2 healthy; 2 allocations not healthy yet',
  Since: "2026-11-01T11:59:50Z",
  WaitsFor: [subject("allocation", ALLOC), subject("allocation", OTHER)],
  WakesAt: "2026-11-01T12:10:00Z",
  Evidence: { group: "web" },
  Hint: "",
};
const ofAlloc = (ID: string) => ({
  Rule: "alloc-check-not-passing",
  Subject: subject("allocation", ID),
  Text: 'check "alive" of service "web" is critical',
  Since: null,
  WaitsFor: [subject("check", `${ID}/alive`)],
  WakesAt: null,
  Evidence: { output: "connection refused\n", empty: "" },
  Hint: `drover alloc checks ${ID}`,
});
const WHY = {
  Index: 9,
  Subject: subject("deployment", DEPLOYMENT),
  Waits: true,
  Chain: [ofDeployment, ofAlloc(ALLOC)],
  Reasons: [ofDeployment, ofAlloc(ALLOC), ofAlloc(OTHER)],
};
const deployment = (Status: string) => ({
  ID: DEPLOYMENT,
  JobID: "web",
  Namespace: "default",
  Status,
  StatusDescription: "Deployment is running",
});

const answer = (at: string, body: unknown, method = "GET"): Exchange => ({
  method,
  path: at.split("?")[0] ?? at,
  query: at.split("?")[1] ?? "",
  t_ms: 0,
  status: 200,
  response_headers: { "Content-Type": "application/json" },
  response_body: body,
});
const jobs = (prefix: string, ...list: unknown[]) =>
  answer(`/v1/jobs?prefix=${prefix}&stale=`, list);
const found = (Matches: unknown) => answer("/v1/search?stale=", { Matches }, "PUT");
/** Asked once more, of the whole cluster. */
const jobsConfirmed = (prefix: string) => answer(`/v1/jobs?prefix=${prefix}`, []);
const foundConfirmed = (Matches: unknown) => answer("/v1/search", { Matches }, "PUT");

let agent: RecordedAgent;
before(async () => {
  agent = await RecordedAgent.start();
});
after(() => agent.stop());

const run = (argv: readonly string[], http: readonly Exchange[], isTerminal = false) =>
  runRecorded(agent, { argv, http, directory: "/", isTerminal, now: NOW });

test("why prints the chain, the root's evidence, every hint, and what else waits", async () => {
  const { exit, stdout } = await run(
    ["why", DEPLOYMENT],
    [
      jobs(DEPLOYMENT),
      found({ deployment: [DEPLOYMENT] }),
      answer(`/v1/why/deployment/${DEPLOYMENT}`, WHY),
    ],
  );
  assert.equal(exit, 0);
  assert.equal(
    stdout,
    `Why = allocation 2e869c55: check "alive" of service "web" is critical

deployment 1d869c55
  group "web": 0 of 2 healthy; 2 allocations not healthy yet (since 10s ago, 10m left)
  allocation 2e869c55
    check "alive" of service "web" is critical

Waits for = check "alive" of 2e869c55
Evidence  = output: connection refused
Hint      = nomad alloc checks ${ALLOC}

Also waiting
  allocation 2e999c55: check "alive" of service "web" is critical
`,
  );
});

test("a job of just that name comes before any id", async () => {
  const nothing = {
    Subject: subject("job", "2e"),
    Waits: false,
    Chain: [],
    Reasons: [],
    Kept: null,
  };
  const { exit, stdout } = await run(
    ["why", "2e"],
    [
      jobs("2e", { ID: "2e", Namespace: "default" }),
      answer("/v1/why/job/2e?namespace=default", nothing),
    ],
  );
  assert.deepEqual([exit, stdout], [0, 'Nothing waits: job "2e"\n']);
});

test("what has ended says until when it is kept", async () => {
  const kept = {
    ...{ Rule: "gc-age", Subject: subject("job", "2e"), Text: "it has ended", WaitsFor: [] },
    ...{ Since: null, WakesAt: "2099-01-01T00:00:00Z", Evidence: {}, Hint: "" },
  };
  const ended = { Subject: subject("job", "2e"), Waits: false, Chain: [], Reasons: [], Kept: kept };
  const { stdout } = await run(
    ["why", "2e"],
    [
      jobs("2e", { ID: "2e", Namespace: "default" }),
      answer("/v1/why/job/2e?namespace=default", ended),
    ],
  );
  assert.match(stdout, /^Nothing waits: job "2e"\nKept = it has ended \(\d+y\d*\w* left\)\n$/);
});

test("what a prefix may mean is listed, and what it does not mean is said", async () => {
  const both = { allocs: [ALLOC, OTHER] };
  const many = await run(
    ["why", "2e"],
    [jobs("2e"), found(both), jobsConfirmed("2e"), foundConfirmed(both)],
  );
  assert.equal(many.exit, 1);
  assert.match(
    many.stderr,
    /^Multiple matches found for id "2e"\n\nAllocations:\n2e869c55.*, 2e99/,
  );
  const none = await run(
    ["why", "ff"],
    [jobs("ff"), found({}), jobsConfirmed("ff"), foundConfirmed({})],
  );
  assert.deepEqual([none.exit, none.stderr], [1, 'Unable to resolve ID: "ff"\n']);
  const misuse = await run(["why"], []);
  assert.equal(misuse.exit, 1);
});

test("-json prints the answer as it came", async () => {
  const { stdout } = await run(
    ["why", "-json", DEPLOYMENT],
    [
      jobs(DEPLOYMENT),
      found({ deployment: [DEPLOYMENT] }),
      answer(`/v1/why/deployment/${DEPLOYMENT}`, WHY),
    ],
  );
  assert.equal(JSON.parse(stdout).Chain.length, 2);
});

test("status ends with the first line on a terminal, and only where something waits", async () => {
  const read = answer(`/v1/deployment/${DEPLOYMENT}`, deployment("running"));
  const why = answer(`/v1/why/deployment/${DEPLOYMENT}?namespace=default`, WHY);
  const self = answer("/v1/agent/self", { config: {} });
  const argv = ["deployment", "status", "-no-color", DEPLOYMENT];
  const line = /Why = allocation 2e869c55: check "alive" of service "web" is critical/;
  assert.match((await run(argv, [read, why, self], true)).stdout, line);
  assert.doesNotMatch((await run(argv, [read, why, self])).stdout, /Why/);
  const idle = answer(`/v1/why/deployment/${DEPLOYMENT}?namespace=default`, {
    Chain: [],
    Reasons: [],
  });
  assert.doesNotMatch((await run(argv, [read, idle, self], true)).stdout, /Why/);
  const older = await run(argv, [read, self], true);
  assert.deepEqual([older.exit, /Why/.test(older.stdout)], [0, false]);
});

test("what a root has to show follows an empty line, also when it waits for time alone", async () => {
  const Name = 'service: "web" check';
  const check = subject("check", `${ALLOC}/${Name}`);
  const root = {
    ...{ Rule: "alloc-check-not-passing", Subject: check, Since: null, WaitsFor: [], Hint: "" },
    ...{ Text: `check '${Name}' of service "web" is critical`, WakesAt: "2026-11-01T12:00:30Z" },
    Evidence: { check: Name, status: "critical" },
  };
  const said = { Subject: check, Waits: true, Chain: [root], Reasons: [root], Kept: null };
  const { stdout } = await run(
    ["why", "2e"],
    [
      jobs("2e", { ID: "2e", Namespace: "default" }),
      answer("/v1/why/job/2e?namespace=default", said),
    ],
  );
  assert.equal(
    stdout,
    `Why = check 'service: "web" check' of 2e869c55: check 'service: "web" check' of service "web" is critical

check 'service: "web" check' of 2e869c55
  check 'service: "web" check' of service "web" is critical (30s left)

Evidence  = status: critical
`,
  );
});
