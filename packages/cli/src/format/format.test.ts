import assert from "node:assert/strict";
import test from "node:test";
import { formatBytes } from "./bytes.ts";
import { bareTable, keyValues, table } from "./columns.ts";
import { shortId } from "./ids.ts";
import { quote } from "./quote.ts";
import { formatAgo, formatInstant, formatInstantOrNone, formatSpan, formatWhen } from "./time.ts";

process.env.TZ = "UTC";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("columns are as wide as their widest cell and empty cells say none", () => {
  const rows = [
    ["ID", "Name"],
    ["1", ""],
    ["22222", "x"],
  ];
  assert.equal(table(rows), "ID     Name\n1      <none>\n22222  x");
  assert.equal(bareTable(rows), "ID     Name\n1      \n22222  x");
});

test("the last column is not padded", () => {
  const rows = [
    ["A", "long title"],
    ["b", "c"],
  ];
  assert.equal(table(rows), "A  long title\nb  c");
});

test("colours and characters of many bytes do not count for the width", () => {
  const rows = [
    ["\u001b[31mé\u001b[0m", "x"],
    ["bb", "y"],
  ];
  assert.equal(table(rows), "\u001b[31mé\u001b[0m   x\nbb  y");
});

test("keys are padded to the longest one", () => {
  const pairs = [
    ["ID", "web"],
    ["Status", ""],
  ] as const;
  assert.equal(keyValues(pairs), "ID     = web\nStatus = <none>");
});

test("a span shows its two largest units when they are neighbours", () => {
  assert.equal(formatSpan(0), "0s");
  assert.equal(formatSpan(999), "0s");
  assert.equal(formatSpan(61 * SECOND), "1m1s");
  assert.equal(formatSpan(HOUR + 2 * MINUTE + 3 * SECOND), "1h2m");
  assert.equal(formatSpan(HOUR + 5 * SECOND), "1h", "seconds do not follow hours");
  assert.equal(formatSpan(40 * DAY), "1mo10d");
  assert.equal(formatSpan(800 * DAY), "2y2mo");
});

test("the future is from now", () => {
  assert.equal(formatAgo(1000, 4000), "3s ago");
  assert.equal(formatAgo(4000, 1000), "3s from now");
  assert.equal(formatAgo(1000, 1000), "0s ago");
});

test("verbose instants are absolute and instants that never came say so", () => {
  const at = Date.parse("2026-01-02T15:04:05.999Z");
  assert.equal(formatInstant(at), "2026-01-02T15:04:05Z");
  assert.equal(formatWhen(at, { verbose: true, now: 0 }), "2026-01-02T15:04:05Z");
  assert.equal(formatWhen(at, { verbose: false, now: at + MINUTE }), "1m ago");
  assert.equal(formatInstantOrNone(0), "N/A");
  assert.equal(formatInstantOrNone(at), "2026-01-02T15:04:05Z");
});

test("amounts have one decimal below ten", () => {
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(9), "9 B");
  assert.equal(formatBytes(1023), "1023 B");
  assert.equal(formatBytes(1024), "1.0 KiB");
  assert.equal(formatBytes(64 * 1024 * 1024), "64 MiB");
  assert.equal(formatBytes(1.84 * 1024 ** 3), "1.8 GiB");
});

test("quoted text keeps letters and escapes what does not print", () => {
  assert.equal(quote('a"b\\c\n'), '"a\\"b\\\\c\\n"');
  assert.equal(quote("é 漢"), '"é 漢"');
  assert.equal(quote("\u0001\u200b"), '"\\x01\\u200b"');
});

test("ids are cut to eight characters unless all is asked for", () => {
  const id = "0123456789abcdef";
  assert.equal(shortId(id, false), "01234567");
  assert.equal(shortId(id, true), id);
});
