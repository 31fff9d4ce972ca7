import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import { mockServiceCheck } from "@drover/model/testing";
import { aSpec } from "../testing.ts";
import { registrationPayload } from "./payload.ts";

function checkPayload(check: Parameters<typeof mockServiceCheck>[0]) {
  const payload = registrationPayload(aSpec({ service: { checks: [mockServiceCheck(check)] } }));
  return (payload.Checks as readonly Record<string, unknown>[])[0] ?? {};
}

test("a registration says what it is and whose", () => {
  const spec = aSpec({
    service: { tags: ["v1"], meta: { a: "1" }, weights: { passing: 3, warning: 1 } },
  });
  assert.deepEqual(registrationPayload(spec), {
    ID: "_drover-task-alloc-1-web-geo-api-http",
    Name: "geo-api",
    Tags: ["v1"],
    Meta: { a: "1", "external-source": "drover", "drover-node": "node-1" },
    Address: "127.0.0.1",
    Port: 20_000,
    EnableTagOverride: false,
    Checks: [],
    Weights: { Passing: 3, Warning: 1 },
  });
});

test("the user's meta cannot pass for another node's", () => {
  const spec = aSpec({ service: { meta: { "drover-node": "node-2" } } });
  assert.equal((registrationPayload(spec).Meta as Record<string, string>)["drover-node"], "node-1");
});

test("fields that say nothing are not sent, because an old Consul refuses unknown ones", () => {
  assert.deepEqual(Object.keys(checkPayload({})).sort(), [
    "CheckID",
    "HTTP",
    "Header",
    "Interval",
    "Name",
    "Timeout",
  ]);
});

test("an http check has its address, a tcp and a grpc one theirs", () => {
  const http = checkPayload({ protocol: "https", method: "HEAD", tlsSkipVerify: true });
  assert.equal(http.HTTP, "https://127.0.0.1:20000/health");
  assert.equal(http.Method, "HEAD");
  assert.equal(http.TLSSkipVerify, true);
  assert.equal(http.Interval, "1000ms");
  assert.equal(checkPayload({ type: "tcp" }).TCP, "127.0.0.1:20000");
  const grpc = checkPayload({ type: "grpc", grpcService: "geo.Api", grpcUseTls: true });
  assert.equal(grpc.GRPC, "127.0.0.1:20000/geo.Api");
  assert.equal(grpc.GRPCUseTLS, true);
});

test("a script check is a time to live with room for a slow run", () => {
  const check = checkPayload({ type: "script", interval: 10 * SECOND, initialStatus: "passing" });
  assert.equal(check.TTL, "41000ms");
  assert.equal(check.Interval, undefined);
  assert.equal(check.Status, "passing");
});
