import assert from "node:assert/strict";
import test from "node:test";
import { emptyConf, encodeConf } from "../../core/conf-state.ts";
import type { ConfState, Entry } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import { Ledger } from "../ledger.ts";
import { LevelSteps } from "./level-steps.ts";

/** The program of `c` is an old one. */
const truth = {
  newestOf: (id: string) => (id === "c" ? 1 : 2),
  versionOf: ({ data }: Entry) => data[0] ?? 0,
};

function entry(index: number, kind: EntryKind, data: Uint8Array): Entry {
  return { index, term: 1, kind, data };
}

function write(...confs: Partial<ConfState>[]): void {
  const checker = new LevelSteps(new Ledger(), truth);
  const entries = confs.map((conf, i) =>
    entry(i + 1, EntryKind.config, encodeConf({ ...emptyConf, voters: ["a", "b"], ...conf })),
  );
  checker.issued("a", { seq: 1, hardState: null, entries, snapshot: null });
}

function apply(id: string, version: number): void {
  const checker = new LevelSteps(new Ledger(), truth);
  checker.applied(id, entry(9, EntryKind.normal, Uint8Array.of(version)));
}

test("a level that all understand, and entries of it, pass", () => {
  write({}, { level: 1, learners: ["c"] }, { level: 1 }, { level: 2 });
  apply("a", 2);
  apply("c", 1);
});

test("what a program does not understand is found, and a level that goes back", () => {
  assert.throws(() => write({ level: 2 }, { level: 1 }), /a goes from level 2 to 1/);
  assert.throws(() => write({ level: 2 }, {}), /a goes from level 2 to 0/);
  assert.throws(() => write({ level: 2, learners: ["c"] }), /a is at 2, c knows 1 at most/);
  assert.throws(() => apply("c", 2), /c knows 1 and applies 2/);
});
