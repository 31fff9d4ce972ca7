/**
 * Each thing that a checker complains of, found in a history that was corrupted so; the same
 * history without the corruption passes. A checker with a complaint more needs a history more.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { encodeConf } from "../../core/conf-state.ts";
import type { ConfState, Entry } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import { SimFailure } from "../failure.ts";
import { loadMutant } from "../load-mutant.ts";
import { mutants } from "../mutants.ts";
import { Oracle } from "../oracle.ts";
import { runSeed } from "../simulation.ts";
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

function installs(watch: Watch, id: string, index: number, term: number): void {
  const write = { seq: 1, hardState: null, entries: [], snapshot: { index, term, conf } };
  watch.issued(id, write);
  watch.durable(id, write);
}

function votes(watch: Watch, to: string, granted = true): void {
  watch.sent({ type: "voteReply", from: "a", to, term: 5, granted });
}

/** Index 2 of term 1 is on `a` and `b`, and `a` commits it as the leader of term 1. */
function commits(watch: Watch, text = "x"): void {
  for (const id of ["a", "b"]) writes(watch, id, [entry(2, 1, text)]);
  watch.state(view({ role: "leader", commit: 2 }));
}

interface Corruption {
  readonly name: string;
  readonly complaint: RegExp;
  /** What is right; the last event is what differs. */
  readonly before?: (watch: Watch) => void;
  readonly right: (watch: Watch) => void;
  readonly wrong: (watch: Watch) => void;
}

/** What its disk gives back: entries from 1 to `last`. */
function boots(watch: Watch, last: number): void {
  const entries = Array.from({ length: last }, (_, i) => entry(i + 1, 1));
  watch.booted("a", { hardState: null, snapshot: null, entries });
}

