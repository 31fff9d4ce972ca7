import assert from "node:assert/strict";
import test from "node:test";
import { endpoints, endpointUrl, matchEndpoint } from "./index.ts";

const cases: [string, string, string, Record<string, string>?][] = [
  ["GET", "/v1/jobs", "jobList"],
  ["POST", "/v1/jobs", "jobRegister"],
  ["GET", "/v1/job/web", "jobRead", { id: "web" }],
  ["GET", "/v1/job/posted/ok/summary", "jobSummary", { id: "posted/ok" }],
  ["GET", "/v1/job/posted%2Fok/summary", "jobSummary", { id: "posted/ok" }],
  ["PUT", "/v1/job/web/versions/t1/tag", "jobTag", { id: "web", tag: "t1" }],
  ["DELETE", "/v1/job/web/versions/t1/tag", "jobUntag", { id: "web", tag: "t1" }],
  ["GET", "/v1/job/web/scale", "jobScaleStatus", { id: "web" }],
  ["PUT", "/v1/job/web/scale", "jobScale", { id: "web" }],
  ["DELETE", "/v1/job/a%2Fb", "jobDelete", { id: "a/b" }],
  ["PUT", "/v1/job/web/plan", "jobPlan", { id: "web" }],
  ["GET", "/v1/deployment/allocations/d1", "deploymentAllocations", { id: "d1" }],
  ["GET", "/v1/deployment/d1", "deploymentRead", { id: "d1" }],
  ["GET", "/v1/evaluations/count", "evalCount"],
  ["GET", "/v1/node/pools", "nodePoolList"],
  ["GET", "/v1/node/n1", "nodeRead", { id: "n1" }],
  ["GET", "/v1/job/", "jobRead", { id: "" }],
  ["GET", "/v1/jobs/statuses", "jobStatuses"],
  ["GET", "/v1/acl/token/self", "aclTokenSelf"],
];

for (const [method, path, name, params] of cases) {
  test(`${method} ${path} is ${name}`, () => {
    const match = matchEndpoint(method, path);
    assert.equal(match.kind, "found");
    if (match.kind !== "found") return;
    assert.equal(match.name, name);
    assert.deepEqual(match.params, params ?? {});
  });
}

test("a known path with another verb is 405, an unknown one 404", () => {
  assert.equal(matchEndpoint("PATCH", "/v1/jobs").kind, "method");
  assert.equal(matchEndpoint("GET", "/v1/job/web/plan").kind, "method");
  assert.equal(matchEndpoint("GET", "/v1/nothing").kind, "none");
  assert.equal(matchEndpoint("GET", "/v1").kind, "none");
});

test("a built URL matches its own endpoint", () => {
  const url = endpointUrl(endpoints.jobSummary, { id: "a/b c" }, { namespace: "default" });
  assert.equal(url, "/v1/job/a%2Fb%20c/summary?namespace=default");
  const match = matchEndpoint("GET", url.split("?")[0] ?? "");
  assert.equal(match.kind === "found" && match.params.id, "a/b c");
});
