import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { SECOND } from "@drover/base";
import type { ServiceCheck } from "@drover/model";
import { mockServiceCheck } from "@drover/model/testing";
import { aSpec } from "../testing.ts";
import { runProbe } from "./probe.ts";

async function probing(
  handler: http.RequestListener,
  more: Partial<ServiceCheck> = {},
): ReturnType<typeof runProbe> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await probe(port, more);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function probe(port: number, more: Partial<ServiceCheck>) {
  const [check] = aSpec({ port, service: { checks: [mockServiceCheck(more)] } }).checks;
  assert.ok(check !== undefined);
  return runProbe(check, new AbortController().signal);
}

test("200 passes with the words users know", async () => {
  const result = await probing((_request, answer) => answer.end("body"));
  assert.deepEqual(result, { status: "passing", output: "nomad: http ok", statusCode: 200 });
});

test("other codes below 400 pass with their body, the rest is critical", async () => {
  const cases: [number, string][] = [
    [204, "passing"],
    [399, "passing"],
    [400, "critical"],
    [503, "critical"],
  ];
  for (const [code, status] of cases) {
    const result = await probing((_request, answer) => answer.writeHead(code).end("why"));
    assert.equal(result.status, status, String(code));
    assert.equal(result.statusCode, code);
    if (code !== 204) assert.equal(result.output, "why");
  }
});

test("a long body is cut at three KiB", async () => {
  const result = await probing((_request, answer) => {
    answer.writeHead(500).end("x".repeat(10_000));
  });
  assert.equal(result.output, "x".repeat(3 * 1024));
});

test("method, header and body are sent", async () => {
  let seen = "";
  await probing(
    (request, answer) => {
      request.on("data", (chunk: Buffer) => {
        seen = `${request.method} ${request.url} ${request.headers["x-a"]} ${chunk}`;
      });
      request.on("end", () => answer.end());
    },
    { method: "POST", path: "/ready?x=1", header: { "X-A": ["b"] }, body: "hello" },
  );
  assert.equal(seen, "POST /ready?x=1 b hello");
});

test("redirects are followed, but not for ever", async () => {
  const found = await probing((request, answer) => {
    if (request.url === "/health") answer.writeHead(302, { location: "/real" }).end();
    else answer.writeHead(request.url === "/real" ? 200 : 500).end();
  });
  assert.equal(found.statusCode, 200);
  const loop = await probing((_request, answer) => {
    answer.writeHead(302, { location: "/health" }).end();
  });
  assert.equal(loop.status, "critical");
  assert.match(loop.output, /10 redirects/);
});

test("no answer in time is critical and says so", async () => {
  const result = await probing(() => undefined, { timeout: SECOND / 20 });
  assert.equal(result.status, "critical");
  assert.equal(result.output, "nomad: no answer within 50ms");
});

test("a tcp check passes where somebody listens, and only there", async () => {
  const result = await probing(() => undefined, { type: "tcp" });
  assert.deepEqual(result, { status: "passing", output: "nomad: tcp ok", statusCode: 0 });
  const refused = await probe(1, { type: "tcp" });
  assert.equal(refused.status, "critical");
  assert.match(refused.output, /ECONNREFUSED/);
});
