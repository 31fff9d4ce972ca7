/** What tests and benches wait by ends, and says what did not come. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { TestApi } from "../support/api.ts";
import { within } from "../support/wait.ts";

/** Answers every query at once, with the index that follows the one it was asked from. */
async function counter(t: TestContext): Promise<TestApi> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://agent");
    const index = Number(url.searchParams.get("index")) + 1;
    const headers = { "Content-Type": "application/json", "X-Nomad-Index": String(index) };
    response.writeHead(200, headers).end(JSON.stringify({ path: url.pathname, index }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new TestApi(`127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test("a held query goes on from the index that was answered, until what is waited for is there", async (t) => {
  const api = await counter(t);
  const seen: number[] = [];
  const reached = ({ index }: { readonly index: number }) => seen.push(index) === 3;
  const options = { timeoutMs: 5_000, what: "the third answer", index: 7 };
  assert.deepEqual(await api.held("/v1/x?a=b", reached, options), { path: "/v1/x", index: 10 });
  assert.deepEqual(seen, [8, 9, 10]);
});

test("a held query that waits in vain names what it waited for, and what it saw", async (t) => {
  const api = await counter(t);
  await assert.rejects(
    api.held("/v1/x", () => false, { timeoutMs: 50, what: "what never comes" }),
    /^Error: waited 50 ms for what never comes; last seen: \{"path":"\/v1\/x","index":\d+\}$/,
  );
});

test("an answer that does not come in time is named; one that does, or fails, is passed on", async () => {
  const never = new Promise<never>(() => undefined);
  const options = { timeoutMs: 20, what: "an event" };
  await assert.rejects(within(never, options), /^Error: waited 20 ms for an event$/);
  assert.equal(await within(Promise.resolve(1), options), 1);
  await assert.rejects(within(Promise.reject(new Error("broken")), options), /broken/);
});
