import assert from "node:assert/strict";
import test from "node:test";
import { formatDuration, HOUR, MINUTE, parseDuration, SECOND } from "./duration.ts";

const WRITTEN: [string, number][] = [
  ["0", 0],
  ["1h30m", HOUR + 30 * MINUTE],
  ["-1.5s", -1.5 * SECOND],
  ["+2ms", 2_000_000],
  [".5s", SECOND / 2],
  ["1µs", 1000],
  ["1us", 1000],
  ["7ns", 7],
];
for (const [text, nanos] of WRITTEN) {
  test(`reads ${text}`, () => assert.deepEqual(parseDuration(text), { ok: true, nanos }));
}

const REFUSED: [string, string][] = [
  ["", 'time: invalid duration ""'],
  ["h", 'time: invalid duration "h"'],
  ["30", 'time: missing unit in duration "30"'],
  ["3 s", 'time: unknown unit " s" in duration "3 s"'],
  ["1d", 'time: unknown unit "d" in duration "1d"'],
  ["9999999h", 'time: invalid duration "9999999h"'],
];
for (const [text, message] of REFUSED) {
  test(`refuses "${text}"`, () => assert.deepEqual(parseDuration(text), { ok: false, message }));
}

const FORMATTED: [number, string][] = [
  [0, "0s"],
  [999, "999ns"],
  [1500, "1.5µs"],
  [250_000_000, "250ms"],
  [1.5 * SECOND, "1.5s"],
  [90 * SECOND, "1m30s"],
  [HOUR, "1h0m0s"],
  [-HOUR - SECOND, "-1h0m1s"],
  [16_801_652_517, "16.801652517s"],
];
for (const [nanos, text] of FORMATTED) {
  test(`writes ${nanos} ns as ${text}`, () => {
    assert.equal(formatDuration(nanos), text);
    assert.deepEqual(parseDuration(text), { ok: true, nanos });
  });
}
