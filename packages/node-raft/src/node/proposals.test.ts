import assert from "node:assert/strict";
import test from "node:test";
import { EntryKind } from "../core/types.ts";
import { type Proposal, Proposals, runsOfKind } from "./proposals.ts";
import { type Reader, Reads } from "./reads.ts";
import type { Outcome } from "./session-machine.ts";

function proposal(log: string[], name: string, deadline = 100): Proposal<string> {
  return {
    kind: EntryKind.normal,
    data: new Uint8Array(0),
    deadline,
    resolve: ({ index, term, result }) => log.push(`${name} ${result} at ${index}@${term}`),
    reject: (error) => log.push(`${name} ${error.code}`),
  };
}

function applied(index: number, term: number, result: string): Outcome<string> {
  return { kind: "applied", answer: { index, term, result } };
}

test("a proposal gets the result of its own entry only", () => {
  const log: string[] = [];
  const proposals = new Proposals<string>();
  proposals.accepted([proposal(log, "a"), proposal(log, "b")], 3, 10);
  proposals.applied(10, 3, applied(10, 3, "done"));
  proposals.applied(11, 4, applied(11, 4, "another's"));
  assert.deepEqual(log, ["a done at 10@3", "b dropped"]);
});

test("an index taken by the cluster's own entry drops the proposal that waited for it", () => {
  const log: string[] = [];
  const proposals = new Proposals<string>();
  proposals.accepted([proposal(log, "a")], 3, 10);
  proposals.passed(10);
  assert.deepEqual(log, ["a dropped"]);
});

test("a new proposal at an index drops the one that was replaced there", () => {
  const log: string[] = [];
  const proposals = new Proposals<string>();
  proposals.accepted([proposal(log, "old")], 3, 10);
  proposals.accepted([proposal(log, "new")], 5, 10);
  proposals.applied(10, 5, applied(10, 5, "done"));
  assert.deepEqual(log, ["old dropped", "new done at 10@5"]);
});

test("[S1] a repeated command is answered with the index where it was applied", () => {
  const log: string[] = [];
  const proposals = new Proposals<string>();
  proposals.accepted([proposal(log, "again"), proposal(log, "late")], 5, 10);
  proposals.applied(10, 5, applied(4, 2, "first"));
  proposals.applied(11, 5, { kind: "refused", code: "session-expired", message: "forgotten" });
  assert.deepEqual(log, ["again first at 4@2", "late session-expired"]);
});

test("neighbours of one kind are proposed together, in the order of all", () => {
  const { normal, session } = EntryKind;
  const queue = [normal, normal, session, normal].map((kind, i) => {
    return { ...proposal([], `${i}`), kind, deadline: i };
  });
  const runs = runsOfKind(queue).map((run) => run.map(({ deadline }) => deadline));
  assert.deepEqual(runs, [[0, 1], [2], [3]]);
  const plain = queue.slice(0, 2);
  assert.equal(runsOfKind(plain)[0], plain);
});

test("time-outs, snapshots and the end leave the outcome unknown, never failed", () => {
  const log: string[] = [];
  const proposals = new Proposals<string>();
  const batch = [proposal(log, "a", 50), proposal(log, "b"), proposal(log, "c")];
  proposals.accepted(batch, 3, 10);
  proposals.expire(49);
  assert.deepEqual(log, []);
  proposals.expire(50);
  proposals.skippedTo(11);
  proposals.add(proposal(log, "d"));
  proposals.rejectAll();
  const unknown = "timeout-unknown";
  assert.deepEqual(log, [`a ${unknown}`, `b ${unknown}`, "d stopped", `c ${unknown}`]);
});

function reader(log: string[], name: string, deadline = 1000): Reader {
  return {
    askedAt: { awakeMs: 0, wallMs: 0 },
    deadline,
    resolve: (index) => log.push(`${name} at ${index}`),
    reject: (error) => log.push(`${name} ${error.code}`),
  };
}

test("readers of one turn share a request, and a retry never uses an old id", () => {
  const log: string[] = [];
  const reads = new Reads(100);
  const asked: number[] = [];
  const ask = (now: number) => reads.ask(now, (id) => asked.push(id));
  reads.add(reader(log, "a"));
  reads.add(reader(log, "b"));
  ask(0);
  ask(99);
  assert.deepEqual(asked, [1]);
  reads.failed(1, 20);
  ask(20);
  reads.add(reader(log, "c"));
  ask(30);
  assert.deepEqual(asked, [1, 2, 3]);
  // The late answer to the first request will do: the reads were waiting before it.
  for (const ready of reads.answered(1)) ready.resolve(7);
  for (const ready of reads.answered(2)) ready.resolve(8);
  assert.deepEqual(log, ["a at 7", "b at 7"]);
  reads.retryNow();
  ask(31);
  assert.deepEqual(asked, [1, 2, 3, 4]);
});

test("a read that nobody confirms ends at its deadline", () => {
  const log: string[] = [];
  const reads = new Reads(100);
  reads.add(reader(log, "a", 50));
  reads.add(reader(log, "b", 150));
  reads.ask(0, () => {});
  reads.expire(60);
  assert.deepEqual(log, ["a timeout-unknown"]);
  reads.rejectAll();
  assert.deepEqual(log, ["a timeout-unknown", "b stopped"]);
});
