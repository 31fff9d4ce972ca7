import assert from "node:assert/strict";
import test from "node:test";
import { matchFiles } from "./fileset.ts";
import { absolutePath, baseName, cleanPath, directoryName } from "./paths.ts";
import { formatUuid, parseUuid, uuidV4 } from "./uuid.ts";

test("paths are cleaned as text", () => {
  const cleaned = ["a/./b//c/..", "../x/../..", "/..", "", "a/"].map(cleanPath);
  assert.deepEqual(cleaned, ["a/b", "../..", "/", ".", "a"]);
  assert.equal(absolutePath("x/../y", "/w"), "/w/y");
  assert.deepEqual(["a/b/c.txt", "/", "", "a/"].map(baseName), ["c.txt", "/", ".", "a"]);
  assert.deepEqual(["a/b/c.txt", "/", "x", "a/"].map(directoryName), ["a/b", "/", ".", "a"]);
});

test("file patterns span directories only with two stars", () => {
  const files = ["b.tpl", "a.tpl", "d/c.tpl", "d/e/f.tpl", "d/x.txt"];
  assert.deepEqual(matchFiles(files, "*.tpl"), ["a.tpl", "b.tpl"]);
  assert.deepEqual(matchFiles(files, "**/*.tpl"), ["a.tpl", "b.tpl", "d/c.tpl", "d/e/f.tpl"]);
  assert.deepEqual(matchFiles(files, "d/{c,x}.t*"), ["d/c.tpl", "d/x.txt"]);
  assert.deepEqual(matchFiles(files, "[ab].tp?"), ["a.tpl", "b.tpl"]);
});

test("UUIDs carry their version", () => {
  const id = formatUuid(uuidV4(Uint8Array.from({ length: 16 }, () => 0xff)));
  assert.equal(id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
  assert.equal(parseUuid("nope"), "invalid UUID length: 4");
  assert.deepEqual(parseUuid(id), Uint8Array.from(Buffer.from(id.replaceAll("-", ""), "hex")));
});
