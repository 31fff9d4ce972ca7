/** Rules U1 to U5 of SPEC.md. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { leaveJoint, planChange } from "../core/conf-change.ts";
import { decodeConf, emptyConf, encodeConf } from "../core/conf-state.ts";
import type { ConfState, Message } from "../core/types.ts";
import type { RaftNode } from "./api.ts";
import { FeatureLevel, type LevelRange } from "./feature-level.ts";
import { openRaftNode } from "./open-raft-node.ts";
import { bytes, ListMachine, MemoryNetwork, waitForLeader, waitUntil } from "./testing.ts";

const LIMITS = { tickMs: 10, heartbeatTicks: 2, electionTicksMin: 15, electionTicksMax: 30 };
const THREE: ConfState = { ...emptyConf, voters: ["a", "b"], learners: ["c"] };

function reply(from: string, levels: Partial<LevelRange> = {}): Message {
  const { min: levelMin, max: levelMax } = levels;
  const told = levelMin === undefined || levelMax === undefined ? {} : { levelMin, levelMax };
  return { type: "heartbeatReply", from, to: "a", term: 1, readSeq: 0, ...told };
}

test("[U1] a member tells its levels with each heartbeat's reply, and the leader forgets them", () => {
  const b = new FeatureLevel("b", { min: 1, max: 3 });
  assert.deepEqual(b.addTo(reply("b")), reply("b", { min: 1, max: 3 }));
  const a = new FeatureLevel("a", { min: 1, max: 3 });
  a.hear(reply("b", { min: 1, max: 3 }));
  assert.deepEqual([...a.told], [["b", { min: 1, max: 3 }]]);
  // It was started anew, with a program that has none.
  a.hear(reply("b"));
  assert.deepEqual([...a.told], []);
  a.hear(reply("b", { min: 1, max: 3 }));
  a.forget();
  assert.deepEqual([...a.told], []);
});

test("[U2] the level is raised to the newest that all members understand, standbys too", () => {
  const a = new FeatureLevel("a", { min: 1, max: 3 });
  a.hear(reply("b", { min: 1, max: 3 }));
  assert.equal(a.wanted(THREE), null, "c has not told anything");
  a.hear(reply("c", { min: 1, max: 2 }));
  assert.equal(a.wanted(THREE), 2);
  assert.equal(a.wanted({ ...THREE, level: 2 }), null, "it is there");
  assert.equal(a.wanted({ ...THREE, level: 2, learners: [] }), 3);
  assert.equal(a.wanted({ ...THREE, votersOutgoing: ["b"] }), null, "another change first");
  a.hear(reply("c", { min: 1, max: 1 }));
  assert.equal(a.wanted({ ...THREE, level: 2 }), null, "never lowered");
  a.hear(reply("b", { min: 3, max: 4 }));
  assert.equal(a.wanted(THREE), null, "b does not understand 1");
  assert.equal(new FeatureLevel("a", null).wanted({ ...emptyConf, voters: ["a"] }), null);
});

test("[U3] configurations carry the level on, and it is only raised", () => {
  const at2 = { ...THREE, level: 2 };
  assert.equal(decodeConf(encodeConf(at2)).level, 2);
  const joint = planChange(at2, { addVoters: [{ id: "c", address: "c:1" }] });
  assert.ok(joint.kind === "changed" && joint.conf.level === 2);
  const left = leaveJoint(joint.conf);
  assert.ok(left.kind === "changed" && left.conf.level === 2);
  const raised = planChange(at2, { level: 3 });
  assert.deepEqual(raised, { kind: "changed", conf: { ...at2, level: 3 } });
  for (const level of [2, 1]) {
    const detail = `level ${level} is not above 2`;
    assert.deepEqual(planChange(at2, { level }), { kind: "invalid", detail });
  }
  assert.equal(planChange(at2, { level: 3, remove: ["b"] }).kind, "invalid");
  assert.equal(planChange(joint.conf, { level: 3 }).kind, "invalid");
});

test("[U4] a level counts once its configuration is committed", () => {
  const a = new FeatureLevel("a", { min: 1, max: 3 });
  a.look({ conf: { ...THREE, level: 2 }, confIndex: 9, commit: 8 });
  assert.equal(a.committed, 0);
  a.look({ conf: { ...THREE, level: 2 }, confIndex: 9, commit: 9 });
  assert.equal(a.committed, 2);
  // What is in force and not committed is another one meanwhile.
  a.look({ conf: { ...THREE, level: 3 }, confIndex: 12, commit: 11 });
  assert.equal(a.committed, 2);
});

class Cluster {
  readonly network = new MemoryNetwork();
  readonly root = mkdtempSync(join(tmpdir(), "raft-levels-"));
  readonly nodes = new Map<string, RaftNode<number>>();
  readonly fatal: string[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      await Promise.all([...this.nodes.values()].map((node) => node.stop({ transfer: false })));
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  async open(name: string, max: number, min = 1): Promise<RaftNode<number>> {
    const node = await openRaftNode<number>({
      dataDir: join(this.root, name),
      address: `${name}:1`,
      stateMachine: new ListMachine(),
      transport: this.network.transport(),
      limits: LIMITS,
      levels: { min, max },
    });
    node.on("fatal", (error) => this.fatal.push(`${name}: ${error.message}`));
    this.nodes.set(name, node);
    return node;
  }

  async restart(name: string, max: number, min = 1): Promise<RaftNode<number>> {
    await this.nodes.get(name)?.stop({ transfer: false });
    this.nodes.delete(name);
    return await this.open(name, max, min);
  }

  async reach(level: number): Promise<void> {
    const all = () => [...this.nodes.values()];
    await waitUntil(() => all().every((node) => node.level === level), `level ${level}`);
  }
}

test("[U5] a program that does not understand the level takes no part, and says so", async (t) => {
  const cluster = new Cluster(t);
  const opened = await Promise.all(["a", "b", "c"].map((name) => cluster.open(name, 1)));
  const voters = opened.map((node, i) => ({ id: node.memberId, address: `${"abc"[i]}:1` }));
  await Promise.all(opened.map((node) => node.bootstrap({ clusterId: "c1", voters })));
  await cluster.reach(1);
  await cluster.restart("a", 2);
  await cluster.restart("b", 2);
  await (await waitForLeader([...cluster.nodes.values()])).propose(bytes("x"));
  assert.equal(cluster.nodes.get("a")?.level, 1, "c has still the old program");
  await cluster.restart("c", 2);
  await cluster.reach(2);
  const tooOld = /at feature level 2, this program understands 1: start a newer version/;
  await assert.rejects(cluster.restart("c", 1), { code: "refused", message: tooOld });
  await assert.rejects(cluster.open("c", 5, 3), /understands 3 to 5: start an older version/);
  await cluster.open("c", 2);
  await cluster.reach(2);
  // One that joins learns it with the log.
  const d = await cluster.open("d", 1);
  await d.join({ clusterId: "c1" });
  const leader = await waitForLeader([...cluster.nodes.values()]);
  const change = { addLearners: [{ id: d.memberId, address: "d:1" }] };
  await leader.changeMembership(change);
  await waitUntil(() => cluster.fatal.length > 0, "the end of the old program");
  assert.match(cluster.fatal[0] ?? "", tooOld);
  // Neither it nor its answers have changed anything.
  await leader.propose(bytes("y"));
  assert.equal(leader.level, 2);
});
