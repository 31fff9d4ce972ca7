import assert from "node:assert/strict";
import test from "node:test";
import { formatRange, position } from "./source.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

test("columns count what a reader sees as one character", () => {
  const source = { name: "f", text: "é👩‍👩x\nab" };
  const at = (character: string) => position(source, source.text.indexOf(character));
  assert.deepEqual(at("x"), { line: 1, column: 3 });
  assert.deepEqual(at("b"), { line: 2, column: 2 });
});

test("a range over lines names both", () => {
  const source = { name: "f", text: "ab\ncd\n" };
  assert.equal(formatRange({ source, start: 1, end: 4 }), "f:1,2-2,2");
  assert.equal(formatRange({ source, start: 3, end: 5 }), "f:2,1-3");
});

test("UTF-8 survives, and bytes that are none keep their place", () => {
  const text = "aé漢🚀\u0000";
  assert.equal(decodeUtf8(encodeUtf8(text)), text);
  assert.deepEqual(encodeUtf8("é"), Uint8Array.of(0xc3, 0xa9));
  const broken = decodeUtf8(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80));
  assert.equal(broken.length, 7);
  assert.equal(broken, "a\udcff\udcc3(\udced\udca0\udc80");
});
