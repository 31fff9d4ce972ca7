import assert from "node:assert/strict";
import test from "node:test";
import { type Endpoint, endpoints } from "./index.ts";

/** What anyone may ask: it says nothing of what runs here. */
const OPEN = [
  "aclTokenSelf",
  "agentHealth",
  "jwks",
  "regions",
  "statusLeader",
  "statusPeers",
] as const;
/** What looks without changing anything. */
const LOOKING = /^(list-jobs|parse-job|plan-job|read-.*|.*:read)$/;
/** Of these objects everyone has those of its namespaces. */
const NAMESPACED = /^\/v1\/(job|jobs|allocation|allocations|deployment|deployments|evaluations?)\b/;

const all: readonly [string, Endpoint][] = Object.entries(endpoints);

test("every endpoint needs a capability, but for those that tell nothing", () => {
  const open = all.filter(([, { capability }]) => capability === "none").map(([name]) => name);
  assert.deepEqual(open.sort(), [...OPEN]);
});

test("whoever may only look changes nothing", () => {
  for (const [name, { mode, capability }] of all) {
    // A plan changes nothing, and looking at a job again is for its readers in the field too.
    if (mode !== "write" || name === "jobPlan" || name === "jobEvaluate") continue;
    assert.doesNotMatch(capability, LOOKING, `${name} is decided by the leader`);
  }
});

test("what belongs to a namespace is checked in one", () => {
  for (const [name, { namespace, path }] of all) {
    if (NAMESPACED.test(path)) assert.notEqual(namespace, "none", name);
  }
});
