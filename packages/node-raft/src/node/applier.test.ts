import assert from "node:assert/strict";
import test from "node:test";
import type { Entry } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import type { Committed } from "./api.ts";
import { Applier } from "./applier.ts";
import { SessionMachine } from "./session-machine.ts";

const SLICE_MS = 8;
const CALL_ENTRIES = 128;

test("entries are applied in slices of 8 ms, in calls that are never large", () => {
  let now = 0;
  let again = 0;
  const calls: number[] = [];
  const apply = (entries: readonly Committed[]): readonly number[] => {
    calls.push(entries.length);
    now += 3;
    return entries.map(({ index }) => index);
  };
  const machine = { apply, snapshot: () => assert.fail(), restore: () => assert.fail() };
  const applier = new Applier<number>(
    {
      machine: new SessionMachine(machine),
      timers: { now: () => now, after: () => () => {}, soon: () => {}, atOnce: () => {} },
      upTo: () => Number.MAX_SAFE_INTEGER,
      applied: () => {},
      reached: () => {},
      again: () => {
        again += 1;
      },
    },
    0,
  );
  const data = new Uint8Array(1);
  const count = 7 * CALL_ENTRIES + 5;
  const entries = Array.from({ length: count }, (_, i): Entry => {
    return { index: i + 1, term: 1, kind: EntryKind.normal, data };
  });
  applier.add(entries);
  let slices = 0;
  do {
    const from = now;
    again = 0;
    applier.run();
    slices += 1;
    assert.ok(now - from < SLICE_MS + 3, `${now - from} ms at once`);
  } while (again > 0);
  assert.equal(slices, 3);
  assert.deepEqual(calls, [...Array(7).fill(CALL_ENTRIES), 5]);
  assert.equal(applier.applied, count);
});
