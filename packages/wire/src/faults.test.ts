import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, before, test } from "node:test";
import { dial, listen, PeerPool, Router, type RpcPeer, type WireListener } from "./index.ts";

let listener: WireListener;
let peer: RpcPeer;
const accepted: RpcPeer[] = [];
const server = new Router(() => undefined);
const dialler = new Router(() => undefined);
/** Set by the `stuck` handler: how it ended. */
let stuck: Promise<string> | null = null;

before(async () => {
  server.handle("echo", async (payload) => payload);
  server.handle("huge", async () => Buffer.alloc(61 << 20));
  server.handleStream("greet", async (_payload, stream, _peer, reply) => {
    reply("head");
    await stream.write(Buffer.from("hello"));
  });
  server.handleStream("large", async (_payload, stream, _peer, reply) => {
    reply("head");
    await stream.write(Buffer.alloc(70 << 20, 1));
  });
  server.handleStream("stuck", async (_payload, stream) => {
    stuck = (async () => {
      try {
        for await (const _ of stream.chunks);
        return "ended";
      } catch (error) {
        return (error as Error).message;
      }
    })();
    await stuck;
  });
  const onPeer = (p: RpcPeer) => accepted.push(p);
  listener = await listen({ host: "127.0.0.1", port: 0, router: server, onPeer });
  peer = await dial(listener.address, dialler);
});

after(async () => {
  peer.close();
  await listener.close();
});

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of chunks) all += Buffer.from(chunk).toString();
  return all;
}

test("a socket for another path that breaks does not take the agent down", async () => {
  const port = Number(listener.address.split(":")[1]);
  for (let i = 0; i < 5; i++) {
    const raw = createConnection(port, "127.0.0.1");
    raw.on("error", () => undefined);
    await new Promise((resolve) => raw.once("connect", resolve));
    const closed = new Promise((resolve) => raw.once("close", resolve));
    raw.write("GET /nope HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await new Promise((resolve) => setImmediate(resolve));
    raw.resetAndDestroy();
    await closed;
  }
  assert.equal(await peer.call("echo", "still here"), "still here");
});

test("a stream whose handler has returned is over, though the opener never ends its half", async () => {
  const { stream } = await peer.open("greet", null);
  assert.equal(await text(stream.chunks), "hello");
  await assert.rejects(stream.write(Buffer.from("late")), { code: "stream-ended" });
});

test("a chunk larger than a frame goes through in pieces, and calls pass between them", async () => {
  const { stream } = await peer.open("large", null);
  let total = 0;
  let answered = false;
  const call = peer.call("echo", 1).then(() => {
    answered = true;
  });
  let largest = 0;
  for await (const chunk of stream.chunks) {
    total += chunk.byteLength;
    largest = Math.max(largest, chunk.byteLength);
    if (total < 35 << 20) continue;
    assert.ok(answered, "the call waited for the whole stream");
  }
  await call;
  assert.equal(total, 70 << 20);
  assert.ok(largest <= 256 << 10);
});

test("a message too large fails alone, and the socket lives", async () => {
  await assert.rejects(peer.call("echo", Buffer.alloc(61 << 20)), { code: "too-large" });
  await assert.rejects(peer.open("greet", Buffer.alloc(61 << 20)), { code: "too-large" });
  await assert.rejects(peer.call("huge", null), { code: "too-large" });
  assert.equal(await peer.call("echo", "fine"), "fine");
});

test("an open that is given up ends the handler at the other end", async () => {
  await assert.rejects(peer.open("stuck", null, { timeoutMs: 20 }), { code: "timeout" });
  assert.ok(stuck);
  assert.equal(await stuck, "no answer in time");
});

test("a call whose caller has gone away already is over at once", async () => {
  const gone = AbortSignal.abort();
  await assert.rejects(peer.call("echo", 1, { signal: gone }), { code: "aborted" });
});

test("a long reason in any language closes the socket", async () => {
  const own = await dial(listener.address, dialler);
  const far = accepted.at(-1);
  const told = new Promise((resolve) => far?.onClose(resolve));
  own.close("ü€😀".repeat(60));
  assert.match(String(await told), /^ü€😀ü€/u);
});

test("a pool that was closed dials nobody, and closes whom it was dialling", async () => {
  const pool = new PeerPool(dialler);
  const dialling = pool.get(listener.address);
  pool.close();
  const late = await dialling;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(late.closed);
  await assert.rejects(pool.get(listener.address), { code: "closed" });
});
