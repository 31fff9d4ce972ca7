/** Answers of the API as values of a Go template. */
import type { Json } from "@drover/model";
import { isRawNumber, scalarText } from "../exact-json.ts";

export type Kind = "nil" | "bool" | "int" | "float64" | "string" | "list" | "map";

export function kindOf(value: Json): Kind {
  if (value === null) return "nil";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object" && !isRawNumber(value)) return "map";
  return /^-?\d+$/.test(scalarText(value)) ? "int" : "float64";
}

/** Go's type as far as it can be told from an answer. */
export function typeOf(value: Json): string {
  const kind = kindOf(value);
  if (kind === "nil") return "<nil>";
  if (kind === "list") return "[]interface {}";
  return kind === "map" ? "map[string]interface {}" : kind;
}

/** Zero, empty and nil are false. */
export function isTrue(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || isRawNumber(value) || Object.keys(value).length > 0;
}

/** What `range` goes over: a list in order, a map by key, a number up to it; null for what is none. */
export function itemsOf(value: Json): [key: Json, item: Json][] | null {
  if (Array.isArray(value)) return value.map((item, i) => [i, item]);
  switch (kindOf(value)) {
    case "nil":
      return [];
    case "int":
      return Array.from({ length: Math.max(0, Number(scalarText(value))) }, (_, i) => [i, i]);
    case "map":
      return membersOf(value as { readonly [name: string]: Json });
    default:
      return null;
  }
}

function membersOf(value: { readonly [name: string]: Json }): [string, Json][] {
  return Object.keys(value)
    .sort()
    .map((key) => [key, value[key] ?? null]);
}

/** As Go prints values: lists in brackets, maps by key. */
export function showValue(value: Json): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(showValue).join(" ")}]`;
  if (kindOf(value) !== "map") return scalarText(value);
  const members = membersOf(value as { readonly [name: string]: Json });
  return `map[${members.map(([key, item]) => `${key}:${showValue(item)}`).join(" ")}]`;
}
