import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DroverError } from "@drover/base";
import { WebSocket } from "ws";
import { dial, listen, PeerPool, Router, type RpcPeer, type WireListener } from "./index.ts";

let listener: WireListener;
let peer: RpcPeer;
let accepted: RpcPeer | undefined;
const errors: string[] = [];
const server = new Router((method) => errors.push(method));
const dialler = new Router(() => undefined);

before(async () => {
  server.handle("echo", async (payload) => payload);
  server.handle("refuse", async () => {
    throw new DroverError("no", "not today", { retryable: true });
  });
  server.handle("silent", () => new Promise(() => undefined));
  server.handleStream("double", async (payload, stream, _peer, reply) => {
    reply({ got: payload });
    for await (const chunk of stream.chunks) await stream.write(Buffer.concat([chunk, chunk]));
  });
  dialler.handle("who", async () => "the dialler");
  listener = await listen({
    host: "127.0.0.1",
    port: 0,
    router: server,
    onPeer: (p) => {
      accepted = p;
    },
  });
  peer = await dial(listener.address, dialler);
});

after(async () => {
  peer.close();
  await listener.close();
});

test("a call returns what the handler answered", async () => {
  const payload = { n: 1, list: ["a", null], bytes: Buffer.from("x") };
  assert.deepEqual(await peer.call("echo", payload), payload);
});

test("either end may call", async () => {
  assert.equal(await accepted?.call("who", null), "the dialler");
});

test("an error crosses with code and retryability", async () => {
  await assert.rejects(peer.call("refuse", null), {
    code: "no",
    message: "not today",
    retryable: true,
  });
});

test("an unknown method is refused by name", async () => {
  await assert.rejects(peer.call("nope", null), { code: "unknown-method" });
});

test("a call without answer times out", async () => {
  await assert.rejects(peer.call("silent", null, { timeoutMs: 20 }), { code: "timeout" });
});

test("a stream carries more than one window both ways", async () => {
  const { head, stream } = await peer.open("double", "hi");
  assert.deepEqual(head, { got: "hi" });
  const chunk = Buffer.alloc(300_000, 7);
  const writing = (async () => {
    for (let i = 0; i < 10; i++) await stream.write(chunk);
    stream.end();
  })();
  let total = 0;
  for await (const bytes of stream.chunks) total += bytes.byteLength;
  await writing;
  assert.equal(total, 2 * 10 * chunk.byteLength);
});

test("a lost connection fails the calls under way and tells the owner", async () => {
  const own = await dial(listener.address, dialler);
  const reasons: string[] = [];
  own.onClose((reason) => reasons.push(reason));
  const call = own.call("silent", null);
  own.close("test");
  await assert.rejects(call, { code: "connection-lost", retryable: true });
  assert.deepEqual(reasons, ["test"]);
});

test("a peer that talks nonsense is cut off", async () => {
  const socket = new WebSocket(`ws://${listener.address}/rpc`);
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.send(Buffer.from([0xc1, 0xff]));
  await closed;
});

test("the pool dials once per address and again after a loss", async () => {
  const pool = new PeerPool(dialler);
  const [a, b] = await Promise.all([pool.get(listener.address), pool.get(listener.address)]);
  assert.equal(a, b);
  a.close();
  const c = await pool.get(listener.address);
  assert.notEqual(a, c);
  await pool.close();
});

test("an address nobody listens on is reported with the address", async () => {
  await assert.rejects(dial("127.0.0.1:1", dialler), {
    code: "unreachable",
    message: /127\.0\.0\.1:1/,
  });
});

test("a listener that does not care who connects answers all the same", async () => {
  const plain = await listen({ host: "127.0.0.1", port: 0, router: server });
  const own = await dial(plain.address, dialler);
  assert.equal(await own.call("echo", "hi", { timeoutMs: 1000 }), "hi");
  own.close();
  await plain.close();
});
