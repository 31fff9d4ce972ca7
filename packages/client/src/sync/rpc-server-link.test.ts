import assert from "node:assert/strict";
import test from "node:test";
import { SeededRandom } from "@drover/base";
import { mockNode } from "@drover/model/testing";
import { dial, listen, Router, Rpc, type RpcPeer } from "@drover/wire";
import { machineClock } from "../testing/real-parts.ts";
import { RpcServerLink } from "./rpc-server-link.ts";

const node = mockNode({ id: "n1", secretId: "s" });

interface FakeServer {
  readonly address: string;
  readonly calls: [string, unknown][];
  readonly peers: RpcPeer[];
  close(): Promise<void>;
}

async function fakeServer(): Promise<FakeServer> {
  const calls: [string, unknown][] = [];
  const peers: RpcPeer[] = [];
  const router = new Router(() => undefined);
  const answer = (method: string, reply: unknown) => {
    router.handle(method, async (payload, peer) => {
      calls.push([method, payload]);
      if (method === Rpc.openSession) peers.push(peer);
      return reply;
    });
  };
  answer(Rpc.openSession, { clusterId: "c", epoch: 1, heartbeatTtlMs: 9_000, servers: [] });
  answer(Rpc.heartbeat, { ttlMs: 4_000 });
  answer(Rpc.updateAllocs, { index: 1 });
  const listener = await listen({ host: "127.0.0.1", port: 0, router });
  return {
    address: listener.address,
    calls,
    peers,
    close: () => listener.close(),
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!holds()) {
    assert.ok(Date.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("the link dials, calls, receives pushes, and moves to another server", async (t) => {
  const servers = [await fakeServer(), await fakeServer()];
  const router = new Router(() => undefined);
  const link = new RpcServerLink({
    clock: machineClock,
    random: new SeededRandom(3),
    log: () => undefined,
    router,
    dial: (address) => dial(address, router),
    servers: () => servers.map((s) => s.address),
  });
  t.after(async () => {
    await link.close();
    await Promise.all(servers.map((server) => server.close()));
  });
  await assert.rejects(link.heartbeat(node), { code: "no-server", retryable: true });
  const log: string[] = [];
  const opening: Promise<unknown>[] = [];
  link.start({
    connected: () => {
      log.push("connected");
      const seen = { clusterId: "", node, secretId: "s", seenIndex: 0, seenEpoch: 0, allocIds: [] };
      opening.push(link.openSession(seen));
    },
    disconnected: () => log.push("disconnected"),
    push: (push) => log.push(`push ${push.index}`),
    hint: ({ hints }) => log.push(`hints ${hints.length}`),
  });
  await until("a session", () => servers.some((s) => s.peers.length === 1));
  const first = servers.find((s) => s.peers.length === 1);
  const other = servers.find((s) => s !== first);
  assert.ok(first && other);
  assert.deepEqual(await link.heartbeat(node), { heartbeatTtlMs: 4_000, isStale: false });
  await link.updateAllocs("n1", []);
  assert.deepEqual(first.calls.at(-1), [Rpc.updateAllocs, { nodeId: "n1", reports: [] }]);
  const push = { clusterId: "c", epoch: 1, index: 7, complete: true, allocs: [], removed: [] };
  first.peers[0]?.notify(Rpc.pushAllocs, push);
  first.peers[0]?.notify(Rpc.pushImageHints, { hints: [] });
  await until("the push and the hints", () => log.includes("hints 0"));
  await first.close();
  await until("the other server", () => other.peers.length === 1);
  await Promise.all(opening);
  assert.deepEqual(log, ["connected", "push 7", "hints 0", "disconnected", "connected"]);
});
