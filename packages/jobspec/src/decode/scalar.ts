/** Values of arguments → plain data of the type that the field has. */
import { parseDuration } from "@drover/base";
import {
  type Attribute,
  BOOL,
  convert,
  elementsOf,
  entriesOf,
  evaluateAttribute,
  isInteger,
  isKnown,
  isNull,
  isWhollyKnown,
  listOf,
  mapOf,
  NUMBER,
  numberOf,
  type Range,
  STRING,
  startRange,
  stringOf,
  type Type,
  toDouble,
  truncate,
  type Value,
} from "@drover/hcl";
import { type Field, isPercentText, parsePercent } from "@drover/model";
import { type DecodeContext, report, reportUnsuitable } from "./context.ts";

/** How wide an integer argument is where it is not 64 bits. */
export type IntegerRange = "int8" | "uint8" | "int64";

const BOUNDS: Readonly<Record<IntegerRange, { min: bigint; max: bigint; inclusive: boolean }>> = {
  int8: { min: -128n, max: 127n, inclusive: false },
  uint8: { min: 0n, max: 255n, inclusive: true },
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n, inclusive: false },
};

/** Undefined when the value did not fit; that has been reported. */
export function decodeAttribute(
  attribute: Attribute,
  field: Field,
  cx: DecodeContext,
  integers: IntegerRange = "int64",
): unknown {
  const value = evaluateAttribute(attribute, cx.diagnostics);
  return decodeValue(value, startRange(attribute.expression), { field, cx, integers });
}

/** The member that a count or a percentage is for, and its value; see `decodeAttribute`. */
export function decodeCount(
  attribute: Attribute,
  { field, key }: { readonly field: Field; readonly key: string },
  cx: DecodeContext,
): { readonly key: string; readonly value: unknown } {
  const where = startRange(attribute.expression);
  const value = evaluateAttribute(attribute, cx.diagnostics);
  const { percent } = field.options;
  const text = isKnown(value) && value.type.kind === "string" && !isNull(value);
  if (percent === undefined || !text || !isPercentText(stringOf(value))) {
    return { key, value: decodeValue(value, where, { field, cx, integers: "int64" }) };
  }
  const parsed = parsePercent(stringOf(value), key, percent);
  if (parsed.ok) return parsed;
  reportUnsuitable(cx, where, parsed.message);
  return { key, value: undefined };
}

interface Target {
  readonly field: Field;
  readonly cx: DecodeContext;
  readonly integers: IntegerRange;
}

function decodeValue(value: Value, where: Range, { cx, field, integers }: Target): unknown {
  if (field.kind === "duration") return decodeDuration(value, where, cx);
  const converted = convert(value, typeOf(field));
  if (!converted.ok) {
    reportUnsuitable(cx, where, converted.message);
    return undefined;
  }
  const problem = findProblem(converted.value, field);
  if (problem !== null) {
    reportUnsuitable(cx, where, problem);
    return undefined;
  }
  if (isNull(converted.value)) return null;
  if (field.kind === "int") return decodeInteger(converted.value, integers, where, cx);
  return plainData(converted.value);
}

function findProblem(value: Value, field: Field): string | null {
  if (!isKnown(value)) return "value must be known";
  if (isNull(value)) return field.options.plain === true ? "null value is not allowed" : null;
  if (!isWhollyKnown(value)) return "value must be known";
  const parts = field.kind === "list" || field.kind === "map" ? partsOf(value) : [];
  return parts.some(isNull) ? "null value is not allowed" : null;
}

function partsOf(value: Value): readonly Value[] {
  return value.type.kind === "map" ? [...entriesOf(value).values()] : elementsOf(value);
}

function typeOf(field: Field): Type {
  switch (field.kind) {
    case "bool":
      return BOOL;
    case "int":
    case "float":
      return NUMBER;
    case "list":
      return listOf(field.element === undefined ? STRING : typeOf(field.element));
    case "map":
      return mapOf(field.element === undefined ? STRING : typeOf(field.element));
    default:
      return STRING;
  }
}

/** Strings, bools, and lists and maps of them. */
function plainData(value: Value): unknown {
  const { kind } = value.type;
  if (kind === "number") return toDouble(numberOf(value));
  if (kind === "list") return elementsOf(value).map(plainData);
  if (kind === "map") {
    return Object.fromEntries([...entriesOf(value)].map(([key, each]) => [key, plainData(each)]));
  }
  return value.data;
}

function decodeInteger(
  value: Value,
  width: IntegerRange,
  where: Range,
  cx: DecodeContext,
): number | undefined {
  const { min, max, inclusive } = BOUNDS[width];
  const given = numberOf(value);
  const whole = isInteger(given) ? truncate(given) : null;
  if (whole !== null && whole >= min && whole <= max) return Number(whole);
  const suffix = inclusive ? " inclusive" : "";
  const problem = `value must be a whole number, between ${min} and ${max}${suffix}`;
  reportUnsuitable(cx, where, problem);
  return undefined;
}

/** Text such as `1h30m`, or whole nanoseconds. */
function decodeDuration(value: Value, where: Range, cx: DecodeContext): number | undefined {
  if (isNull(value)) {
    report(cx, where, "Unsuitable value", "Unsuitable duration value: nil");
    return undefined;
  }
  if (!isKnown(value)) {
    reportUnsuitable(cx, where, "value must be known");
    return undefined;
  }
  if (value.type.kind === "string") {
    const parsed = parseDuration(stringOf(value));
    if (parsed.ok) return parsed.nanos;
    const detail = `Unsuitable duration value: ${parsed.message}`;
    report(cx, where, "Unsuitable value type", detail);
    return undefined;
  }
  if (value.type.kind === "number") return decodeInteger(value, "int64", where, cx);
  reportUnsuitable(cx, where, `expected a string but found ${describeType(value.type)}`);
  return undefined;
}

/** The form in which users of such files know the type of a bad duration. */
function describeType(type: Type): string {
  if (type.kind === "bool") return "{{{} %!s(cty.primitiveTypeKind=66)}}";
  return type.kind;
}
