import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type Committed, openRaftNode, type RaftNode } from "@raft/node-raft";
import { createWsTransport, raftSocketOptions } from "@raft/node-raft/ws";
import { WebSocketServer } from "ws";

async function startMember(dataDir: string) {
  const transport = createWsTransport();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...raftSocketOptions });
  server.on("connection", (socket, request) => transport.acceptPeer(socket, request));
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words: string[] = []; // the state: a command adds a word, its result is how many there are
  const apply = (entries: readonly Committed[]) =>
    entries.map(({ data }) => words.push(Buffer.from(data).toString()));
  const snapshot = (now = Buffer.from(words.join(" "))) => ({ stream: () => Readable.from([now]) });
  const restore = async (_meta: unknown, source: AsyncIterable<Uint8Array>) =>
    void words.splice(0, words.length, ...(await text(source)).split(" "));
  const stateMachine = { apply, snapshot, restore };
  const node = await openRaftNode({ dataDir, address, stateMachine, transport });
  return { node, words, address, server };
}

const folder = process.argv[2] ?? "data";
const members = await Promise.all(["a", "b", "c"].map((name) => startMember(`${folder}/${name}`)));
const voters = members.map(({ node, address }) => ({ id: node.memberId, address }));
const leader = await new Promise<RaftNode<number>>((elected) => {
  for (const { node } of members) {
    node.on("leadership", ({ self }) => self && elected(node));
    void node.bootstrap({ clusterId: "example", voters });
  }
});
const { result } = await leader.propose(Buffer.from("hello"));
for (const { node, words } of members) {
  await node.readBarrier(); // the state here is at least as new as all that was acknowledged
  console.log(result, words);
}
for (const { node, server } of members) await node.stop().then(() => server.close());
