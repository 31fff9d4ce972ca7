/** When a leader hands over by itself, and to whom (RAFT.md §4.3). */
import assert from "node:assert/strict";
import test from "node:test";
import type { CoreStatus } from "../core/options.ts";
import { bestVoter } from "./best-voter.ts";
import { DiskWatch } from "./disk-watch.ts";

function status(others: Readonly<Record<string, { match: number; recentActive: boolean }>>) {
  const voters = ["self", ...Object.keys(others)];
  return { id: "self", conf: { voters }, progress: others } as unknown as CoreStatus;
}

test("one that was heard of is preferred, then the one whose log is furthest", () => {
  const furthest = { match: 9, recentActive: false };
  const heard = { match: 7, recentActive: true };
  assert.equal(bestVoter(status({ a: furthest, b: heard })), "b");
  assert.equal(bestVoter(status({ a: heard, b: { match: 8, recentActive: true } })), "b");
});

test("right after a check-quorum, when nobody counts as heard of, there is one all the same", () => {
  const silent = (match: number) => ({ match, recentActive: false });
  assert.equal(bestVoter(status({ a: silent(5), b: silent(6) })), "b");
  assert.equal(bestVoter(status({})), null);
});

test("from the second late tick in a row on the loop is too slow, until one is in time", () => {
  const watch = new DiskWatch(1000);
  const ticks = [true, true, true, false, true, true];
  assert.deepEqual(
    ticks.map((isLate) => watch.late(isLate)),
    [false, true, true, false, false, true],
  );
});
