/** Rules H1 to H4 of SPEC.md, "Agreement of states". */
import assert from "node:assert/strict";
import test from "node:test";
import { emptyConf } from "../core/conf-state.ts";
import type { ConfState, MemberId } from "../core/types.ts";
import { Agreement } from "./agreement.ts";

const THREE: ConfState = { ...emptyConf, voters: ["a", "b", "c"] };
const NOBODY: ReadonlySet<MemberId> = new Set();

/** `a` leads and has asked about checkpoint 64. */
function leader(conf: ConfState, digest = "good"): Agreement {
  const a = new Agreement("a");
  a.reached(64, digest);
  assert.equal(a.ask(conf)?.checkIndex, 64);
  return a;
}

const agreed = (a: Agreement, conf: ConfState): string => a.ask(conf)?.agreedDigest ?? "";

test("[H2] one checkpoint is asked for at a time, the newest when the next question begins", () => {
  const a = leader(THREE);
  a.reached(128, "later");
  assert.equal(a.ask(THREE)?.checkIndex, 64);
  a.heard("b", 64, "good", THREE);
  a.heard("c", 64, "good", THREE);
  assert.equal(a.endBeat(THREE, NOBODY), null);
  a.reached(192, "latest");
  assert.deepEqual(a.ask(THREE), { checkIndex: 192, agreedIndex: 64, agreedDigest: "good" });
});

test("[H4] of what is agreed ahead of what is applied here only the newest is remembered", () => {
  const b = new Agreement("b");
  for (let i = 1; i <= 20; i += 1) b.learned(64 * i, "good");
  const found = (): number => b.verdict?.index ?? 0;
  b.reached(64, "bad");
  assert.equal(found(), 0);
  b.reached(64 * 5, "bad");
  assert.equal(found(), 64 * 5);
});

test("[H2] a member that does not answer is waited for, and not for ever", () => {
  const a = leader(THREE);
  a.heard("b", 64, "good", THREE);
  a.reached(128, "later");
  let beats = 1;
  for (; a.ask(THREE)?.checkIndex === 64; beats += 1) a.endBeat(THREE, NOBODY);
  assert.ok(beats > 2 && beats < 10, `${beats} beats`);
  // Who says that it answers nothing is not waited for.
  a.heard("b", 128, "later", THREE);
  a.endBeat(THREE, new Set(["c"]));
  assert.equal(a.ask(THREE)?.checkIndex, 0);
});

test("[H2] a question that too few have answered, or of an earlier leadership, is asked again", () => {
  const a = leader(THREE);
  for (let beat = 0; beat < 100; beat += 1) {
    assert.equal(a.ask(THREE)?.checkIndex, 64, `beat ${beat}`);
    a.endBeat(THREE, NOBODY);
  }
  a.ask(THREE);
  a.heard("b", 64, "good", THREE);
  a.heard("c", 64, "good", THREE);
  a.endBeat(THREE, NOBODY);
  assert.equal(a.ask(THREE)?.checkIndex, 0);
  a.forget();
  assert.equal(a.ask(THREE)?.checkIndex, 64);
});

test("[H2] an answer to another question, or of another leadership, counts for nothing", () => {
  const a = leader(THREE);
  a.heard("b", 128, "good", THREE);
  assert.equal(agreed(a, THREE), "");
  a.forget();
  a.heard("b", 64, "good", THREE);
  assert.equal(agreed(a, THREE), "");
});

test("[H3] what most voters have is agreed, whatever the leader has", () => {
  const a = leader(THREE, "bad");
  a.heard("b", 64, "good", THREE);
  assert.equal(agreed(a, THREE), "");
  assert.equal(a.verdict, null);
  a.heard("c", 64, "good", THREE);
  assert.equal(agreed(a, THREE), "good");
  assert.deepEqual(a.verdict, { after: 0, index: 64, digest: "bad", agreedDigest: "good" });
});

test("[H3] a joint configuration needs both halves", () => {
  const joint = { ...THREE, votersOutgoing: ["a", "d", "e"] };
  const a = leader(joint);
  a.heard("b", 64, "good", joint);
  assert.equal(agreed(a, joint), "");
  a.heard("d", 64, "good", joint);
  assert.equal(agreed(a, joint), "good");
});

test("[H3] the only voter needs a second member to agree, and a learner is one", () => {
  const conf = { ...emptyConf, voters: ["a"], learners: ["b", "c"] };
  const a = leader(conf);
  a.heard("b", 64, "other", conf);
  assert.equal(agreed(a, conf), "");
  a.heard("c", 64, "good", conf);
  assert.equal(agreed(a, conf), "good");
  const alone = { ...emptyConf, voters: ["a"] };
  assert.equal(leader(THREE).ask(alone), null, "alone there is nobody to compare with");
});

test("[H4] two that differ accuse nobody: it is reported that nobody can tell", () => {
  const two = { ...emptyConf, voters: ["a", "b"] };
  const a = leader(two);
  a.heard("b", 64, "other", two);
  const members = { a: "good", b: "other" };
  assert.deepEqual(a.endBeat(two, NOBODY), { index: 64, agreed: null, members });
  assert.equal(a.verdict, null);
  assert.equal(agreed(a, two), "");
});

test("[H4] the leader says who differs from what is agreed", () => {
  const a = leader(THREE);
  a.heard("b", 64, "good", THREE);
  a.heard("c", 64, "other", THREE);
  const members = { a: "good", b: "good", c: "other" };
  assert.deepEqual(a.endBeat(THREE, NOBODY), { index: 64, agreed: "good", members });
});

test("[H4] a member judges itself at once, or when it gets there", () => {
  const b = new Agreement("b");
  b.reached(64, "good");
  b.learned(64, "good");
  b.learned(192, "agreed");
  assert.equal(b.verdict, null);
  b.reached(128, "unasked");
  b.reached(192, "other");
  const expected = { after: 64, index: 192, digest: "other", agreedDigest: "agreed" };
  assert.deepEqual(b.verdict, expected);
});

test("[H4] a state that was replaced as a whole is not judged by what it was", () => {
  const b = new Agreement("b");
  b.reached(64, "other");
  b.restarted();
  b.learned(64, "good");
  assert.equal(b.verdict, null);
});

test("[H1] the last 1,024 checkpoints are kept", () => {
  const b = new Agreement("b");
  for (let i = 1; i <= 1_100; i += 1) b.reached(i * 64, `d${i}`);
  assert.equal(b.digestAt(76 * 64), "");
  assert.equal(b.digestAt(77 * 64), "d77");
  b.learned(64, "whatever it was");
  assert.equal(b.verdict, null);
});
