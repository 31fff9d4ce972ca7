/**
 * Conversion of a value to a wanted type: `"5"` to 5, a tuple to a list, an object to a map.
 * *Safe* conversions cannot fail (number to string); the others may, with the value they get.
 */
import { mismatchMessage } from "./mismatch.ts";
import { parseNumber } from "./number.ts";
import {
  type CollectionType,
  DYNAMIC,
  isCollection,
  isPrimitive,
  type ObjectType,
  sameType,
  type Type,
} from "./type.ts";
import { unify } from "./unify.ts";
import {
  bool,
  elementsOf,
  entriesOf,
  isKnown,
  isNull,
  list,
  map,
  nullOf,
  number,
  primitiveText,
  set,
  string,
  stringOf,
  unknownOf,
  type Value,
} from "./value.ts";

export type Converted = { ok: true; value: Value } | { ok: false; message: string };

/** Whether values of one type can be converted to another, by type alone. */
export function canConvert(from: Type, to: Type, mode: "safe" | "unsafe"): boolean {
  if (to.kind === "dynamic" || from.kind === "dynamic" || sameType(from, to)) return true;
  if (isPrimitive(to)) {
    if (!isPrimitive(from)) return false;
    return to.kind === "string" || (from.kind === "string" && mode === "unsafe");
  }
  if (to.kind === "list" || to.kind === "set") {
    if (from.kind === "tuple") return canConvertAll(from.elements, to.element, mode);
    if (from.kind !== "list" && from.kind !== "set") return false;
    return canConvert(from.element, to.element, mode);
  }
  if (to.kind === "map") {
    if (from.kind === "map") return canConvert(from.element, to.element, mode);
    if (from.kind !== "object") return false;
    return canConvertAll([...from.attributes.values()], to.element, mode);
  }
  if (to.kind === "tuple") {
    if (from.kind !== "tuple" || from.elements.length !== to.elements.length) return false;
    return to.elements.every((type, i) => canConvert(from.elements[i] ?? DYNAMIC, type, mode));
  }
  return to.kind === "object" && canConvertToObject(from, to, mode);
}

function canConvertAll(from: readonly Type[], to: Type, mode: "safe" | "unsafe"): boolean {
  if (to.kind === "dynamic") return unify(from, mode) !== null;
  return from.every((type) => canConvert(type, to, mode));
}

function canConvertToObject(from: Type, to: ObjectType, mode: "safe" | "unsafe"): boolean {
  if (from.kind === "map") {
    return (
      mode === "unsafe" &&
      [...to.attributes.values()].every((type) => canConvert(from.element, type, mode))
    );
  }
  if (from.kind !== "object") return false;
  for (const [name, type] of to.attributes) {
    const given = from.attributes.get(name);
    if (given === undefined) {
      if (to.optional?.has(name) !== true) return false;
    } else if (!canConvert(given, type, mode)) return false;
  }
  return true;
}

export function convert(value: Value, to: Type): Converted {
  if (!canConvert(value.type, to, "unsafe")) {
    return { ok: false, message: mismatchMessage(value.type, to) };
  }
  return convertKnownPossible(value, to);
}

function convertKnownPossible(value: Value, to: Type): Converted {
  if (to.kind === "dynamic" || sameType(value.type, to)) return { ok: true, value };
  if (isNull(value)) return { ok: true, value: nullOf(to) };
  if (!isKnown(value)) return { ok: true, value: unknownOf(to) };
  if (isPrimitive(to)) return convertPrimitive(value, to);
  if (isCollection(to)) return convertCollection(value, to);
  if (to.kind === "tuple") {
    const elements = convertEach(elementsOf(value), (i) => to.elements[i] ?? DYNAMIC);
    if (!elements.ok) return elements;
    return { ok: true, value: { type: to, data: elements.values } };
  }
  return to.kind === "object" ? convertObject(value, to) : { ok: true, value };
}

function convertPrimitive(value: Value, to: Type): Converted {
  if (to.kind === "string") return { ok: true, value: string(primitiveText(value)) };
  const text = stringOf(value);
  if (to.kind === "number") {
    const parsed = parseNumber(text);
    if (parsed === null) return { ok: false, message: "a number is required" };
    return { ok: true, value: number(parsed) };
  }
  if (text === "true" || text === "1") return { ok: true, value: bool(true) };
  if (text === "false" || text === "0") return { ok: true, value: bool(false) };
  const lower = text.toLowerCase();
  const hint =
    lower === "true" || lower === "false"
      ? `; to convert from string, use lowercase "${lower}"`
      : "";
  return { ok: false, message: `a bool is required${hint}` };
}

function convertCollection(value: Value, to: CollectionType): Converted {
  const parts = to.kind === "map" ? [...entriesOf(value).values()] : elementsOf(value);
  const element = elementType(parts, to);
  const converted = convertEach(parts, () => element);
  if (!converted.ok) return converted;
  if (to.kind === "list") return { ok: true, value: list(element, converted.values) };
  if (to.kind === "set") return { ok: true, value: set(element, converted.values) };
  const entries = new Map<string, Value>();
  [...entriesOf(value).keys()].forEach((key, i) => {
    entries.set(key, converted.values[i] ?? nullOf(element));
  });
  return { ok: true, value: map(element, entries) };
}

/** The element type of a collection that may hold any one type is found from its elements. */
function elementType(parts: readonly Value[], to: CollectionType): Type {
  if (to.element.kind !== "dynamic") return to.element;
  return (
    unify(
      parts.map((part) => part.type),
      "unsafe",
    ) ?? DYNAMIC
  );
}

function convertObject(value: Value, to: ObjectType): Converted {
  const given = entriesOf(value);
  const result = new Map<string, Value>();
  for (const [name, type] of to.attributes) {
    const attribute = given.get(name);
    if (attribute === undefined) {
      if (to.optional?.has(name) !== true) {
        return { ok: false, message: `map has no element for required attribute "${name}"` };
      }
      result.set(name, nullOf(type));
      continue;
    }
    const converted = convertKnownPossible(attribute, type);
    if (!converted.ok) return converted;
    result.set(name, converted.value);
  }
  return { ok: true, value: { type: to, data: result } };
}

function convertEach(
  values: readonly Value[],
  typeAt: (index: number) => Type,
): { ok: true; values: Value[] } | { ok: false; message: string } {
  const results: Value[] = [];
  for (const [i, value] of values.entries()) {
    const converted = convertKnownPossible(value, typeAt(i));
    if (!converted.ok) return converted;
    results.push(converted.value);
  }
  return { ok: true, values: results };
}
