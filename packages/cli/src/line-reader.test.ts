import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import test from "node:test";
import { LineReader } from "./line-reader.ts";

test("a line is there as soon as it is typed, while the input goes on", async () => {
  const input = new PassThrough();
  const lines = new LineReader(input);
  input.write("no");
  setImmediate(() => input.write("pe\r\nyes\nre"));
  assert.equal(await lines.next(), "nope");
  assert.equal(await lines.next(), "yes");
  assert.equal(input.isPaused(), true, "nothing is read between questions");
  setImmediate(() => input.end("st"));
  assert.equal(await lines.next(), "rest");
  assert.equal(await lines.next(), null);
  assert.equal(await lines.next(), null);
});