const three = { voters: ["a", "b", "c"] };
const corruptions: Readonly<Record<string, readonly Corruption[]>> = {
  durability: [
    {
      name: "a log that ends before what was confirmed",
      complaint: /starts with a log to 2, and had 3 on its disk/,
      before: (watch) => {
        writes(watch, "a", [entry(2, 1), entry(3, 1)]);
        // Not confirmed: it may be there or not.
        watch.issued("a", { seq: 2, hardState: null, entries: [entry(4, 1)], snapshot: null });
      },
      right: (watch) => boots(watch, 3),
      wrong: (watch) => boots(watch, 2),
    },
  ],
  "election-safety": [
    {
      name: "two leaders in one term",
      complaint: /lead/,
      before: (watch) => watch.state(view({ id: "a", role: "leader", term: 3 })),
      right: (watch) => watch.state(view({ id: "b", role: "leader", term: 4 })),
      wrong: (watch) => watch.state(view({ id: "b", role: "leader", term: 3 })),
    },
  ],
  "one-vote": [
    {
      name: "a second vote after a restart",
      complaint: /votes for b and for c/,
      before: (watch) => {
        votes(watch, "b");
        boots(watch, 1);
      },
      right: (watch) => {
        votes(watch, "b");
        votes(watch, "c", false);
      },
      wrong: (watch) => votes(watch, "c"),
    },
  ],
  "log-matching": [
    {
      name: "a gap",
      complaint: /after a gap/,
      right: (watch) => writes(watch, "a", [entry(2, 1)]),
      wrong: (watch) => writes(watch, "a", [entry(3, 1)]),
    },
    {
      name: "two contents of one index and term",
      complaint: /another entry 2@1/,
      before: (watch) => writes(watch, "a", [entry(2, 1, "x")]),
      right: (watch) => writes(watch, "b", [entry(2, 1, "x")]),
      wrong: (watch) => writes(watch, "b", [entry(2, 1, "z")]),
    },
    {
      name: "two pasts of one index and term",
      complaint: /after term 2, others after term 1/,
      before: (watch) => {
        writes(watch, "a", [entry(2, 1), entry(3, 3)]);
        writes(watch, "b", [entry(2, 1)]);
        writes(watch, "c", [entry(2, 2)]);
      },
      right: (watch) => writes(watch, "b", [entry(3, 3)]),
      wrong: (watch) => writes(watch, "c", [entry(3, 3)]),
    },
  ],
  "commit-agreement": [
    {
      name: "what is durable on a minority only",
      complaint: /durable on \[a\] of voters/,
      before: (watch) => {
        writes(watch, "a", [entry(2, 1)]);
        writes(watch, "b", [entry(2, 1)], false);
      },
      right: (watch) => watch.state(view({ role: "leader", commit: 1 })),
      wrong: (watch) => watch.state(view({ role: "leader", commit: 2 })),
    },
    {
      name: "a majority of the new voters without one of the old",
      complaint: /durable on \[a,b\] of voters \[a,b\] \[c,d,e\]/,
      before: (watch) => {
        for (const id of ["a", "b"]) writes(watch, id, [entry(2, 1)]);
      },
      right: (watch) => watch.state(view({ role: "leader", commit: 2 })),
      wrong: (watch) => {
        const joint = { ...conf, voters: ["a", "b"], votersOutgoing: ["c", "d", "e"] };
        watch.state(view({ role: "leader", commit: 2, conf: joint }));
      },
    },
    {
      name: "a member that commits another history",
      complaint: /another of term 1 was committed before/,
      before: commits,
      right: (watch) => {
        writes(watch, "c", [entry(2, 1)]);
        watch.state(view({ id: "c", commit: 2 }));
      },
      wrong: (watch) => {
        writes(watch, "c", [entry(2, 2)]);
        watch.state(view({ id: "c", commit: 2 }));
      },
    },
    {
      name: "a member that commits what it does not hold",
      complaint: /commits 2, which it does not hold/,
      before: commits,
      // For a moment it may: a turn writes what came with the message.
      right: (watch) => {
        for (let i = 0; i < 8; i += 1) watch.state(view({ id: "c", commit: 2 }));
        writes(watch, "c", [entry(2, 1)]);
        watch.state(view({ id: "c", commit: 2 }));
      },
      wrong: (watch) => {
        for (let i = 0; i < 9; i += 1) watch.state(view({ id: "c", commit: 2 }));
      },
    },
    {
      name: "a snapshot of another history",
      complaint: /snapshot at 2 of term 7, committed there is term 1/,
      before: commits,
      right: (watch) => {
        installs(watch, "c", 2, 1);
        watch.state(view({ id: "c", commit: 2, snapshotIndex: 2, firstIndex: 3 }));
      },
      wrong: (watch) => {
        installs(watch, "c", 2, 7);
        watch.state(view({ id: "c", commit: 2, snapshotIndex: 2, firstIndex: 3 }));
      },
    },
  ],
  "leader-completeness": [
    {
      name: "a leader without a committed entry",
      complaint: /leads term 2 without entry 2/,
      before: commits,
      right: (watch) => watch.state(view({ id: "b", role: "leader", term: 2, commit: 2 })),
      wrong: (watch) => watch.state(view({ id: "c", role: "leader", term: 2 })),
    },
  ],
  "state-machine-safety": [
    {
      name: "two states after one index",
      complaint: /c and a differ after index 2/,
      before: (watch) => watch.applied("a", entry(2, 1), 77),
      right: (watch) => watch.applied("c", entry(2, 1), 77),
      wrong: (watch) => watch.applied("c", entry(2, 1), 78),
    },
    {
      name: "a snapshot that restores another state",
      complaint: /c and a differ after index 2/,
      before: (watch) => watch.applied("a", entry(2, 1), 77),
      right: (watch) => watch.restored("c", 2, 77),
      wrong: (watch) => watch.restored("c", 2, 78),
    },
  ],
  monotonic: [
    {
      name: "a log purged beyond its snapshot",
      complaint: /purged up to 1, its snapshot is at 0/,
      right: (watch) => watch.state(view({ firstIndex: 1 })),
      wrong: (watch) => watch.state(view({ firstIndex: 2 })),
    },
    {
      name: "a snapshot above the commit index",
      complaint: /snapshot 1 > 0/,
      right: (watch) => watch.state(view({ snapshotIndex: 1, commit: 1 })),
      wrong: (watch) => watch.state(view({ snapshotIndex: 1, commit: 0 })),
    },
    {
      name: "an entry applied above the commit index",
      complaint: /applied 1 > commit 0/,
      right: (watch) => watch.state(view({ applied: 1, commit: 1 })),
      wrong: (watch) => watch.state(view({ applied: 1, commit: 0 })),
    },
    {
      name: "a commit index above the log",
      complaint: /commit 1 > last 0/,
      right: (watch) => watch.state(view({ commit: 1, lastIndex: 1 })),
      wrong: (watch) => watch.state(view({ commit: 1, lastIndex: 0 })),
    },
    ...(["term", "commit", "applied", "firstIndex"] as const).map((key) => {
      // Of a member whose log nobody watches.
      const marks = { term: 4, commit: 3, applied: 2, firstIndex: 2, snapshotIndex: 1 };
      const high = { ...marks, id: "z" };
      return {
        name: `a ${key} that goes back`,
        complaint: new RegExp(`z ${key} ${high[key]} -> ${high[key] - 1}`),
        before: (watch: Watch) => watch.state(view(high)),
        right: (watch: Watch) => watch.state(view(high)),
        wrong: (watch: Watch) => watch.state(view({ ...high, [key]: high[key] - 1 })),
      };
    }),
  ],
  "conf-steps": [
    {
      name: "voters that change without a joint configuration",
      complaint: /from \(a,b,c\)&&\(\) to \(a,b\)&&\(\)/,
      right: (watch) => {
        const joint = { voters: ["a", "b"], votersOutgoing: three.voters, autoLeave: true };
        writes(watch, "a", [confEntry(2, joint), confEntry(3, { voters: ["a", "b"] })]);
      },
      wrong: (watch) => writes(watch, "a", [confEntry(2, { voters: ["a", "b"] })]),
    },
    {
      name: "a joint configuration from other voters than there are",
      complaint: /to \(a,b\)&&\(a,c\)/,
      right: (watch) => writes(watch, "a", [confEntry(2, { learners: ["d"] })]),
      wrong: (watch) => {
        const joint = { voters: ["a", "b"], votersOutgoing: ["a", "c"] };
        writes(watch, "a", [confEntry(2, joint)]);
      },
    },
    {
      name: "a joint configuration left for other voters",
      complaint: /from \(a,b\)&&\(a,b,c\) to \(b,c\)&&\(\)/,
      before: (watch) => {
        writes(watch, "a", [confEntry(2, { voters: ["a", "b"], votersOutgoing: three.voters })]);
      },
      right: (watch) => writes(watch, "a", [confEntry(3, { voters: ["a", "b"] })]),
      wrong: (watch) => writes(watch, "a", [confEntry(3, { voters: ["b", "c"] })]),
    },
  ],
};

