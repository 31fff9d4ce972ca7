import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test, { type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import type { Message } from "../core/types.ts";
import type { RaftLimits, RaftNode, TransportHandler } from "../node/api.ts";
import { openRaftNode } from "../node/open-raft-node.ts";
import { bytes, ListMachine, waitForLeader, waitUntil } from "../node/testing.ts";
import { encodeSnapshotHead } from "./codec.ts";
import { hostRaft, type RaftHost } from "./testing.ts";
import { createWsTransport, type WsTransport } from "./ws-transport.ts";

interface Member {
  readonly node: RaftNode<number>;
  readonly machine: ListMachine;
  readonly host: RaftHost;
  readonly transport: WsTransport;
}

/** Members with real files, each behind its own port; formed into one cluster. */
async function formCluster(t: TestContext, count: number, limits: Partial<RaftLimits> = {}) {
  const root = mkdtempSync(join(tmpdir(), "raft-ws-"));
  const members: Member[] = [];
  for (let i = 0; i < count; i += 1) {
    const transport = createWsTransport();
    const host = await hostRaft(transport);
    const machine = new ListMachine();
    const dataDir = join(root, String(i));
    const { address } = host;
    const node = await openRaftNode({ dataDir, address, stateMachine: machine, transport, limits });
    members.push({ node, machine, host, transport });
  }
  t.after(async () => {
    await Promise.all(members.map(({ node }) => node.stop({ transfer: false })));
    await Promise.all(members.map(({ host }) => host.close()));
    rmSync(root, { recursive: true, force: true });
  });
  const voters = members.map(({ node, host }) => ({ id: node.memberId, address: host.address }));
  await Promise.all(members.map(({ node }) => node.bootstrap({ clusterId: "c1", voters })));
  const nodes = members.map(({ node }) => node);
  return { members, nodes, leader: await waitForLeader(nodes) };
}

test("three members elect and replicate over sockets", async (t) => {
  const { members, nodes, leader } = await formCluster(t, 3);
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, i) => leader.propose(bytes(`v${i}`))),
  );
  const last = results.at(-1)?.index ?? 0;
  await Promise.all(nodes.map((node) => node.waitApplied(last)));
  for (const { machine } of members) assert.equal(machine.items.length, 100);
  const follower = nodes.find((node) => node !== leader);
  assert.ok(((await follower?.readBarrier())?.index ?? 0) >= last);
});

test("a crashed leader is replaced long before an election time-out", async (t) => {
  // Coarse ticks, as in production: survivors take turns by them, and pauses of a busy machine
  // must not make two turns coincide.
  const limits = { tickMs: 100, electionTicksMin: 60, electionTicksMax: 80 };
  const { members, nodes, leader } = await formCluster(t, 3, limits);
  await leader.propose(bytes("x"));
  await waitUntil(() => members.every(({ machine }) => machine.items.length === 1), "replication");
  const gone = members.find(({ node }) => node === leader);
  const rest = nodes.filter((node) => node !== leader);
  const startedAt = performance.now();
  const closing = gone?.host.close();
  await gone?.node.stop({ transfer: false });
  await closing;
  const next = await waitForLeader(rest);
  await next.propose(bytes("y"));
  const took = performance.now() - startedAt;
  assert.ok(took < 4_000, `${took} ms; the election time-out is 6000 ms`);
});

test("a snapshot reaches a member that is far behind", async (t) => {
  const limits = { snapshotEntries: 100, trailingEntries: 10 };
  const { members, leader } = await formCluster(t, 3, limits);
  const slow = members.find(({ node }) => node !== leader);
  assert.ok(slow !== undefined);
  await slow.host.close();
  const big = "x".repeat(20_000);
  for (let i = 0; i < 300; i += 1) await leader.propose(bytes(`${i}${big}`));
  await waitUntil(() => leader.status().firstIndex > 100, "the leader to drop its old log");
  const port = Number(slow.host.address.split(":")[1]);
  const host = await hostRaft(slow.transport, port);
  t.after(() => host.close());
  await waitUntil(() => slow.machine.items.length === 300, "the snapshot to be installed");
  assert.ok(slow.node.status().snapshotIndex > 100);
});

function silent(received: Message[] = []): TransportHandler {
  return {
    receive: (messages) => received.push(...messages),
    receiveSnapshot: () => Promise.reject(new Error("not wanted")),
    peerCrashed: () => {},
    peerUnreachable: () => {},
  };
}

