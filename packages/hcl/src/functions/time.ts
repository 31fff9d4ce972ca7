/** Functions on points in time, written as RFC 3339 text. */
import { MILLISECOND, parseDuration } from "@drover/base";
import { string, stringOf, type Value } from "../values/value.ts";
import { define, type Entry, fail, text } from "./define.ts";

export function timeFunctions(): Entry[] {
  return [
    define("timeadd", [text("timestamp"), text("duration")], addTime),
    define("formatdate", [text("format"), text("time")], (format, time) => {
      return string(formatDate(stringOf(format), parseTimestamp(stringOf(time), 1)));
    }),
  ];
}

/** A point in time, and the offset from UTC in which it is shown. */
interface Timestamp {
  readonly epochMs: number;
  readonly nanosOfMs: number;
  readonly offsetMinutes: number;
}

const PARTS: readonly (readonly [pattern: RegExp, what: string | null])[] = [
  [/\d{4}/y, "year"],
  [/-/y, null],
  [/0[1-9]|1[0-2]/y, "month"],
  [/-/y, null],
  [/\d{2}/y, "day of month"],
  [/T/y, null],
  [/\d{2}/y, "hour"],
  [/:/y, null],
  [/\d{2}/y, "minute"],
  [/:/y, null],
  [/\d{2}(?:\.\d+)?/y, "second"],
  [/Z|[+-]\d{2}:\d{2}/y, "UTC offset"],
];
const INVALID = "not a valid RFC3339 timestamp";

function parseTimestamp(given: string, argument: number | null): Timestamp {
  const found: string[] = [];
  let at = 0;
  for (const [pattern, what] of PARTS) {
    pattern.lastIndex = at;
    const match = pattern.exec(given)?.[0];
    if (match === undefined) {
      fail(`${INVALID}: ${describe(given.slice(at), pattern, what)}`, argument);
    }
    checkPart(match, what, given.slice(at + 2), argument);
    at += match.length;
    if (what !== null) found.push(match);
  }
  if (at < given.length) {
    fail(`${INVALID}: cannot use ${quote(given.slice(at))} as timestamp segment`, argument);
  }
  return assemble(found, argument);
}

function quote(given: string): string {
  return JSON.stringify(given);
}

/** Numbers that no clock shows. */
function checkPart(part: string, what: string | null, rest: string, argument: number | null): void {
  const value = Number(part);
  if (what === "hour" && value > 23) {
    fail(`${INVALID}: hour must be between 0 and 23 inclusive`, argument);
  }
  if (what === "minute" && value > 59) {
    fail(`${INVALID}: minute must have exactly two digits`, argument);
  }
  if (what === "second" && value >= 60) {
    fail(`${INVALID}: cannot use ${quote(rest)} as second`, argument);
  }
}

function describe(rest: string, pattern: RegExp, what: string | null): string {
  if ((what === "hour" || what === "minute") && /^\d\D/.test(rest)) {
    return `${what} must have exactly two digits`;
  }
  if (what !== null) {
    const skipped = what === "month" && /^\d\d/.test(rest) ? rest.slice(2) : rest;
    return skipped === ""
      ? `end of string before ${what}`
      : `cannot use ${quote(skipped)} as ${what}`;
  }
  const wanted = pattern.source;
  if (wanted === "T") return "missing required time introducer 'T'";
  return rest === ""
    ? `end of string where "${wanted}" is expected`
    : `found ${quote(rest)} where "${wanted}" is expected`;
}

function assemble(parts: readonly string[], argument: number | null): Timestamp {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts.slice(0, 5).map(Number);
  const seconds = (parts[5] ?? "0").replace(",", ".");
  const [whole = "0", fraction = ""] = seconds.split(".");
  const zone = parts[6] ?? "Z";
  const offset = /([+-])(\d{2}):(\d{2})/.exec(zone);
  const sign = offset?.[1] === "-" ? -1 : 1;
  const offsetMinutes = sign * (Number(offset?.[2] ?? 0) * 60 + Number(offset?.[3] ?? 0));
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day < 1 || day > daysInMonth) fail(`${INVALID}: day out of range`, argument);
  if (Math.abs(offsetMinutes) >= 24 * 60) {
    fail(`${INVALID}: end of string before UTC offset`, argument);
  }
  const nanos = Number(fraction.padEnd(9, "0").slice(0, 9));
  const local = Date.UTC(year, month - 1, day, hour, minute, Number(whole));
  return {
    epochMs: local + Math.floor(nanos / MILLISECOND) - offsetMinutes * 60_000,
    nanosOfMs: nanos % MILLISECOND,
    offsetMinutes,
  };
}

