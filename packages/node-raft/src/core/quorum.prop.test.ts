/** Quorums against brute force, and the steps of a joint change against each other. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { enterJoint, leaveJoint, planChange } from "./conf-change.ts";
import { emptyConf } from "./conf-state.ts";
import { jointIndex, jointVote, majorityIndex, majorityVote } from "./quorum.ts";
import type { ConfState } from "./types.ts";

const RUNS = { numRuns: 300, seed: 20_261 };
const IDS = ["a", "b", "c", "d", "e", "f", "g"];

const voterSet = fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1 });
const indexes = fc.dictionary(fc.constantFrom(...IDS), fc.integer({ min: 0, max: 9 }));
const votes = fc.dictionary(fc.constantFrom(...IDS), fc.boolean());

function subsets(ids: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const id of ids) all.push(...all.map((subset) => [...subset, id]));
  return all;
}

function isMajority(of: readonly string[], ids: readonly string[]): boolean {
  return of.length === 0 || ids.filter((id) => of.includes(id)).length > of.length / 2;
}

function isQuorum(conf: ConfState, ids: readonly string[]): boolean {
  return isMajority(conf.voters, ids) && isMajority(conf.votersOutgoing, ids);
}

test("the committed index is the highest one that some majority has reached", () => {
  fc.assert(
    fc.property(voterSet, indexes, (voters, reached) => {
      const of = (id: string) => reached[id];
      const least = (ids: string[]) => Math.min(...ids.map((id) => reached[id] ?? 0));
      const best = Math.max(
        ...subsets(voters)
          .filter((s) => isMajority(voters, s))
          .map(least),
      );
      assert.equal(majorityIndex(voters, of), best);
    }),
    RUNS,
  );
});

test("a joint index is reached by a majority of each half", () => {
  fc.assert(
    fc.property(voterSet, voterSet, indexes, (voters, outgoing, reached) => {
      const of = (id: string) => reached[id];
      const index = jointIndex(voters, outgoing, of);
      const holders = (at: number) => IDS.filter((id) => (reached[id] ?? 0) >= at);
      const both = (at: number) =>
        isMajority(voters, holders(at)) && isMajority(outgoing, holders(at));
      assert.ok(both(index));
      assert.ok(!both(index + 1));
    }),
    RUNS,
  );
});

test("a vote is won, lost or pending as all its possible ends say", () => {
  fc.assert(
    fc.property(voterSet, voterSet, votes, (voters, outgoing, given) => {
      const open = [...new Set([...voters, ...outgoing])].filter((id) => !(id in given));
      const yes = Object.keys(given).filter((id) => given[id]);
      const wins = (half: string[]) =>
        subsets(open).map((more) => isMajority(half, [...yes, ...more]));
      const expected = (ends: boolean[]) => {
        if (ends.every((won) => won)) return "won";
        return ends.some((won) => won) ? "pending" : "lost";
      };
      const voteOf = (id: string) => given[id];
      assert.equal(majorityVote(voters, voteOf), expected(wins(voters)));
      const joint = wins(voters).map((won, i) => won && wins(outgoing)[i] === true);
      assert.equal(jointVote(voters, outgoing, voteOf), expected(joint));
    }),
    RUNS,
  );
});

test("quorums of any two consecutive configurations share a member", () => {
  const wanted = fc.record({ addVoters: voterSet, addLearners: voterSet, remove: voterSet });
  fc.assert(
    fc.property(voterSet, wanted, (voters, { addVoters, addLearners, remove }) => {
      const start: ConfState = { ...emptyConf, voters: [...voters].sort() };
      const member = (id: string) => ({ id, address: "" });
      const learners = addLearners.filter((id) => !addVoters.includes(id));
      const gone = remove.filter((id) => !addVoters.includes(id) && !learners.includes(id));
      const change = {
        addVoters: addVoters.map(member),
        addLearners: learners.map(member),
        remove: gone,
      };
      const first = planChange(start, change);
      if (first.kind === "invalid") return;
      const steps = [start, first.conf];
      if (first.conf.votersOutgoing.length > 0) {
        const last = leaveJoint(first.conf);
        assert.ok(last.kind === "changed");
        steps.push(last.conf);
      }
      const end = steps.at(-1);
      assert.deepEqual(end?.votersOutgoing, []);
      assert.ok(addVoters.every((id) => end?.voters.includes(id)));
      assert.ok([...learners, ...gone].every((id) => !end?.voters.includes(id)));
      for (const [i, conf] of steps.entries()) {
        const next = steps[i + 1];
        if (next !== undefined) assertIntersect(conf, next);
      }
    }),
    { ...RUNS, numRuns: 60 },
  );
});

test("a joint configuration that changes nothing keeps everyone", () => {
  const start: ConfState = { ...emptyConf, voters: ["a", "b"], learners: ["c"] };
  const joint = enterJoint(start, [], true);
  assert.ok(joint.kind === "changed");
  const left = leaveJoint(joint.conf);
  assert.ok(left.kind === "changed");
  assert.deepEqual(left.conf, start);
});

function assertIntersect(a: ConfState, b: ConfState): void {
  const quorumsOf = (conf: ConfState) => subsets(IDS).filter((ids) => isQuorum(conf, ids));
  const minimal = quorumsOf(b).filter((ids) => ids.length <= 4);
  for (const one of quorumsOf(a).filter((ids) => ids.length <= 4)) {
    for (const other of minimal) {
      assert.ok(
        one.some((id) => other.includes(id)),
        `${one} and ${other} decide apart`,
      );
    }
  }
}