async function lone(t: TestContext, memberId: string, clusterId: string, received: Message[] = []) {
  const transport = createWsTransport();
  const host = await hostRaft(transport);
  await transport.start(silent(received), { memberId, clusterId, address: host.address });
  t.after(async () => {
    await transport.close();
    await host.close();
  });
  return { transport, host };
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(256 * 1024);
}

function snapshotOf(from: string, to: string, index: number) {
  const lists = { voters: [from, to], votersOutgoing: [], learners: [], learnersNext: [] };
  const meta = { index, term: 1, conf: { ...lists, autoLeave: false, addresses: {} } };
  return { meta, message: { type: "snapshot" as const, from, to, term: 1, meta } };
}

test("[X4] a snapshot that is not wanted, or needed no more, is not sent to its end", async (t) => {
  const { transport: first } = await lone(t, "m1", "c1");
  const second = createWsTransport();
  const host = await hostRaft(second);
  t.after(async () => {
    await second.close();
    await host.close();
  });
  let wants = false;
  const receiveSnapshot = () => {
    return wants ? Promise.resolve() : Promise.reject(new Error("not wanted"));
  };
  const self = { memberId: "m2", clusterId: "c1", address: host.address };
  await second.start({ ...silent(), receiveSnapshot }, self);
  const send = async (): Promise<void> => {
    const { message, meta } = snapshotOf("m1", "m2", 7);
    await first.sendSnapshot("m2", host.address, message, meta, endless());
  };
  const startedAt = performance.now();
  await assert.rejects(send(), /the peer refused: Error: not wanted/);
  wants = true;
  await send();
  assert.ok(performance.now() - startedAt < 10_000, "before anybody gave up waiting");
});

function head(from: string, to: string): Uint8Array {
  const { message, meta } = snapshotOf(from, to, 7);
  return encodeSnapshotHead(message, meta);
}

/** A member that keeps what it got of a snapshot, and breaks off after so many bytes. */
async function keeper(t: TestContext) {
  const transport = createWsTransport();
  const host = await hostRaft(transport);
  t.after(async () => {
    await transport.close();
    await host.close();
  });
  const seen = { ids: [] as string[], offsets: [] as number[], got: [] as Uint8Array[], most: 0 };
  const bytesGot = () => seen.got.reduce((sum, part) => sum + part.length, 0);
  const receiveSnapshot: TransportHandler["receiveSnapshot"] = async (_message, _meta, stream) => {
    seen.ids.push(stream.id);
    seen.offsets.push(bytesGot());
    for await (const chunk of stream.from(bytesGot())) {
      seen.got.push(chunk);
      if (bytesGot() >= seen.most) throw new Error("broken off");
    }
  };
  const self = { memberId: "m2", clusterId: "c1", address: host.address };
  await transport.start({ ...silent(), receiveSnapshot }, self);
  return { host, seen };
}

test("[X5] a snapshot that was broken off goes on where it ended", async (t) => {
  const { transport: first } = await lone(t, "m1", "c1");
  const { host, seen } = await keeper(t);
  const whole = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
  const send = async (): Promise<void> => {
    const { message, meta } = snapshotOf("m1", "m2", 7);
    const pieces = [0, 300, 600, 900].map((at) => whole.subarray(at, at + 300));
    await first.sendSnapshot("m2", host.address, message, meta, Readable.from(pieces));
  };
  seen.most = 350;
  await assert.rejects(send(), /broken off/);
  seen.most = 2_000;
  seen.got[1] = seen.got[1]?.subarray(0, 50) ?? new Uint8Array();
  await send();
  assert.deepEqual(seen.offsets, [0, 350]);
  assert.deepEqual(Buffer.concat(seen.got), whole);
  assert.ok(seen.ids[0] !== "" && seen.ids[0] === seen.ids[1], seen.ids.join());
  const { transport: other } = await lone(t, "m1", "c1");
  const { message, meta } = snapshotOf("m1", "m2", 7);
  await other.sendSnapshot("m2", host.address, message, meta, Readable.from([whole]));
  assert.notEqual(seen.ids[2], seen.ids[0], "another life of the same member");
});