for (const [checker, cases] of Object.entries(corruptions)) {
  for (const { name, complaint, before, right, wrong } of cases) {
    test(`${checker} finds ${name}`, () => {
      const good = newWatch();
      before?.(good);
      right(good);
      const bad = newWatch();
      before?.(bad);
      foundBy(checker, complaint, () => wrong(bad));
    });
  }
}

test("every complaint of every checker has a corrupted history", () => {
  const elsewhere = {
    "upkeep-steps": "upkeep-steps.test.ts",
    quarantined: "quarantined.test.ts",
    "level-steps": "level-steps.test.ts",
  };
  const files = readdirSync(import.meta.dirname).filter(
    (file) => !file.endsWith(".test.ts") && file !== "checker.ts",
  );
  const known = Object.keys({ ...corruptions, ...elsewhere }).map((name) => `${name}.ts`);
  assert.deepEqual(files.sort(), known.sort());
  for (const [checker, cases] of Object.entries(corruptions)) {
    const source = readFileSync(join(import.meta.dirname, `${checker}.ts`), "utf8");
    const complaints = source.match(/\bexpect\(/g)?.length ?? 0;
    assert.ok(complaints > 0 && cases.length >= complaints, `${checker}: ${complaints} complaints`);
  }
});

test("the oracle finds a lost write", () => {
  const oracle = new Oracle(() => 0);
  const watch = newWatch();
  const write = oracle.invokeWrite("k");
  commits(watch, `k=${write.command.serial}`);
  oracle.finish(watch.ledger);
  oracle.completeWrite(write, 2);
  oracle.finish(watch.ledger);
  const lost = oracle.invokeWrite("k");
  oracle.completeWrite(lost, 3);
  foundBy("lost-write", /write 2, acknowledged at 3/, () => oracle.finish(watch.ledger));
});

test("the oracle finds a write that happened twice", () => {
  const oracle = new Oracle(() => 0);
  const watch = newWatch();
  const text = `k=${oracle.invokeWrite("k").command.serial}`;
  commits(watch, text);
  oracle.finish(watch.ledger);
  for (const id of ["a", "b"]) writes(watch, id, [entry(3, 1, text)]);
  watch.state(view({ role: "leader", commit: 3 }));
  foundBy("double-write", /write 1 happened 2 times/, () => oracle.finish(watch.ledger));
});

test("the oracle finds a read behind what was acknowledged before it", () => {
  const oracle = new Oracle(() => 0);
  const write = oracle.invokeWrite("k");
  oracle.completeRead(oracle.invokeRead("k"), "b", 1, 0);
  oracle.completeWrite(write, 2);
  const read = oracle.invokeRead("k");
  foundBy("stale-read", /at 1, 2 was/, () => oracle.completeRead(read, "b", 1, 0));
});

test("the oracle finds a value that no order of the operations explains", () => {
  for (const value of [1, 0]) {
    let now = 0;
    const oracle = new Oracle(() => now);
    const watch = newWatch();
    const write = oracle.invokeWrite("k");
    commits(watch, `k=${write.command.serial}`);
    now = 1;
    oracle.completeWrite(write, 2);
    now = 2;
    const read = oracle.invokeRead("k");
    // At an index that is new enough, and yet it does not see the write.
    oracle.completeRead(read, "b", 2, value);
    const finish = () => oracle.finish(watch.ledger);
    if (value === 1) finish();
    else
      foundBy(
        "linearizability",
        /^linearizability: k: 1 happened while 0 had to be current/,
        finish,
      );
  }
});

test("liveness finds a cluster that never comes to rest", async () => {
  const bug = mutants.find(({ name }) => name === "joint-never-left");
  assert.ok(bug !== undefined);
  const { failure } = await runSeed(1, { mode: "core", code: await loadMutant(bug) });
  assert.equal(failure?.checker, "liveness", failure?.message);
  assert.match(failure?.message ?? "", /after healing: the joint configuration was not left/);
  assert.equal((await runSeed(1, { mode: "core" })).failure, null);
});

function foundBy(checker: string, complaint: RegExp, fn: () => void): void {
  assert.throws(fn, (error) => {
    assert.ok(error instanceof SimFailure, String(error));
    assert.equal(error.checker, checker, error.message);
    assert.match(error.message, complaint);
    return true;
  });
}
