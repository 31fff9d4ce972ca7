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
  [/\d{2}/y, "month"],
  [/-/y, null],
  [/\d{2}/y, "day of month"],
  [/T/y, null],
  [/\d{2}/y, "hour"],
  [/:/y, null],
  [/\d{2}/y, "minute"],
  [/:/y, null],
  [/\d{2}(?:[.,]\d+)?/y, "second"],
  [/Z|[+-]\d{2}:\d{2}/y, "UTC offset"],
];
const INVALID = "not a valid RFC3339 timestamp";

function parseTimestamp(given: string, argument: number | null): Timestamp {
  const found: string[] = [];
  let at = 0;
  for (const [pattern, what] of PARTS) {
    pattern.lastIndex = at;
    const match = pattern.exec(given)?.[0];
    if (match === undefined)
      fail(`${INVALID}: ${describe(given.slice(at), pattern, what)}`, argument);
    at += match.length;
    if (what !== null) found.push(match);
  }
  if (at < given.length) {
    fail(`${INVALID}: extra text: ${JSON.stringify(given.slice(at))}`, argument);
  }
  return assemble(found, argument);
}

function describe(rest: string, pattern: RegExp, what: string | null): string {
  if (what !== null) {
    return rest === ""
      ? `end of string before ${what}`
      : `cannot use ${JSON.stringify(rest)} as ${what}`;
  }
  const wanted = pattern.source;
  if (wanted === "T") return "missing required time introducer 'T'";
  return rest === ""
    ? `end of string where "${wanted}" is expected`
    : `found ${JSON.stringify(rest)} where "${wanted}" is expected`;
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
  const check = (ok: boolean, what: string): void => {
    if (!ok) fail(`${INVALID}: ${what} out of range`, argument);
  };
  check(month >= 1 && month <= 12, "month");
  check(day >= 1 && day <= daysInMonth, "day");
  check(hour <= 23, "hour");
  check(minute <= 59, "minute");
  check(Number(whole) <= 59, "second");
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
  return `${wall.toISOString().slice(0, 19)}${zone}`;
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

const DATE_TOKEN = /'((?:[^']|'')*)'|'|([A-Za-z])\2*|[^A-Za-z']+/g;

function formatDate(format: string, time: Timestamp): string {
  const wall = wallClock(time);
  return format.replace(DATE_TOKEN, (token: string, quoted?: string, letter?: string) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    if (token === "'") fail("unterminated literal '", 0);
    if (letter === undefined) return token;
    const verb = VERBS[token];
    return verb === undefined
      ? fail(`invalid date format verb "${token}": this letter is reserved for future use`, 0)
      : verb(wall, time.offsetMinutes);
  });
}
