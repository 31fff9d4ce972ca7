/** Blocks whose names are not known beforehand: maps of text, and driver configurations. */
import {
  type Attribute,
  type Body,
  convert,
  elementsOf,
  entriesOf,
  evaluateAttribute,
  formatNumber,
  isInteger,
  isKnown,
  isNull,
  isWhollyKnown,
  numberOf,
  STRING,
  sortedKeys,
  startRange,
  stringOf,
  toDouble,
  truncate,
  type Value,
} from "@drover/hcl";
import type { Field, Json } from "@drover/model";
import { type DecodeContext, reportUnsuitable } from "./context.ts";
import { decodeAttribute } from "./scalar.ts";

/** `env { A = 1 }`: each argument is one entry. */
export function decodeMapBody(body: Body, element: Field, cx: DecodeContext): object {
  const entries: Record<string, unknown> = {};
  for (const [name, attribute] of body.freeFormAttributes(cx.diagnostics)) {
    const value =
      element.kind === "string"
        ? decodeText(attribute, cx)
        : decodeAttribute(attribute, element, cx);
    if (value !== undefined) entries[name] = value;
  }
  return entries;
}

function decodeText(attribute: Attribute, cx: DecodeContext): string | undefined {
  const where = startRange(attribute.expression);
  const value = evaluateAttribute(attribute, cx.diagnostics);
  const converted = convert(value, STRING);
  let problem: string | null = null;
  if (!converted.ok) problem = converted.message;
  else if (!isKnown(converted.value)) problem = "value must be known";
  else if (isNull(converted.value)) problem = "null value is not allowed";
  else return stringOf(converted.value);
  reportUnsuitable(cx, where, problem);
  return undefined;
}

/** `config {…}`: arguments that are null are left out. */
export function decodeJsonBody(body: Body, cx: DecodeContext): Json {
  const result: Record<string, Json> = {};
  const attributes = body.freeFormAttributes(cx.diagnostics);
  for (const [name, attribute] of attributes) {
    const value = evaluateAttribute(attribute, cx.diagnostics);
    if (!isWhollyKnown(value)) {
      reportUnsuitable(cx, startRange(attribute.expression), "value must be known");
    } else if (!isNull(value)) result[name] = toJson(value);
  }
  return result;
}

export function toJson(value: Value): Json {
  if (isNull(value)) return null;
  switch (value.type.kind) {
    case "number":
      return numberToJson(value);
    case "list":
    case "set":
    case "tuple":
      return elementsOf(value).map(toJson);
    case "map":
    case "object": {
      const entries = entriesOf(value);
      const result: Record<string, Json> = {};
      for (const key of sortedKeys(entries)) result[key] = toJson(entries.get(key) ?? value);
      return result;
    }
    default:
      return value.data as string | boolean;
  }
}

const INT64_MAX = 2n ** 63n - 1n;

/** An object that `JSON.stringify` writes as the number it holds. */
type RawJson = (text: string) => { rawJSON: string };

/** Whole numbers of 64 bits stay exact; others become doubles. */
function numberToJson(value: Value): Json {
  const number = numberOf(value);
  if (!isInteger(number)) return toDouble(number);
  const whole = truncate(number);
  const isSafe = whole === BigInt(Number(whole)) && Number.isSafeInteger(Number(whole));
  const { rawJSON } = JSON as { rawJSON?: RawJson };
  if (isSafe || whole > INT64_MAX || whole < -INT64_MAX - 1n || rawJSON === undefined) {
    return toDouble(number);
  }
  return rawJSON(formatNumber(number));
}
