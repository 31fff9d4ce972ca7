/** Rules M1 to M8 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { TestCluster, testLimits } from "../testing/core-cluster.ts";
import { encodeConf } from "./conf-state.ts";
import type { MembershipChange } from "./options.ts";
import type { ConfState, Message } from "./types.ts";
import { EntryKind } from "./types.ts";

const THREE = ["a", "b", "c"] as const;

function member(id: string): { id: string; address: string } {
  return { id, address: `${id}:1` };
}

function change(cluster: TestCluster, id: string, wanted: MembershipChange): void {
  const result = cluster.core(id).proposeConf(wanted);
  assert.equal(result.kind, "accepted", result.kind === "refused" ? result.detail : "");
}

function refusal(cluster: TestCluster, id: string, wanted: MembershipChange): string {
  const result = cluster.core(id).proposeConf(wanted);
  return result.kind === "refused" ? result.reason : result.kind;
}

function elected(ids: readonly string[] = THREE): TestCluster {
  const cluster = new TestCluster(ids);
  cluster.elect("a");
  return cluster;
}

test("[M1] T§4.3 voters change through a joint configuration that is left by itself", () => {
  const cluster = elected();
  cluster.add("d");
  cluster.get("a").turn();
  change(cluster, "a", { addVoters: [member("d")], remove: ["c"] });
  const joint = cluster.core("a").status().conf;
  assert.deepEqual(joint.voters, ["a", "b", "d"], "in force before it is committed");
  assert.deepEqual(joint.votersOutgoing, ["a", "b", "c"]);
  cluster.settle();
  const { conf } = cluster.core("a").status();
  assert.deepEqual([conf.voters, conf.votersOutgoing], [["a", "b", "d"], []]);
  assert.deepEqual(Object.keys(conf.addresses), ["a", "b", "d"]);
  assert.deepEqual(cluster.core("d").status().conf.voters, ["a", "b", "d"]);
});

test("[M1] T§4.3 a joint configuration needs a majority of both halves", () => {
  for (const silent of [
    ["d", "e", "f"],
    ["b", "c"],
  ]) {
    const cluster = elected();
    for (const id of ["d", "e", "f"]) cluster.add(id);
    cluster.isolate(...silent);
    const { commit } = cluster.core("a").status();
    change(cluster, "a", { addVoters: ["d", "e", "f"].map(member), remove: ["b", "c"] });
    cluster.settle();
    assert.equal(cluster.core("a").status().commit, commit, `${silent} are silent`);
    cluster.heal();
    cluster.tickAll(3);
    assert.deepEqual(cluster.core("a").status().conf.voters, ["a", "d", "e", "f"]);
  }
});

test("[M2] T§4.1, row 2: truncation brings the earlier configuration back", () => {
  const cluster = new TestCluster(THREE);
  const b = cluster.get("b");
  const before = b.core.status().conf;
  const joint: ConfState = { ...before, voters: ["a", "b"], votersOutgoing: [...THREE] };
  const entry = { index: 2, term: 2, kind: EntryKind.config, data: encodeConf(joint) };
  const message: Message = {
    type: "append",
    from: "a",
    to: "b",
    term: 2,
    prevIndex: 1,
    prevTerm: 1,
    entries: [entry],
    commit: 1,
    readSeq: 0,
  };
  b.core.step(message);
  assert.deepEqual(b.core.status().conf.voters, ["a", "b"]);
  const other = { index: 2, term: 3, kind: EntryKind.noop, data: new Uint8Array(0) };
  b.core.step({ ...message, from: "c", term: 3, entries: [other] });
  assert.deepEqual(b.core.status().conf, before);
});

test("[M3] T§4.1, row 1: one change at a time", () => {
  const cluster = elected();
  cluster.isolate("a");
  change(cluster, "a", { addLearners: [member("d")] });
  assert.equal(refusal(cluster, "a", { addLearners: [member("e")] }), "change-pending");
  cluster.heal();
  cluster.tickAll(3);
  change(cluster, "a", { addLearners: [member("e")] });
});

test("[M3] T§4.1, row 1: none before the leader has committed in its term", () => {
  const cluster = new TestCluster(THREE);
  cluster.lose = (m) => m.type === "append";
  cluster.elect("a");
  assert.equal(refusal(cluster, "a", { addLearners: [member("d")] }), "leader-not-ready");
  cluster.heal();
  cluster.tickAll(3);
  change(cluster, "a", { addLearners: [member("d")] });
});

test("[M3] a change is refused when it makes no sense or rests on another configuration", () => {
  const cluster = elected();
  const { confIndex } = cluster.core("a").status();
  const learner = { addLearners: [member("d")] };
  assert.equal(refusal(cluster, "b", learner), "not-leader");
  const late = { ...learner, expectConfIndex: confIndex + 1 };
  assert.equal(refusal(cluster, "a", late), "conf-index-changed");
  assert.equal(refusal(cluster, "a", { remove: [...THREE] }), "invalid");
  assert.equal(refusal(cluster, "a", {}), "invalid");
  assert.equal(refusal(cluster, "a", { ...learner, remove: ["d"] }), "invalid");
  change(cluster, "a", { ...learner, expectConfIndex: confIndex });
});

test("[M4] T§4.2.2 a removed leader leads until that is committed and hands over", () => {
  const cluster = elected();
  cluster.isolate("a");
  change(cluster, "a", { remove: ["a"] });
  cluster.settle();
  assert.equal(cluster.core("a").status().role, "leader");
  cluster.heal();
  cluster.tickAll(3);
  assert.equal(cluster.core("a").status().role, "learner");
  const others = ["b", "c"].map((id) => cluster.core(id).status());
  assert.ok(
    others.some(({ role }) => role === "leader"),
    "without an election time-out",
  );
  assert.deepEqual(others[0]?.conf.voters, ["b", "c"]);
});

test("[M5] T§4.2.1 a learner gets the log and counts in no quorum", () => {
  const cluster = elected();
  cluster.add("d");
  change(cluster, "a", { addLearners: [member("d")] });
  cluster.settle();
  cluster.propose("a", "x");
  cluster.settle();
  assert.deepEqual(cluster.get("d").texts(), ["x"]);
  cluster.isolate("b", "c");
  cluster.propose("a", "y");
  cluster.settle();
  assert.deepEqual(cluster.get("a").texts(), ["x"]);
  for (let i = 0; i < 2 * testLimits.electionTicksMin; i += 1) cluster.tick("a");
  assert.notEqual(cluster.core("a").status().role, "leader");
});

test("[M6] T§4.3 a demoted voter stays in the old half until the joint configuration is left", () => {
  const cluster = elected();
  change(cluster, "a", { addLearners: [member("c")] });
  const joint = cluster.core("a").status().conf;
  assert.deepEqual([joint.learners, joint.learnersNext], [[], ["c"]]);
  cluster.settle();
  const { conf } = cluster.core("a").status();
  assert.deepEqual([conf.voters, conf.learners, conf.learnersNext], [["a", "b"], ["c"], []]);
});

test("[M7] T§4.3 a new leader finishes the joint change that it inherits", () => {
  const cluster = elected();
  cluster.add("d");
  const joint = cluster.core("a").status().lastIndex + 1;
  cluster.lose = (m) => m.type === "append" && m.entries.some((entry) => entry.index > joint);
  change(cluster, "a", { addVoters: [member("d")] });
  cluster.settle();
  cluster.isolate("a");
  cluster.elect("b");
  cluster.tickAll(3);
  const { conf } = cluster.core("b").status();
  assert.deepEqual([conf.voters, conf.votersOutgoing], [["a", "b", "c", "d"], []]);
});

test("[M8] §7, row 16: a snapshot carries the configuration of exactly its index", () => {
  const cluster = elected();
  cluster.propose("a", "x");
  cluster.settle();
  const { applied, conf } = cluster.core("a").status();
  cluster.isolate("a");
  change(cluster, "a", { addLearners: [member("d")] });
  cluster.settle();
  assert.deepEqual(cluster.core("a").status().conf.learners, ["d"]);
  assert.deepEqual(cluster.core("a").snapshotMeta(applied).conf, conf);
});
