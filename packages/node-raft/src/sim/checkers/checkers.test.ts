/** Each checker finds the one thing it is for in a history that holds it. */
import assert from "node:assert/strict";
import test from "node:test";
import { encodeConf } from "../../core/conf-state.ts";
import type { ConfState, Entry, Message } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import { SimFailure } from "../failure.ts";
import { Oracle } from "../oracle.ts";
import { Trace } from "../trace.ts";
import { Watch } from "../watch.ts";
import type { MemberView } from "./checker.ts";

const conf: ConfState = {
  voters: ["a", "b", "c"],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  addresses: {},
};

function view(change: Partial<MemberView>): MemberView {
  const terms = { life: 1, role: "follower" as const, term: 1, leader: "" as const };
  const marks = { commit: 0, applied: 0, firstIndex: 1, lastIndex: 9, snapshotIndex: 0 };
  return { id: "a", ...terms, ...marks, conf, ...change };
}

function entry(index: number, term: number, text = "x"): Entry {
  const data = Uint8Array.from(text, (c) => c.charCodeAt(0));
  return { index, term, kind: EntryKind.normal, data };
}

function confEntry(index: number, next: Partial<ConfState>): Entry {
  return { index, term: 1, kind: EntryKind.config, data: encodeConf({ ...conf, ...next }) };
}

function newWatch(): Watch {
  const watch = new Watch(new Trace(() => 0, false));
  for (const id of ["a", "b", "c"]) {
    watch.booted(id, { hardState: null, snapshot: null, entries: [confEntry(1, {})] });
  }
  return watch;
}

function writes(watch: Watch, id: string, entries: Entry[], durable = true): void {
  const write = { seq: 1, hardState: null, entries, snapshot: null };
  watch.issued(id, write);
  if (durable) watch.durable(id, write);
}

function foundBy(checker: string, fn: () => void): void {
  assert.throws(fn, (error) => error instanceof SimFailure && error.checker === checker);
}

test("election-safety finds two leaders in one term", () => {
  const watch = newWatch();
  watch.state(view({ id: "a", role: "leader", term: 3 }));
  watch.state(view({ id: "b", role: "leader", term: 4 }));
  foundBy("election-safety", () => watch.state(view({ id: "b", role: "leader", term: 3 })));
});

test("one-vote finds a second vote, also after a restart", () => {
  const watch = newWatch();
  const vote = (to: string): Message => {
    return { type: "voteReply", from: "a", to, term: 5, granted: true };
  };
  watch.sent(vote("b"));
  watch.sent(vote("b"));
  watch.booted("a", { hardState: null, snapshot: null, entries: [] });
  foundBy("one-vote", () => watch.sent(vote("c")));
});

test("log-matching finds one index and term with two contents or two pasts", () => {
  const watch = newWatch();
  writes(watch, "a", [entry(2, 1, "x"), entry(3, 2, "y")]);
  foundBy("log-matching", () => writes(watch, "b", [entry(2, 1, "z")]));
  writes(watch, "c", [entry(2, 2, "w")]);
  foundBy("log-matching", () => writes(watch, "c", [entry(3, 2, "y")]));
});

test("commit-agreement finds what is durable on a minority only", () => {
  const watch = newWatch();
  writes(watch, "a", [entry(2, 1)]);
  writes(watch, "b", [entry(2, 1)], false);
  foundBy("commit-agreement", () => watch.state(view({ role: "leader", commit: 2 })));
});

test("commit-agreement finds a member that commits another history", () => {
  const watch = newWatch();
  for (const id of ["a", "b"]) writes(watch, id, [entry(2, 1)]);
  watch.state(view({ role: "leader", commit: 2 }));
  writes(watch, "c", [entry(2, 2)]);
  foundBy("commit-agreement", () => watch.state(view({ id: "c", commit: 2 })));
});

test("leader-completeness finds a leader without a committed entry", () => {
  const watch = newWatch();
  for (const id of ["a", "b"]) writes(watch, id, [entry(2, 1)]);
  watch.state(view({ role: "leader", commit: 2 }));
  foundBy("leader-completeness", () => watch.state(view({ id: "c", role: "leader", term: 2 })));
});

test("state-machine-safety finds two states at one index", () => {
  const watch = newWatch();
  watch.applied("a", entry(2, 1), 77);
  watch.restored("b", 2, 77);
  foundBy("state-machine-safety", () => watch.applied("c", entry(2, 1), 78));
});

test("monotonic finds a mark that goes back and marks out of order", () => {
  const watch = newWatch();
  watch.state(view({ term: 4 }));
  foundBy("monotonic", () => watch.state(view({ term: 3 })));
  foundBy("monotonic", () => watch.state(view({ term: 4, applied: 1 })));
});

test("conf-steps finds a change of voters without a joint configuration", () => {
  const watch = newWatch();
  foundBy("conf-steps", () => writes(watch, "a", [confEntry(2, { voters: ["a", "b"] })]));
  const joint = { voters: ["a", "b"], votersOutgoing: ["a", "b", "c"], autoLeave: true };
  writes(newWatch(), "a", [confEntry(2, joint), confEntry(3, { voters: ["a", "b"] })]);
});

test("the oracle finds a lost write, a stale read and a write that happened twice", () => {
  const oracle = new Oracle(() => 0);
  const watch = newWatch();
  const write = oracle.invokeWrite("k");
  oracle.completeWrite(write, 2);
  foundBy("lost-write", () => oracle.finish(watch.ledger));
  const read = oracle.invokeRead("k");
  foundBy("stale-read", () => oracle.completeRead(read, "b", 1, 0));
  const text = `k=${write.command.serial}`;
  for (const id of ["a", "b"]) writes(watch, id, [entry(2, 1, text), entry(3, 1, text)]);
  watch.state(view({ role: "leader", commit: 3 }));
  foundBy("double-write", () => oracle.finish(watch.ledger));
});
