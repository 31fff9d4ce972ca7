import assert from "node:assert/strict";
import test from "node:test";
import { isRawNumber, parseExact, prettyAnswer, scalarText } from "./exact-json.ts";

test("numbers beyond a double keep every digit", () => {
  const answer = parseExact('{"T":1795396246571093913,"N":5}') as Record<string, never>;
  assert.equal(isRawNumber(answer.T as never), true);
  assert.equal(scalarText(answer.T as never), "1795396246571093913");
  assert.equal(answer.N, 5);
  assert.equal(prettyAnswer(answer), '{\n    "N": 5,\n    "T": 1795396246571093913\n}');
});

test("numbers keep the way they were written", () => {
  assert.equal(prettyAnswer(parseExact("[1.0, 1e3, 0.5]")), "[\n    1.0,\n    1e3,\n    0.5\n]");
});

test("members are sorted at every depth, lists are not", () => {
  const text = prettyAnswer(parseExact('{"b":[{"z":1,"a":null}],"a":{}}'));
  assert.deepEqual(text.replace(/\s+/g, ""), '{"a":{},"b":[{"a":null,"z":1}]}');
});
