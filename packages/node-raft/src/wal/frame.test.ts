import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { EntryKind } from "../core/types.ts";
import { type Frame, FrameError, FrameWriter, readFrames } from "./frame.ts";

const index = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
// Members mint their ids; the one name that an object cannot have as a key is none of them.
const id = fc.string({ maxLength: 40 }).filter((text) => text !== "__proto__");
const ids = fc.array(id, { maxLength: 5 });

const entryFrame = fc
  .record({
    index,
    term: index,
    kind: fc.constantFrom<EntryKind>(0, 1, 2),
    data: fc.uint8Array({ maxLength: 300 }),
  })
  .map((entry): Frame => ({ type: "entry", entry }));
const hardStateFrame = fc
  .record({ term: index, vote: id, commit: index })
  .map((hardState): Frame => ({ type: "hardState", hardState }));
const truncateFrame = index.map((at): Frame => ({ type: "truncateFrom", index: at }));
const conf = fc.record({
  voters: ids,
  votersOutgoing: ids,
  learners: ids,
  learnersNext: ids,
  autoLeave: fc.boolean(),
  addresses: fc.dictionary(id, id, { noNullPrototype: true }),
});
const markFrame = fc
  .record({ meta: fc.record({ index, term: index, conf }), reset: fc.boolean() })
  .map((mark): Frame => ({ type: "snapshotMark", mark }));
const frames = fc.array(fc.oneof(entryFrame, hardStateFrame, truncateFrame, markFrame));

function write(list: readonly Frame[], capacity: number): Uint8Array {
  const writer = new FrameWriter(capacity);
  for (const frame of list) {
    if (frame.type === "entry") writer.entry(frame.entry);
    else if (frame.type === "hardState") writer.hardState(frame.hardState);
    else if (frame.type === "truncateFrom") writer.truncateFrom(frame.index);
    else writer.snapshotMark(frame.mark);
  }
  return writer.finish();
}

test("every sequence of frames reads back as it was written, however the buffer grew", () => {
  fc.assert(
    fc.property(frames, fc.constantFrom(8, 64, 4096), (list, capacity) => {
      const bytes = write(list, capacity);
      assert.equal(bytes.length % 8, 0);
      // Through clones, because what the generator makes has no prototypes.
      assert.deepEqual(structuredClone([...readFrames(bytes)]), structuredClone(list));
    }),
    { numRuns: 200 },
  );
});

test("frames that are cut off or of an unknown kind are refused", () => {
  const bytes = write([{ type: "truncateFrom", index: 5 }], 64);
  assert.throws(() => [...readFrames(bytes.subarray(0, 8))], FrameError);
  assert.throws(() => [...readFrames(bytes.subarray(0, 4))], FrameError);
  const unknown = bytes.slice();
  unknown[0] = 77;
  assert.throws(() => [...readFrames(unknown)], /frame type 77/);
  const future = bytes.slice();
  future[1] = 9;
  assert.throws(() => [...readFrames(future)], /version 9/);
});
