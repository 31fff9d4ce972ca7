import assert from "node:assert/strict";
import test from "node:test";
import type { Server } from "@drover/server";
import { held, runRead } from "./blocking.ts";
import type { ReadHandler, RequestContext } from "./handler.ts";
import { parseQuery } from "./query.ts";
import { toResponse } from "./reply.ts";

/** A server whose state is a number: the index of what is read. */
class CountingServer {
  readonly wall = { now: () => 0 };
  readonly log: string[] = [];
  index = 7;
  /** What the next waits bring: an index, or null for the deadline. */
  readonly changes: (number | null)[] = [];

  async barrier(): Promise<void> {
    this.log.push("barrier");
  }

  snapshot(): { index: number } {
    this.log.push(`read ${this.index}`);
    return { index: this.index };
  }

  withdrawn = false;

  mustServe(): void {
    if (this.withdrawn) throw new Error("in quarantine");
  }

  async changed(_tables: unknown, _from: unknown, { deadline }: { deadline: number }) {
    this.log.push(`wait until ${deadline}`);
    const next = this.changes.shift() ?? null;
    this.index = next ?? this.index;
    return next !== null;
  }
}

const current: ReadHandler = {
  kind: "read",
  tables: ["jobs"],
  run: ({ snapshot: { index } }) => ({ json: { index }, index }),
};

async function read(server: CountingServer, text: string) {
  const query = parseQuery(new URLSearchParams(text));
  const context = { query, signal: new AbortController().signal } as RequestContext;
  return await runRead(current, context, server as unknown as Server);
}

test("a read waits for all that was acknowledged before it, unless it may be stale", async () => {
  const server = new CountingServer();
  await read(server, "");
  assert.deepEqual(server.log, ["barrier", "read 7"]);
  server.log.length = 0;
  await read(server, "stale");
  assert.deepEqual(server.log, ["read 7"]);
});

test("an index that is passed already is answered at once", async () => {
  const server = new CountingServer();
  assert.equal((await read(server, "index=6&wait=1s")).index, 7);
  assert.deepEqual(server.log, ["barrier", "read 7"]);
});

test("a held query answers when its index is passed, not at the first change", async () => {
  const server = new CountingServer();
  server.changes.push(8, 9);
  assert.equal((await read(server, "index=8&wait=1s")).index, 9);
  assert.equal(server.log.filter((line) => line === "wait until 1000").length, 2);
});

test("a held query answers what is there when its time is over", async () => {
  const server = new CountingServer();
  server.changes.push(null);
  assert.deepEqual(await read(server, "index=7&wait=1s"), { json: { index: 7 }, index: 7 });
});

test("what costs is drawn up once, for the answer that is given", async () => {
  const server = new CountingServer();
  server.changes.push(8, 9, null);
  const query = parseQuery(new URLSearchParams("index=8&wait=1s"));
  const context = { query, signal: new AbortController().signal } as RequestContext;
  const drawn: number[] = [];
  const result = await held(
    ["jobs"],
    { context, server: server as unknown as Server },
    ({ index }) => ({
      index,
      answer: async () => {
        drawn.push(index);
        return { json: null, index };
      },
    }),
  );
  assert.deepEqual([result.index, drawn], [9, [9]]);
});

test("nothing is drawn up for who has gone", async () => {
  const server = new CountingServer();
  const leaving = new AbortController();
  server.changed = async () => {
    leaving.abort();
    return false;
  };
  const query = parseQuery(new URLSearchParams("index=7&wait=1s"));
  const context = { query, signal: leaving.signal } as RequestContext;
  const parts = { context, server: server as unknown as Server };
  const answer = () => assert.fail("for nobody");
  const result = await held(["jobs"], parts, ({ index }) => ({ index, answer }));
  assert.deepEqual(result, { json: null, index: 7 });
});

test("an answer carries the index that the next query may wait for", async () => {
  const result = await read(new CountingServer(), "");
  const options = { read: true, knownLeader: true, pretty: false, acceptGzip: false };
  const { headers } = await toResponse(result, options);
  assert.equal(headers.get("x-nomad-index"), "7");
  assert.equal(headers.get("x-nomad-knownleader"), "true");
});

test("what was held on a server in quarantine is not answered from its state", async () => {
  const server = new CountingServer();
  server.withdrawn = true;
  await assert.rejects(read(server, "index=7&wait=1s"), /in quarantine/);
  assert.deepEqual(server.log, ["barrier", "read 7", "wait until 1000"]);
});
