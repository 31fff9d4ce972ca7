/** Long work in short stretches (DESIGN §7). */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { endOf, inSlices, sortInSlices } from "./slices.ts";

test("every item is visited once, in order, with a yield between stretches", () => {
  const visited: number[] = [];
  const slices = inSlices([1, 2, 3, 4, 5], (item) => visited.push(item), 2);
  const seen: number[] = [];
  while (!slices.next().done) seen.push(visited.length);
  assert.deepEqual(
    [seen, visited],
    [
      [2, 4],
      [1, 2, 3, 4, 5],
    ],
  );
});

test("sorted in slices is sorted, and equal ones keep their order", () => {
  const items = fc.array(fc.record({ key: fc.nat(50), at: fc.nat() }), {
    maxLength: 3_000,
    size: "max",
  });
  let longest = 0;
  fc.assert(
    fc.property(items, (list) => {
      longest = Math.max(longest, list.length);
      const sorted = endOf(sortInSlices(list, (a, b) => a.key - b.key));
      assert.deepEqual(
        sorted,
        list.toSorted((a, b) => a.key - b.key),
      );
    }),
    { numRuns: 50 },
  );
  assert.ok(longest > 1_000, "several runs were merged");
});
