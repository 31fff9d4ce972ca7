import assert from "node:assert/strict";
import test from "node:test";
import { allocIndex } from "./allocation.ts";

const CASES: readonly (readonly [name: string, index: number])[] = [
  ["web.api[0]", 0],
  ["web.api[107]", 107],
  ["odd[7].api[3]", 3],
  ["[5]", 5],
  ["web.api", -1],
  ["web.api[]", -1],
  ["web.api[1x]", -1],
  ["web.api[-1]", -1],
  ["web.api1]", -1],
  ["12]", -1],
  ["web.api[1] ", -1],
  ["", -1],
];

for (const [name, index] of CASES) {
  test(`the index in ${JSON.stringify(name)} is ${index}`, () => {
    assert.equal(allocIndex(name), index);
  });
}
