import assert from "node:assert/strict";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { ApiError, type Endpoint, type EndpointName } from "@drover/api";
import { DroverError } from "@drover/base";
import type { Server } from "@drover/server";
import type { PeerPool } from "@drover/wire";
import type { AgentInfo } from "../agent-info.ts";
import { Dispatcher, type DispatcherDeps } from "./dispatcher.ts";
import type { Handler, RequestContext } from "./handler.ts";
import { httpApp } from "./http-server.ts";

const agent = { region: "global", leaderAddress: () => "" } as unknown as AgentInfo;
const nobody = { get: () => assert.fail("nothing is forwarded") } as unknown as PeerPool;

/** An agent without parts, whose handlers are the given ones. */
function app(handlers: Partial<Record<EndpointName, Handler>>, more: Partial<DispatcherDeps> = {}) {
  const dispatcher = new Dispatcher({
    agent,
    server: () => null,
    client: () => null,
    clientOpen: Promise.resolve(),
    peers: nobody,
    handlers: handlers as DispatcherDeps["handlers"],
    log: () => undefined,
    authorize: () => true,
    otherServers: () => [],
    ...more,
  });
  return httpApp(dispatcher);
}

const regions: Handler = { kind: "local", run: async () => ({ json: ["global"] }) };

test("a request finds the handler of its endpoint", async () => {
  const response = await app({ regions }).request("/v1/regions");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '["global"]');
  assert.equal(response.headers.get("content-type"), "application/json");
});

test("pretty is indented by four spaces and ends with a newline", async () => {
  const response = await app({ regions }).request("/v1/regions?pretty");
  assert.equal(await response.text(), '[\n    "global"\n]\n');
});

test("gzip is sent to who accepts it, unless the answer is short", async () => {
  const headers = { "Accept-Encoding": "gzip" };
  const names = Array.from({ length: 200 }, (_, i) => `region-${i}`);
  const many: Handler = { kind: "local", run: async () => ({ json: names }) };
  const response = await app({ regions: many }).request("/v1/regions", { headers });
  assert.equal(response.headers.get("content-encoding"), "gzip");
  const body = gunzipSync(Buffer.from(await response.arrayBuffer()));
  assert.deepEqual(JSON.parse(body.toString()), names);
  const short = await app({ regions }).request("/v1/regions", { headers });
  assert.equal(short.headers.get("content-encoding"), null);
  assert.equal(short.headers.get("vary"), "Accept-Encoding");
  assert.equal(await short.text(), '["global"]');
});

const fixed: readonly [string, string, number, string][] = [
  ["GET", "/v1/nothing", 404, ""],
  ["DELETE", "/v1/regions", 405, "Invalid method"],
  ["GET", "/v1/quotas", 501, "Nomad Enterprise only endpoint"],
  ["GET", "/v1/acl/policies", 400, "ACL support disabled"],
  ["GET", "/v1/regions?region=mars", 500, "No path to region"],
  ["GET", "/v1/regions?index=x", 400, "Invalid index"],
  ["GET", "/v1/client/allocation/x/exec", 400, "a WebSocket upgrade is required"],
];
for (const [method, path, status, text] of fixed) {
  test(`${method} ${path} is answered with ${status}`, async () => {
    const response = await app({ regions }).request(path, { method });
    assert.equal(response.status, status);
    assert.equal(await response.text(), text);
  });
}

test("the root leads to the console", async () => {
  const response = await app({}).request("/");
  assert.equal(response.status, 307);
  assert.equal(response.headers.get("location"), "/ui/");
});

test("what may not be done is refused before the handler sees it", async () => {
  const asked: string[] = [];
  const authorize = (_who: unknown, endpoint: Endpoint, namespace: string) => {
    asked.push(`${endpoint.capability} in ${namespace}`);
    return false;
  };
  const jobParse: Handler = { kind: "local", run: () => assert.fail("it ran") };
  const request = app({ jobParse }, { authorize });
  const response = await request.request("/v1/jobs/parse?namespace=team", { method: "PUT" });
  assert.equal(response.status, 403);
  assert.equal(await response.text(), "Permission denied");
  assert.deepEqual(asked, ["parse-job in team"]);
});

