import assert from "node:assert/strict";
import test from "node:test";
import { headerName } from "./header-names.ts";

test("every word of a header's name begins with a capital", () => {
  assert.equal(headerName("content-type"), "Content-Type");
  assert.equal(headerName("X-Nomad-KnownLeader"), "X-Nomad-Knownleader");
  assert.equal(headerName("x-xss-protection"), "X-Xss-Protection");
});
