/** What `recoverServer` finds in an agent's data directory; what it does there: lost-quorum.test.ts. */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openRaftNode } from "@raft/node-raft";
import { createWsTransport } from "@raft/node-raft/ws";
import { inspectServer, recoverServer } from "./recover-server.ts";

const nothing = {
  apply: (entries: readonly unknown[]) => entries.map(() => null),
  snapshot: () => ({ async *stream() {} }),
  restore: async () => undefined,
};

/** The data directory of an agent whose server formed a cluster of one and stopped. */
async function stoppedAgent(t: TestContext): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), "drover-recover-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const raft = await openRaftNode<unknown>({
    dataDir: join(dataDir, "raft"),
    address: "10.0.0.1:4647",
    stateMachine: nothing,
    transport: createWsTransport(),
  });
  const voters = [{ id: raft.memberId, address: "10.0.0.1:4647" }];
  await raft.bootstrap({ clusterId: "c1", voters });
  await raft.stop({ transfer: false });
  return dataDir;
}

test("the agent's directory and the server's own one inside it name the same server", async (t) => {
  const dataDir = await stoppedAgent(t);
  const server = inspectServer(dataDir);
  assert.equal(server.address, "10.0.0.1:4647");
  assert.deepEqual(inspectServer(join(dataDir, "raft")), server);
  assert.throws(() => inspectServer(join(dataDir, "elsewhere")), /no member of a cluster lives/);
});

test("a recovery that was cut off between its two renames can be looked at and asked for again", async (t) => {
  const dataDir = await stoppedAgent(t);
  const raftDir = join(dataDir, "raft");
  recoverServer(dataDir, "10.0.0.2:4647");
  renameSync(raftDir, `${raftDir}.recovering`);
  const looked = [inspectServer(dataDir), inspectServer(raftDir)];
  assert.deepEqual(
    looked.map(({ address }) => address),
    ["10.0.0.2:4647", "10.0.0.2:4647"],
  );
  assert.throws(() => inspectServer(join(raftDir, "elsewhere")), /no member of a cluster lives/);
  recoverServer(raftDir, "");
  assert.equal(inspectServer(dataDir).address, "10.0.0.2:4647");
});

test("an address that nobody could call at changes nothing", async (t) => {
  const dataDir = await stoppedAgent(t);
  const before = inspectServer(dataDir);
  for (const address of [
    "nonsense",
    "10.0.0.2",
    "10.0.0.2:",
    "10.0.0.2:99999",
    "::1:4647",
    "a b:1",
  ]) {
    assert.throws(() => recoverServer(dataDir, address), /HOST:PORT is expected/, address);
  }
  assert.deepEqual(inspectServer(dataDir), before);
  recoverServer(dataDir, "[::1]:4647");
  assert.equal(inspectServer(dataDir).address, "[::1]:4647");
});

test("a server in quarantine is shown as one, and recovered only when that is asked for", async (t) => {
  const dataDir = await stoppedAgent(t);
  const why = { after: 64, index: 128, digest: "x", agreedDigest: "y" };
  writeFileSync(join(dataDir, "raft", "quarantine.json"), JSON.stringify(why));
  const seen =
    "in quarantine: its state was not the majority's, first seen between index 64 and 128";
  assert.deepEqual(inspectServer(dataDir).notes, [seen]);
  assert.throws(() => recoverServer(dataDir, ""), {
    code: "raft-refused",
    message: /Recover another/,
  });
  recoverServer(dataDir, "", { despiteQuarantine: true });
  assert.deepEqual(inspectServer(dataDir).notes, []);
});
