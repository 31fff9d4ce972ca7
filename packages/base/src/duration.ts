/** Durations are integer nanoseconds, as on the wire; instants are epoch milliseconds. */
export type Nanos = number;

export const MICROSECOND: Nanos = 1_000;
export const MILLISECOND: Nanos = 1_000_000;
export const SECOND: Nanos = 1_000_000_000;
export const MINUTE: Nanos = 60 * SECOND;
export const HOUR: Nanos = 60 * MINUTE;

export function nanosToMs(nanos: Nanos): number {
  return nanos / MILLISECOND;
}

export function msToNanos(ms: number): Nanos {
  return Math.round(ms * MILLISECOND);
}

const UNITS: Readonly<Record<string, Nanos>> = {
  ns: 1,
  us: MICROSECOND,
  µs: MICROSECOND,
  μs: MICROSECOND,
  ms: MILLISECOND,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
};

export type ParsedDuration = { ok: true; nanos: Nanos } | { ok: false; message: string };

/**
 * Parses the durations of job files and query strings: `1h30m`, `-1.5s`, `0`. The messages are
 * those that users of such files know (spec chapter 1 §1.16).
 */
export function parseDuration(text: string): ParsedDuration {
  const quoted = JSON.stringify(text);
  const negative = text.startsWith("-");
  let rest = negative || text.startsWith("+") ? text.slice(1) : text;
  if (rest === "0") return { ok: true, nanos: 0 };
  if (rest === "") return { ok: false, message: `time: invalid duration ${quoted}` };
  let total = 0;
  while (rest !== "") {
    const number = /^(\d*)(\.\d*)?/.exec(rest);
    const digits = number?.[0] ?? "";
    if (digits === "" || digits === ".") {
      return { ok: false, message: `time: invalid duration ${quoted}` };
    }
    rest = rest.slice(digits.length);
    const unit = /^[^\d.]+/.exec(rest)?.[0] ?? "";
    if (unit === "") return { ok: false, message: `time: missing unit in duration ${quoted}` };
    const factor = UNITS[unit];
    if (factor === undefined) {
      return {
        ok: false,
        message: `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`,
      };
    }
    rest = rest.slice(unit.length);
    total += Math.trunc(Number(digits) * factor);
  }
  if (total > 9.223372036854775e18) {
    return { ok: false, message: `time: invalid duration ${quoted}` };
  }
  return { ok: true, nanos: negative ? -total : total };
}

/** Writes a duration the way job files do: `1h30m0s`, `1.5s`, `200ms`, `0s`. */
export function formatDuration(nanos: Nanos): string {
  if (nanos === 0) return "0s";
  const sign = nanos < 0 ? "-" : "";
  const abs = Math.abs(nanos);
  if (abs < MICROSECOND) return `${sign}${abs}ns`;
  if (abs < MILLISECOND) return `${sign}${trimFraction(abs / MICROSECOND, 3)}µs`;
  if (abs < SECOND) return `${sign}${trimFraction(abs / MILLISECOND, 6)}ms`;
  const hours = Math.floor(abs / HOUR);
  const minutes = Math.floor((abs % HOUR) / MINUTE);
  const seconds = trimFraction((abs % MINUTE) / SECOND, 9);
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m${seconds}s`;
  return `${sign}${seconds}s`;
}

function trimFraction(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}
