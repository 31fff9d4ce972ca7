import assert from "node:assert/strict";
import test from "node:test";
import { isAfter, LogFrames, sinceParameter } from "./log-frames.ts";

const TIME = "2026-01-01T00:00:01.123456789Z";

function frame(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

test("frames are told apart by stream, whatever the chunks", () => {
  const bytes = Buffer.concat([frame(1, `${TIME} out\n`), frame(2, `${TIME} err\n`)]);
  for (let size = 1; size <= bytes.length; size++) {
    const frames = new LogFrames({ tty: false });
    const entries = [];
    for (let at = 0; at < bytes.length; at += size) {
      entries.push(...frames.push(bytes.subarray(at, at + size)));
    }
    const seen = entries.map((e) => [e.stream, e.time, e.text.toString()]);
    assert.deepEqual(seen, [
      ["stdout", TIME, "out\n"],
      ["stderr", TIME, "err\n"],
    ]);
  }
});

test("a terminal's output is cut into lines", () => {
  const frames = new LogFrames({ tty: true });
  assert.deepEqual(frames.push(Buffer.from(`${TIME} one\r\n${TIME} tw`)).length, 1);
  const [entry] = frames.push(Buffer.from("o\r\n"));
  assert.equal(entry?.text.toString(), "two\r\n");
  assert.equal(entry?.stream, "stdout");
});

test("text that only looks like a time stays text", () => {
  const [entry] = new LogFrames({ tty: false }).push(frame(1, "2026-01-01 hello\n"));
  assert.equal(entry?.time, "");
  assert.equal(entry?.text.toString(), "2026-01-01 hello\n");
});

test("times are compared to the nanosecond", () => {
  assert.equal(sinceParameter(TIME), "1767225601.123456789");
  assert.equal(sinceParameter("2026-01-01T00:00:01Z"), "1767225601.000000000");
  assert.equal(isAfter(TIME, ""), true);
  assert.equal(isAfter(TIME, TIME), false);
  assert.equal(isAfter("2026-01-01T00:00:01.2Z", TIME), true);
  assert.equal(isAfter("2026-01-01T00:00:01.123456788Z", TIME), false);
});
