import assert from "node:assert/strict";
import test from "node:test";
import { StateMachineStore } from "@drover/state";
import { ServerFsm } from "./fsm.ts";

const ROW_BYTES = 100_000;
/** What is encoded in 8 ms, and what has to be done at once beyond that. */
const SLICE_BYTES = 512 * 1024;
const FRAME_ROWS = 8;

test("a snapshot of large rows is encoded in slices, between which others have their turn", async () => {
  const store = new StateMachineStore();
  const rows = Array.from({ length: 100 }, (_, i) => {
    return { kind: "row", table: "jobs", key: `${i}`, row: { text: "x".repeat(ROW_BYTES) } };
  });
  store.snapshot = () => ({ dump: () => rows }) as never;
  let turn = 0;
  let next = setImmediate(function go() {
    turn += 1;
    next = setImmediate(go);
  });
  const bytesOf = new Map<number, number>();
  for await (const piece of new ServerFsm(store).snapshot().stream()) {
    bytesOf.set(turn, (bytesOf.get(turn) ?? 0) + piece.length);
  }
  clearImmediate(next);
  const all = [...bytesOf.values()];
  assert.ok(all.reduce((sum, bytes) => sum + bytes, 0) > rows.length * ROW_BYTES);
  const most = Math.max(...all);
  assert.ok(most < SLICE_BYTES + (FRAME_ROWS + 1) * ROW_BYTES, `${most} bytes in one turn`);
});
