/** `recoverCluster` on real directories: what it keeps, what it refuses, what it leaves behind. */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { RaftNode } from "../node/api.ts";
import { openRaftNode } from "../node/open-raft-node.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "../node/testing.ts";
import { DiskStore } from "./disk-store.ts";
import { nodeVfs } from "./node-vfs.ts";
import {
  inspectMember,
  originalClusterId,
  recoverCluster,
  recoveryEpoch,
} from "./recover-cluster.ts";

const FAST = { tickMs: 10, heartbeatTicks: 2, electionTicksMin: 15, electionTicksMax: 30 };
const NOW = 1_700_000_000_000;

interface Member {
  readonly node: RaftNode<number>;
  readonly machine: ListMachine;
}

class Site {
  readonly root = mkdtempSync(join(tmpdir(), "raft-recover-"));
  network = new MemoryNetwork();
  readonly #open = new Set<RaftNode<number>>();

  constructor(t: TestContext) {
    t.after(async () => {
      for (const node of this.#open) await node.stop({ transfer: false });
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  dir(name: string): string {
    return join(this.root, name);
  }

  async open(name: string): Promise<Member> {
    const machine = new ListMachine();
    const node = await openRaftNode<number>({
      dataDir: this.dir(name),
      address: `${name}:1`,
      stateMachine: machine,
      transport: this.network.transport(),
      limits: { ...FAST, trailingEntries: 2 },
    });
    this.#open.add(node);
    return { node, machine };
  }

  async stop(...members: readonly Member[]): Promise<void> {
    for (const { node } of members) {
      this.#open.delete(node);
      await node.stop({ transfer: false });
    }
  }

  /** Three that formed a cluster, wrote `words` and stopped; answers their ids. */
  async stoppedThree(words: readonly string[], snapshotAfter = -1): Promise<string[]> {
    const members = await Promise.all(["a", "b", "c"].map((name) => this.open(name)));
    const nodes = members.map(({ node }) => node);
    const voters = nodes.map((node, i) => ({ id: node.memberId, address: `${"abc"[i]}:1` }));
    await Promise.all(nodes.map((node) => node.bootstrap({ clusterId: "c1", voters })));
    const leader = await waitForLeader(nodes);
    for (const [i, word] of words.entries()) {
      await leader.propose(bytes(word));
      if (i === snapshotAfter) await this.#snapshotAll(members, i + 1);
    }
    await waitUntil(
      () => members.every(({ machine }) => machine.items.length === words.length),
      "all to have all",
    );
    await this.stop(...members);
    return nodes.map((node) => node.memberId);
  }

  async #snapshotAll(members: readonly Member[], count: number): Promise<void> {
    await waitUntil(() => members.every(({ machine }) => machine.items.length === count), "all");
    for (const { node } of members) await node.snapshot();
  }
}

test("one of three goes on alone with all that it had, under a new id and a newer term", async (t) => {
  const site = new Site(t);
  const [a = "", b = "", c = ""] = await site.stoppedThree(["one", "two", "three"]);
  const before = inspectMember(site.dir("a"));
  assert.deepEqual([...before.conf.voters].sort(), [a, b, c].sort());
  const recovery = recoverCluster(site.dir("a"), [{ id: a, address: "a:2" }], { now: NOW });
  assert.deepEqual([...recovery.left].sort(), [b, c].sort());
  assert.equal(recovery.clusterId, `c1+${NOW}`);
  const after = inspectMember(site.dir("a"));
  assert.deepEqual(after.conf.voters, [a]);
  assert.deepEqual(after.conf.addresses, { [a]: "a:2" });
  assert.equal(after.term, before.term + 1);
  assert.equal(after.memberId, a);

  const { node, machine } = await site.open("a");
  await waitForLeader([node]);
  await node.propose(bytes("four"));
  assert.deepEqual(machine.items, ["one", "two", "three", "four"]);
  // Another joins anew, and the log reaches it.
  const other = await site.open("d");
  await other.node.join({ clusterId: node.clusterId });
  await node.changeMembership({ addLearners: [{ id: other.node.memberId, address: "d:1" }] });
  await waitUntil(() => other.machine.items.length === 4, "the newcomer to have all");
});

test("a log that was compacted is recovered from its snapshot and what follows it", async (t) => {
  const site = new Site(t);
  const words = Array.from({ length: 12 }, (_, i) => `word ${i}`);
  const [a = ""] = await site.stoppedThree(words, 7);
  recoverCluster(site.dir("a"), [{ id: a, address: "a:1" }]);
  const { node, machine } = await site.open("a");
  await waitForLeader([node]);
  await node.readBarrier();
  assert.deepEqual(machine.items, words);
  await node.propose(bytes("more"));
  await site.stop({ node, machine });
  const again = await site.open("a");
  await waitForLeader([again.node]);
  await again.node.readBarrier();
  assert.deepEqual(again.machine.items, [...words, "more"]);
});

test("the old directory stays as it was beside the new one", async (t) => {
  const site = new Site(t);
  const [a = ""] = await site.stoppedThree(["one"]);
  const wal = join(site.dir("a"), "wal");
  const files = readdirSync(wal).map((name) => [name, readFileSync(join(wal, name))] as const);
  const { backupDir } = recoverCluster(site.dir("a"), [{ id: a, address: "a:1" }], { now: NOW });
  for (const [name, content] of files) {
    // Only the zeros that were filled in ahead are cut off, as at every start.
    const kept = readFileSync(join(backupDir, "wal", name));
    assert.ok(kept.length > 256 && kept.equals(content.subarray(0, kept.length)), name);
    assert.ok(
      content.subarray(kept.length).every((byte) => byte === 0),
      name,
    );
  }
  assert.deepEqual(readdirSync(site.root).sort(), ["a", `a.before-recovery-${NOW}`, "b", "c"]);
  assert.equal(existsSync(join(backupDir, "LOCK")), false);
  assert.equal(inspectMember(backupDir).clusterId, "c1");
});

test("recovered twice, the epoch grows and the first id stays readable", async (t) => {
  const site = new Site(t);
  const [a = ""] = await site.stoppedThree(["one"]);
  const voters = [{ id: a, address: "a:1" }];
  const first = recoverCluster(site.dir("a"), voters, { now: NOW });
  // A clock that went back must not bring an old epoch again.
  const second = recoverCluster(site.dir("a"), voters, { now: NOW - 5_000 });
  assert.deepEqual(
    [first, second].map((r) => recoveryEpoch(r.clusterId)),
    [NOW, NOW + 1],
  );
  assert.equal(originalClusterId(second.clusterId), "c1");
  assert.equal(recoveryEpoch("c1"), 0);
});

test("a directory in use is refused, and nothing is changed", async (t) => {
  const site = new Site(t);
  const { node } = await site.open("a");
  const voters = [{ id: node.memberId, address: "a:1" }];
  await node.bootstrap({ clusterId: "c1", voters });
  assert.throws(
    () => recoverCluster(site.dir("a"), voters),
    (error: Error & { code?: string }) =>
      error.code === "io" && /in use by process/.test(error.message),
  );
  assert.deepEqual(readdirSync(site.root), ["a"]);
  await waitForLeader([node]);
  await node.propose(bytes("still here"));
});

test("a damaged directory is refused, and nothing is changed", async (t) => {
  const site = new Site(t);
  const [a = ""] = await site.stoppedThree(["one", "two", "three", "four"]);
  const wal = join(site.dir("a"), "wal");
  const path = join(wal, readdirSync(wal)[0] ?? "");
  const content = readFileSync(path);
  // In the first batches, with valid ones behind.
  content[400] = (content[400] ?? 0) ^ 0xff;
  writeFileSync(path, content);
  assert.throws(
    () => recoverCluster(site.dir("a"), [{ id: a, address: "a:1" }]),
    (error: Error & { code?: string }) => error.code === "corrupt" && /offset/.test(error.message),
  );
  assert.deepEqual(readdirSync(site.root).sort(), ["a", "b", "c"]);
  assert.ok(readFileSync(path).equals(content));
});

test("[H9] one in quarantine is refused with what its state would be made from", async (t) => {
  const site = new Site(t);
  const words = Array.from({ length: 12 }, (_, i) => `word ${i}`);
  const [a = ""] = await site.stoppedThree(words, 7);
  const voters = [{ id: a, address: "a:1" }];
  const refusals = [64, 1].map((after) => {
    const { store } = DiskStore.open(nodeVfs, site.dir("a"), () => assert.fail("it has an id"));
    store.quarantine({ after, index: 128, digest: "x", agreedDigest: "y" });
    store.close();
    try {
      recoverCluster(site.dir("a"), voters);
    } catch (error) {
      return String(error);
    }
    return "recovered";
  });
  assert.match(
    refusals[0] ?? "",
    /snapshot at index \d+ and the log .*: older than the difference/,
  );
  assert.match(refusals[1] ?? "", /: the difference may be in that snapshot/);
  assert.deepEqual(readdirSync(site.root).sort(), ["a", "b", "c"]);
});

test("what makes no sense is refused by name", async (t) => {
  const site = new Site(t);
  const [a = "", b = ""] = await site.stoppedThree(["one"]);
  const at = (id: string) => ({ id, address: `${id}:1` });
  const cases: readonly [() => unknown, RegExp][] = [
    [() => recoverCluster(site.dir("a"), [at(b)]), /only voter must be the member/],
    [() => recoverCluster(site.dir("a"), [at(a), at(b)]), /others join it anew/],
    [() => recoverCluster(site.dir("a"), []), /only voter must be the member/],
    [() => recoverCluster(site.dir("x"), [at(a)]), /no member of a cluster lives here/],
    [() => inspectMember(site.dir("x")), /no member of a cluster lives here/],
  ];
  for (const [act, text] of cases) assert.throws(act, text);
  assert.equal(existsSync(site.dir("x")), false);
  const fresh = await site.open("fresh");
  await site.stop(fresh);
  assert.throws(
    () => recoverCluster(site.dir("fresh"), [at(fresh.node.memberId)]),
    /belongs to no cluster yet/,
  );
});

test("a recovery that was cut off between its two renames ends when it is asked for again", async (t) => {
  const site = new Site(t);
  const [a = ""] = await site.stoppedThree(["one"]);
  const voters = [{ id: a, address: "a:1" }];
  const { backupDir } = recoverCluster(site.dir("a"), voters, { now: NOW });
  renameSync(site.dir("a"), `${site.dir("a")}.recovering`);
  recoverCluster(site.dir("a"), voters, { now: NOW + 10 });
  assert.ok(existsSync(backupDir));
  const { node, machine } = await site.open("a");
  await waitForLeader([node]);
  await node.readBarrier();
  assert.deepEqual(machine.items, ["one"]);
});

test("what a cut-off recovery left half built is no obstacle", async (t) => {
  const site = new Site(t);
  const [a = ""] = await site.stoppedThree(["one"]);
  cpSync(join(site.dir("b"), "wal"), `${site.dir("a")}.recovering/wal`, { recursive: true });
  recoverCluster(site.dir("a"), [{ id: a, address: "a:1" }]);
  const { node, machine } = await site.open("a");
  await waitForLeader([node]);
  await node.readBarrier();
  assert.deepEqual(machine.items, ["one"]);
});
