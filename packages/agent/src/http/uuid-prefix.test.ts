import assert from "node:assert/strict";
import test from "node:test";
import { checkUuid, checkUuidPrefix } from "./uuid-prefix.ts";

test("whole bytes of hexadecimal are a prefix, in lower case", () => {
  assert.equal(checkUuidPrefix("alloc", "ABcd"), "abcd");
  assert.equal(checkUuidPrefix("alloc", ""), "");
  assert.equal(checkUuidPrefix("alloc", "12345678-9a"), "12345678-9a");
});

test("the length is looked at before the letters", () => {
  const message = "node lookup failed: index error: Input (without hyphens) must be even length";
  assert.throws(() => checkUuidPrefix("node", "z"), { message, status: 500 });
});

test("what is no hexadecimal is named by its code", () => {
  const message = "index error: Invalid UUID: encoding/hex: invalid byte: U+007A 'z'";
  assert.throws(() => checkUuidPrefix("", "az"), { message, status: 500 });
});

test("an id that is too short is no UUID", () => {
  const message = "eval lookup failed: index error: UUID must be 36 characters";
  assert.throws(() => checkUuid("eval", "short"), { message, status: 500 });
});
