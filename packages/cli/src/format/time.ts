/** Instants and spans in the CLI's words (spec chapter 7 §7.3). */

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["y", 365 * 24 * 3600],
  ["mo", 30 * 24 * 3600],
  ["d", 24 * 3600],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/** `1h2m`: the two most significant units, next to each other. */
export function formatSpan(ms: number): string {
  let rest = Math.floor(Math.abs(ms) / 1000);
  const parts: string[] = [];
  for (const [name, seconds] of UNITS) {
    if (parts.length === 2) break;
    const count = Math.floor(rest / seconds);
    if (count === 0) {
      if (parts.length > 0) break;
      continue;
    }
    parts.push(`${count}${name}`);
    rest -= count * seconds;
  }
  return parts.length === 0 ? "0s" : parts.join("");
}

/** `3s ago`, or `3s from now` for the future. */
export function formatAgo(at: number, now: number): string {
  return at > now ? `${formatSpan(at - now)} from now` : `${formatSpan(now - at)} ago`;
}

/** Absolute when all is to be shown, else how long ago. */
export function formatWhen(
  at: number,
  options: { readonly verbose: boolean; readonly now: number },
): string {
  return options.verbose ? formatInstant(at) : formatAgo(at, options.now);
}

/** RFC 3339 with seconds, in the local zone: `2026-01-02T15:04:05Z` or `+02:00`. */
export function formatInstant(at: number): string {
  const offset = -new Date(at).getTimezoneOffset();
  const local = new Date(at + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const two = (n: number) => String(Math.floor(Math.abs(n))).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}

/** As `formatInstant`; an instant that never came is `N/A`. */
export function formatInstantOrNone(at: number): string {
  return at === 0 ? "N/A" : formatInstant(at);
}