test("an error that nobody expected is a 500 with its text", async () => {
  const broken: Handler = {
    kind: "local",
    run: () => Promise.reject(new DroverError("odd", "the disk is full")),
  };
  const response = await app({ regions: broken }).request("/v1/regions");
  assert.equal(response.status, 500);
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(await response.text(), "the disk is full");
});

test("who writes too much is told to come back later", async () => {
  const refusal = new ApiError("too-many-requests", "too many");
  const overloaded: Handler = { kind: "local", run: () => Promise.reject(refusal) };
  const response = await app({ regions: overloaded }).request("/v1/regions");
  assert.equal(response.status, 429);
  assert.match(response.headers.get("retry-after") ?? "", /^[1-9][0-9]*$/);
  assert.equal(await response.text(), "too many");
});

test("a request has its caller's token or one of its own, and none is long", async () => {
  const tokens: string[] = [];
  const run = async ({ token }: RequestContext) => {
    tokens.push(token);
    return { json: null };
  };
  const request = app({ regions: { kind: "local", run } });
  for (const given of ["", "?idempotency_token=", "?idempotency_token=mine"]) {
    await request.request(`/v1/regions${given}`);
  }
  const long = "x".repeat(5_000);
  for (const given of [long, long, `${long}y`]) {
    await request.request(`/v1/regions?idempotency_token=${given}`);
  }
  const [none = "", empty = "", mine, first = "", again, other] = tokens;
  assert.ok(none !== "" && empty !== "" && none !== empty, "each has one");
  assert.equal(mine, "mine");
  assert.ok(first === again && first !== other && first.length <= 128, first);
});

test("a machine outside Raft tries one server after the other", async () => {
  const tried: string[] = [];
  const peers = {
    get: (address: string) => {
      tried.push(address);
      if (address === "dead:1") {
        throw new DroverError("unreachable", "no", { retryable: true });
      }
      return {
        open: async () => ({
          head: { status: 200, headers: { "content-type": "application/json" } },
          stream: { chunks: new Blob(["[]"]).stream() },
        }),
      };
    },
  } as unknown as PeerPool;
  const jobList: Handler = { kind: "read", tables: [], run: () => assert.fail("it ran here") };
  const request = app({ jobList }, { peers, otherServers: () => ["dead:1", "alive:1", "third:1"] });
  const response = await request.request("/v1/jobs");
  assert.equal(await response.text(), "[]");
  assert.deepEqual(tried, ["dead:1", "alive:1"]);
});

test("who asks before the cluster is formed is answered as soon as it is", async () => {
  let asked = 0;
  let behindBarrier = false;
  const barrier = async () => {
    behindBarrier = true;
  };
  const { signal: withdrawn } = new AbortController();
  const formed = { barrier, withdrawn } as unknown as Server;
  const server = () => (++asked < 3 ? null : formed);
  const jobList: Handler = { kind: "stream", run: async () => ({ json: ["formed"] }) };
  const response = await app({ jobList }, { server }).request("/v1/jobs");
  assert.deepEqual([response.status, await response.json()], [200, ["formed"]]);
  assert.ok(behindBarrier, "a server that has just joined knows nothing yet");
});

test("whether a leader is known is said as it is when the answer is there", async () => {
  let leader = "";
  const waits: Handler = {
    kind: "local",
    run: async () => {
      leader = "127.0.0.1:4647";
      return { json: [], index: 5 };
    },
  };
  const found = { region: "global", leaderAddress: () => leader } as unknown as AgentInfo;
  const response = await app({ regions: waits }, { agent: found }).request("/v1/regions");
  assert.equal(response.headers.get("x-nomad-knownleader"), "true");
});
