/** Answers of the API as values of a Go template. */
import type { Json } from "@drover/model";
import { isRawNumber, scalarText } from "../exact-json.ts";

/** Zero, empty and nil are false. */
export function isTrue(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || isRawNumber(value) || Object.keys(value).length > 0;
}

/** What `range` goes over: a list in order, a map by key. */
export function itemsOf(value: Json): [key: Json, item: Json][] {
  if (Array.isArray(value)) return value.map((item, i) => [i, item]);
  if (typeof value !== "object" || value === null || isRawNumber(value)) return [];
  return Object.keys(value)
    .sort()
    .map((key) => [key, value[key] ?? null]);
}

/** As Go prints values: lists in brackets, maps by key. */
export function showValue(value: Json): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(showValue).join(" ")}]`;
  if (typeof value !== "object" || isRawNumber(value)) return scalarText(value);
  const members = itemsOf(value).map(([key, item]) => `${String(key)}:${showValue(item)}`);
  return `map[${members.join(" ")}]`;
}