test("[X5] with a member of a version before, snapshots are sent and taken as ever", async (t) => {
  const { transport: sender } = await lone(t, "m1", "c1");
  const { host, seen } = await keeper(t);
  seen.most = 2_000;
  // As its sender was.
  const socket = new WebSocket(`ws://${host.address}/raft/snapshot`);
  const hello = { raft: 1, cluster: "c1", member: "m1", address: "", to: "m2" };
  const frames: string[] = [];
  socket.on("open", () => socket.send(JSON.stringify(hello)));
  await new Promise<void>((resolve) => {
    socket.on("message", (data, isBinary) => {
      if (isBinary) {
        frames.push(String(data));
        resolve();
        return;
      }
      for (const frame of [head("m1", "m2"), bytes("abc"), new Uint8Array(0)]) socket.send(frame);
    });
  });
  socket.close();
  assert.deepEqual(frames, ['{"ok":true}']);
  assert.deepEqual([seen.ids, Buffer.concat(seen.got).toString()], [[""], "abc"]);
  // As its receiver was.
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  t.after(() => server.close());
  const taken: Buffer[] = [];
  server.on("connection", (accepted) => {
    accepted.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) accepted.send(JSON.stringify({ ...hello, member: "m2", to: "" }));
      else if (data.length > 0) taken.push(data);
      else accepted.send(Buffer.from('{"ok":true}'));
    });
  });
  const { port } = server.address() as AddressInfo;
  const { message, meta } = snapshotOf("m1", "m2", 7);
  const source = Readable.from([bytes("abc"), bytes("def")]);
  await sender.sendSnapshot("m2", `127.0.0.1:${port}`, message, meta, source);
  assert.equal(Buffer.concat(taken.slice(1)).toString(), "abcdef");
});

test("a snapshot in another member's name, or without a head, is cut off", async (t) => {
  const { host } = await lone(t, "m1", "c1");
  for (const frame of [head("m3", "m1"), new Uint8Array([0xc1, 0xff])]) {
    const socket = new WebSocket(`ws://${host.address}/raft/snapshot`);
    const hello = { raft: 1, cluster: "c1", member: "m2", address: "", to: "m1" };
    socket.on("open", () => socket.send(JSON.stringify(hello)));
    socket.on("message", () => socket.send(frame));
    assert.equal(await new Promise((resolve) => socket.on("close", resolve)), 4003);
  }
});

function heartbeat(from: string, to: string, commit = 0): Message {
  return { type: "heartbeat", from, to, term: 1, commit, readSeq: 0 };
}

test("members of another cluster and wiped members are turned away", async (t) => {
  const got: Message[] = [];
  const { host } = await lone(t, "m1", "c1", got);
  const refusedBy = async (hello: object): Promise<string> => {
    const socket = new WebSocket(`ws://${host.address}/raft`);
    socket.on("open", () => socket.send(JSON.stringify(hello)));
    return await new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve(`${code} ${reason.toString()}`));
    });
  };
  const hello = { raft: 1, cluster: "c1", member: "m2", address: "", to: "m1" };
  assert.match(await refusedBy({ ...hello, cluster: "c2" }), /^4001 this is cluster c1/);
  assert.match(await refusedBy({ ...hello, to: "m9" }), /^4002/);
  assert.match(await refusedBy({ ...hello, raft: 99 }), /^4000 protocol version 99/);
  assert.match(await refusedBy({ nonsense: true }), /^4000/);
});

test("a peer that sends nonsense or speaks for another is cut off", async (t) => {
  const got: Message[] = [];
  const { host } = await lone(t, "m1", "c1", got);
  const { encodeMessages } = await import("./codec.ts");
  const cutOffAfter = async (frame: Uint8Array): Promise<number> => {
    const socket = new WebSocket(`ws://${host.address}/raft`);
    const hello = { raft: 1, cluster: "c1", member: "m2", address: "", to: "m1" };
    socket.on("open", () => socket.send(JSON.stringify(hello)));
    socket.on("message", () => socket.send(frame));
    return await new Promise((resolve) => socket.on("close", resolve));
  };
  assert.equal(await cutOffAfter(new Uint8Array([0xc1, 0xff])), 4003);
  assert.equal(await cutOffAfter(encodeMessages([heartbeat("m3", "m1")])), 4003);
  const bad = { ...heartbeat("m2", "m1"), term: -1 };
  assert.equal(await cutOffAfter(encodeMessages([bad])), 4003);
  assert.deepEqual(got, []);
});

test("a member without a known address is answered over its own connection", async (t) => {
  const atFirst: Message[] = [];
  const atSecond: Message[] = [];
  const first = await lone(t, "m1", "c1", atFirst);
  const second = await lone(t, "m2", "c1", atSecond);
  first.transport.send("m2", second.host.address, [heartbeat("m1", "m2", 7)]);
  await waitUntil(() => atSecond.length === 1, "the heartbeat");
  second.transport.send("m1", "", [heartbeat("m2", "m1", 8)]);
  await waitUntil(() => atFirst.length === 1, "the answer");
  assert.deepEqual(atFirst, [heartbeat("m2", "m1", 8)]);
});
