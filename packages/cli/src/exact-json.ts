/**
 * JSON as the field's tools print it. Index and time numbers go beyond what a double holds, so they
 * are kept as they were written.
 */
import type { Json } from "@drover/model";

interface RawJson {
  readonly rawJSON: string;
}

/** The part of ECMAScript's JSON that the library's types do not know yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
}
const exact = JSON as unknown as ExactJson;

/** Numbers that a double would change stay raw: only for printing. */
export function parseExact(text: string): Json {
  return exact.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? exact.rawJSON(source)
      : value,
  ) as Json;
}

/** `-json` of an answer: members sorted, four spaces. */
export function prettyAnswer(value: Json): string {
  return JSON.stringify(sorted(value), null, 4);
}

/** A raw number's digits, or what the value itself is. */
export function scalarText(value: Json): string {
  return exact.isRawJSON(value) ? value.rawJSON : String(value);
}

export function isRawNumber(value: Json): boolean {
  return exact.isRawJSON(value);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}
