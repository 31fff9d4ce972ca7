import assert from "node:assert/strict";
import test from "node:test";
import { FrameDecoder, lastLines } from "./frames.ts";

function frame(text: string): string {
  return JSON.stringify({ Data: Buffer.from(text).toString("base64"), File: "web.stdout.0" });
}

test("frames give the file however the stream is cut", () => {
  const stream = Buffer.from(`${frame("one\n")}{}${frame("é two\n")}{}`);
  for (let size = 1; size < stream.length; size++) {
    const decoder = new FrameDecoder();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      pieces.push(decoder.push(stream.subarray(at, at + size)));
    }
    assert.equal(Buffer.concat(pieces).toString(), "one\né two\n", `pieces of ${size} bytes`);
  }
});

test("the last lines are counted from the end, a started line included", () => {
  const last = (text: string, count: number) => lastLines(Buffer.from(text), count).toString();
  assert.equal(last("a\nb\nc\n", 2), "b\nc\n");
  assert.equal(last("a\nb\nc", 2), "b\nc");
  assert.equal(last("a\nb\n", 5), "a\nb\n");
  assert.equal(last("", 3), "");
});
