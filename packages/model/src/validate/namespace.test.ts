import assert from "node:assert/strict";
import test from "node:test";
import { validateNamespace } from "./namespace.ts";

test("a namespace is named so that it can stand in a path, and described in short", () => {
  for (const name of ["default", "Team-1", "x".repeat(128)]) {
    assert.equal(validateNamespace(name, "d".repeat(256)), "");
  }
  for (const name of ["", "a/b", "*", "a b", "x".repeat(129)]) {
    const problem = `invalid name "${name}". Must match regex ^[a-zA-Z0-9-]{1,128}$`;
    const text = `Invalid namespace "${name}": 1 error occurred:\n\t* ${problem}\n\n`;
    assert.equal(validateNamespace(name, ""), text);
  }
  assert.match(
    validateNamespace("a.b", "d".repeat(257)),
    /2 errors .*\n.*\n\t\* description longer than 256\n/s,
  );
});
