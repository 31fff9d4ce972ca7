/** Counts that may be written as a percentage, `"25%"` (DESIGN §12.2). */
import type { Percent } from "./field.ts";

const MAX = 100;

export type ParsedPercent =
  | { readonly ok: true; readonly key: string; readonly value: number }
  | { readonly ok: false; readonly message: string };

/** Whether the text is meant as a percentage, good or bad. */
export function isPercentText(text: string): boolean {
  return text.trimEnd().endsWith("%");
}

/**
 * The member that it is for: that of the percentage. `0%` is the count 0, since a percentage of 0
 * means that the count holds, and that may be one of an outer block.
 */
export function parsePercent(text: string, countKey: string, percent: Percent): ParsedPercent {
  const { key, min } = percent;
  const digits = /^\s*(\d{1,3})\s*%\s*$/.exec(text)?.[1];
  const value = digits === undefined ? Number.NaN : Number(digits);
  if (value >= min && value <= MAX) return { ok: true, key: value === 0 ? countKey : key, value };
  const message = `a percentage must be a whole number from ${min}% to ${MAX}%, not "${text}"`;
  return { ok: false, message };
}
