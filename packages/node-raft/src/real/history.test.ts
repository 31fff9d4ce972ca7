/** Each thing that is complained of after a run, found in a history that was corrupted so. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { emptyConf } from "../core/conf-state.ts";
import { encodeCommand, type RegisterStep, RegisterStore } from "../testing/register-store.ts";
import { History, loadSteps, wrongCommands, wrongOrder } from "./history.ts";

function step(at: number, change: Partial<RegisterStep>): RegisterStep {
  const nothing = { key: "a", kind: "read", value: 0, expected: 0, happened: true } as const;
  return { ...nothing, invokedAt: at, completedAt: at + 0.5, ...change };
}

/** Writes 1, swaps it for 2, fails to swap 1 once more, and reads. */
const right: readonly RegisterStep[] = [
  step(1, { kind: "write", value: 1 }),
  step(2, { kind: "swap", expected: 1, value: 2 }),
  step(3, { kind: "swap", expected: 1, value: 3, happened: false }),
  step(4, { value: 2 }),
];

const wrong: Readonly<Record<string, readonly [number, Partial<RegisterStep>]>> = {
  "a read of what was replaced before it": [3, { value: 1 }],
  "a swap that happened though the value was another": [2, { happened: true }],
  "a swap that did not happen though the value was that": [1, { happened: false }],
  "a swap that happened twice": [2, { value: 2, happened: true }],
  "a read of what nobody wrote": [3, { value: 9 }],
};

test("a history with an order is one", () => {
  assert.equal(wrongOrder(right), null);
});

for (const [name, [at, change]] of Object.entries(wrong)) {
  test(`no order explains ${name}`, () => {
    const steps = right.map((each, i) => (i === at ? { ...each, ...change } : each));
    assert.match(wrongOrder(steps) ?? "", /no order explains/);
  });
}

test("a swap of unknown outcome may have happened, later, or not at all", () => {
  const unknown = { completedAt: Number.POSITIVE_INFINITY, happened: null };
  const swap = step(2, { kind: "swap", expected: 1, value: 2, ...unknown });
  const before = [right[0] as RegisterStep, swap];
  assert.equal(wrongOrder([...before, step(5, { value: 1 }), step(6, { value: 2 })]), null);
  assert.equal(wrongOrder([...before, step(5, { value: 1 })]), null);
  assert.notEqual(wrongOrder([...before, step(5, { value: 2 }), step(6, { value: 1 })]), null);
});

test("a history that was kept is checked again as it was", () => {
  const dir = mkdtempSync(join(tmpdir(), "raft-history-"));
  try {
    const history = new History();
    const open = step(9, { kind: "write", value: 9, completedAt: Number.POSITIVE_INFINITY });
    history.steps.push(...right, open);
    history.save(join(dir, "history.jsonl"));
    assert.deepEqual(loadSteps(join(dir, "history.jsonl")), history.steps);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** 1 and 3 acknowledged, 2 did not happen, 4 unknown. */
function issued(): History {
  const history = new History();
  history.issued.set(1, { index: 5, happened: true });
  history.issued.set(2, { index: 6, happened: false });
  history.issued.set(3, { index: 8, happened: true });
  history.issued.set(4, { index: 0, happened: false });
  return history;
}

const good = { outcomes: [1, -2, 3], chain: 7 };
const spoilt: readonly (readonly [RegExp, readonly number[], number])[] = [
  [/command 3, acknowledged at 8, is lost/, [1, -2], 7],
  [/command 1, acknowledged at 5, is lost/, [-2, 3], 7],
  [/command 3 was applied twice/, [1, -2, 3, 3], 7],
  [/command 2, acknowledged at 6, had another outcome/, [1, 2, 3], 7],
  [/command 3, acknowledged at 8, is out of order/, [1, 3, -2], 7],
  [/command 9 is from nowhere/, [1, -2, 3, 9], 7],
  [/member 1 differs from member 0/, [1, -2, 3], 8],
];

test("members that hold what was acknowledged pass, with or without the unknown", () => {
  assert.equal(wrongCommands(issued(), [good, good]), null);
  const later = { outcomes: [1, -2, 3, 4], chain: 9 };
  assert.equal(wrongCommands(issued(), [later, later]), null);
});

for (const [complaint, outcomes, chain] of spoilt) {
  test(`members are told apart: ${complaint.source}`, () => {
    assert.match(wrongCommands(issued(), [good, { outcomes, chain }]) ?? "", complaint);
  });
}

test("a program ends at a command, or a state, of a level that it does not understand", async () => {
  const entry = (index: number, level: number) => {
    const data = encodeCommand({ key: "a", serial: index, expected: null }, level);
    return { index, term: 1, data };
  };
  const newer = new RegisterStore(2);
  newer.apply([entry(1, 0), entry(2, 1), entry(3, 2)]);
  assert.deepEqual([newer.newest, newer.read("a")], [2, 3]);
  const older = new RegisterStore(1);
  older.apply([entry(1, 0), entry(2, 1)]);
  assert.throws(() => older.apply([entry(3, 2)]), /of level 2, this program understands 1/);
  const meta = { index: 3, term: 1, conf: { ...emptyConf, voters: ["a"] } };
  const saved = newer.snapshot();
  await assert.rejects(older.restore(meta, saved.stream()), /of level 2/);
  const again = new RegisterStore(2);
  await again.restore(meta, saved.stream());
  assert.deepEqual([again.newest, again.chain], [2, newer.chain]);
});