function addTime(time: Value, durationValue: Value): Value {
  const start = parseTimestamp(stringOf(time), null);
  const duration = parseDuration(stringOf(durationValue));
  if (!duration.ok) return fail(duration.message);
  const nanos = start.nanosOfMs + duration.nanos;
  const ms = Math.floor(nanos / MILLISECOND);
  return string(
    formatRfc3339({
      epochMs: start.epochMs + ms,
      nanosOfMs: nanos - ms * MILLISECOND,
      offsetMinutes: start.offsetMinutes,
    }),
  );
}

/** The clock on the wall in the offset, read with the UTC getters. */
function wallClock(time: Timestamp): Date {
  return new Date(time.epochMs + time.offsetMinutes * 60_000);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function formatOffset(minutes: number, colon: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
}

function formatRfc3339(time: Timestamp): string {
  const wall = wallClock(time);
  const zone = time.offsetMinutes === 0 ? "Z" : formatOffset(time.offsetMinutes, ":");
  const [date = ""] = wall
    .toISOString()
    .replace(/^[+]0+/, "")
    .split(".");
  return `${date}${zone}`;
}

const MONTHS =
  "January February March April May June July August September October November December".split(
    " ",
  );
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const VERBS: Readonly<Record<string, (wall: Date, offset: number) => string>> = {
  YYYY: (wall) => String(wall.getUTCFullYear()).padStart(4, "0"),
  YY: (wall) => two(wall.getUTCFullYear() % 100),
  MMMM: (wall) => MONTHS[wall.getUTCMonth()] ?? "",
  MMM: (wall) => (MONTHS[wall.getUTCMonth()] ?? "").slice(0, 3),
  MM: (wall) => two(wall.getUTCMonth() + 1),
  M: (wall) => String(wall.getUTCMonth() + 1),
  DD: (wall) => two(wall.getUTCDate()),
  D: (wall) => String(wall.getUTCDate()),
  EEEE: (wall) => DAYS[wall.getUTCDay()] ?? "",
  EEE: (wall) => (DAYS[wall.getUTCDay()] ?? "").slice(0, 3),
  hh: (wall) => two(wall.getUTCHours()),
  h: (wall) => String(wall.getUTCHours()),
  HH: (wall) => two(wall.getUTCHours() % 12 || 12),
  H: (wall) => String(wall.getUTCHours() % 12 || 12),
  AA: (wall) => (wall.getUTCHours() < 12 ? "AM" : "PM"),
  aa: (wall) => (wall.getUTCHours() < 12 ? "am" : "pm"),
  mm: (wall) => two(wall.getUTCMinutes()),
  m: (wall) => String(wall.getUTCMinutes()),
  ss: (wall) => two(wall.getUTCSeconds()),
  s: (wall) => String(wall.getUTCSeconds()),
  ZZZZZ: (_wall, offset) => formatOffset(offset, ":"),
  ZZZZ: (_wall, offset) => formatOffset(offset, ""),
  ZZZ: (_wall, offset) => (offset === 0 ? "UTC" : formatOffset(offset, "")),
  Z: (_wall, offset) => (offset === 0 ? "Z" : formatOffset(offset, ":")),
};

/** What a letter of a date format may look like. */
const VERB_RULES: Readonly<Record<string, string>> = {
  Y: 'year must either be "YY" or "YYYY"',
  M: 'month must be "M", "MM", "MMM", or "MMMM"',
  D: 'day of month must either be "D" or "DD"',
  E: 'day of week must either be "EEE" or "EEEE"',
  h: '24-hour must either be "h" or "hh"',
  H: '12-hour must either be "H" or "HH"',
  A: 'must be "AA"',
  a: 'must be "aa"',
  m: 'minute must either be "m" or "mm"',
  s: 'second must either be "s" or "ss"',
  Z: "timezone must be Z, ZZZZ, or ZZZZZ",
};

const DATE_TOKEN = /'((?:[^']|'')*)'|'|([A-Za-z])\2*|[^A-Za-z']+/g;

function formatDate(format: string, time: Timestamp): string {
  const wall = wallClock(time);
  return format.replace(DATE_TOKEN, (token: string, quoted?: string, letter?: string) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    if (token === "'") fail("unterminated literal '", 0);
    if (letter === undefined) return token;
    const verb = VERBS[token];
    return verb === undefined
      ? fail(`invalid date format verb "${token}"${ruleOf(letter)}`, 0)
      : verb(wall, time.offsetMinutes);
  });
}

function ruleOf(letter: string): string {
  const rule = VERB_RULES[letter];
  return rule === undefined ? "" : `: ${rule}`;
}
