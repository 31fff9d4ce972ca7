import assert from "node:assert/strict";
import test from "node:test";
import { evenPrefix } from "./lookup.ts";

test("the odd last digit of an id's prefix is not asked for", () => {
  assert.equal(evenPrefix("abc"), "ab");
  assert.equal(evenPrefix("abcd"), "abcd");
  assert.equal(evenPrefix("01234567-8"), "01234567-");
  assert.equal(evenPrefix("01234567-89"), "01234567-89");
  assert.equal(evenPrefix(""), "");
});
