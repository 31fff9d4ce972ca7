import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError } from "@drover/api";
import { listen, PeerPool, Router, type WireListener } from "@drover/wire";
import {
  type ForwardOptions,
  forwardRequest,
  type LocalDispatch,
  serveForwarded,
} from "./forward.ts";

/** What the other machine does with the next request. */
let dispatch: LocalDispatch;
let wire: WireListener;
let peers: PeerPool;

before(async () => {
  const router = new Router(() => undefined);
  serveForwarded(router, (request, options) => dispatch(request, options));
  wire = await listen({ host: "127.0.0.1", port: 0, router, onRaftSocket: () => undefined });
  peers = new PeerPool(new Router(() => undefined));
});
after(async () => {
  peers.close();
  await wire.close();
});

function forward(
  request: Request,
  body: Uint8Array | null = null,
  options: ForwardOptions = { token: "t1", hops: 0 },
): Promise<Response> {
  return forwardRequest(peers, wire.address, request, body, options);
}

test("method, path, query, body and headers arrive; status, headers and body come back", async () => {
  dispatch = async (request) => {
    const url = new URL(request.url);
    const told = {
      method: request.method,
      path: url.pathname + url.search,
      token: request.headers.get("x-nomad-token"),
      body: await request.text(),
    };
    return Response.json(told, { status: 418, headers: { "X-Nomad-Index": "7" } });
  };
  const headers = { "X-Nomad-Token": "secret" };
  const request = new Request("http://here/v1/jobs?region=global", { method: "PUT", headers });
  const response = await forward(request, Buffer.from('{"Job": 1}'));
  assert.equal(response.status, 418);
  assert.equal(response.headers.get("x-nomad-index"), "7");
  assert.deepEqual(await response.json(), {
    method: "PUT",
    path: "/v1/jobs?region=global",
    token: "secret",
    body: '{"Job": 1}',
  });
});

test("the token travels along and the hops are counted", async () => {
  let seen: ForwardOptions | null = null;
  dispatch = async (_request, options) => {
    seen = options;
    return new Response(null, { status: 204 });
  };
  const response = await forward(new Request("http://here/v1/jobs"), null, {
    token: "once",
    hops: 1,
  });
  assert.equal(response.status, 204);
  assert.deepEqual(seen, { token: "once", hops: 2 });
});

test("a request that went around too often is refused without being sent", async () => {
  dispatch = () => assert.fail("it was sent");
  await assert.rejects(
    forward(new Request("http://here/v1/jobs"), null, { token: "t", hops: 2 }),
    new ApiError("internal", "request was forwarded too often: leadership is moving, retry"),
  );
});

test("a body that goes on comes piece by piece", async () => {
  let send: (text: string) => void = () => undefined;
  dispatch = async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (text) => controller.enqueue(Buffer.from(text));
        send("one");
      },
    });
    return new Response(body);
  };
  const response = await forward(new Request("http://here/v1/event/stream"));
  const reader = response.body?.getReader();
  assert.ok(reader);
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), "one");
  send("two");
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), "two");
  await reader.cancel();
});

test("a caller that goes away ends an answer that has nothing to send", async () => {
  let noticed: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    noticed = resolve;
  });
  dispatch = async (request) => {
    request.signal.addEventListener("abort", noticed);
    return new Response(new ReadableStream());
  };
  const caller = new AbortController();
  await forward(new Request("http://here/v1/event/stream", { signal: caller.signal }));
  caller.abort();
  await ended;
});

test("a machine that cannot be reached is an error that may be tried again", async () => {
  const gone = forwardRequest(peers, "127.0.0.1:1", new Request("http://here/v1/jobs"), null, {
    token: "t",
    hops: 0,
  });
  await assert.rejects(gone, { code: "unreachable", retryable: true });
});
