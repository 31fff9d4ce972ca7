/** Functions on maps and objects, and those that take any collection. */
import { convert } from "../values/convert.ts";
import { isInteger, truncate } from "../values/number.ts";
import { listOf, STRING, type Type, typeName } from "../values/type.ts";
import { unify } from "../values/unify.ts";
import {
  elementsOf,
  entriesOf,
  integer,
  isIterable,
  isNull,
  list,
  map,
  numberOf,
  object,
  sortedKeys,
  string,
  stringOf,
  tuple,
  type Value,
} from "../values/value.ts";
import {
  any,
  anyOrNull,
  define,
  defineVariadic,
  type Entry,
  fail,
  isMapping,
  isSequence,
  parameter,
  text,
} from "./define.ts";

export function mapFunctions(): Entry[] {
  return [
    define("index", [any("collection"), any("key")], indexOf),
    define("keys", [any("inputMap")], (value) => {
      if (!isMapping(value)) fail("must have map or object type", 0);
      const names = sortedKeys(entriesOf(value)).map(string);
      return value.type.kind === "map" ? list(STRING, names) : tuple(names);
    }),
    define("values", [any("mapping")], (value) => {
      if (!isMapping(value)) fail("values() requires a map as the first argument");
      const entries = entriesOf(value);
      const values = sortedKeys(entries).flatMap((key) => entries.get(key) ?? []);
      return value.type.kind === "map" ? list(value.type.element, values) : tuple(values);
    }),
    define("length", [any("collection")], (value) => {
      if (!isIterable(value) || value.type.kind === "object") {
        fail("collection must be a list, a map or a tuple");
      }
      return integer(isMapping(value) ? entriesOf(value).size : elementsOf(value).length);
    }),
    define("lookup", [any("inputMap"), text("key"), any("default")], lookup),
    defineVariadic("merge", [], anyOrNull("maps"), merge),
    define("zipmap", [parameter("keys", listOf(STRING)), any("values")], zipMap),
  ];
}

/** The element at a key, without any conversion of the key. */
function indexOf(value: Value, key: Value): Value {
  const { kind } = value.type;
  if (kind === "map") {
    if (key.type.kind !== "string") fail("key for map must be string");
    return entriesOf(value).get(stringOf(key)) ?? fail("invalid index");
  }
  if (kind !== "list" && kind !== "tuple") fail("collection must be a list, a map or a tuple");
  if (key.type.kind !== "number") fail(`key for ${kind} must be number`);
  const elements = elementsOf(value);
  const index = numberOf(key);
  const found = isInteger(index) ? elements[Number(truncate(index))] : undefined;
  if (found !== undefined) return found;
  return fail(
    kind === "tuple" ? `key must be between 0 and ${elements.length} inclusive` : "invalid index",
  );
}

function lookup(value: Value, key: Value, otherwise: Value): Value {
  if (!isMapping(value)) fail("lookup() requires a map as the first argument", 0);
  const found = entriesOf(value).get(stringOf(key));
  if (found !== undefined) return found;
  if (value.type.kind !== "map") return otherwise;
  const converted = convert(otherwise, value.type.element);
  return converted.ok
    ? converted.value
    : fail("the default value must have the same type as the map elements", 2);
}

function merge(args: readonly Value[]): Value {
  const merged = new Map<string, Value>();
  let elementType: Type | null | undefined;
  for (const each of args) {
    if (isNull(each)) {
      elementType = null;
      continue;
    }
    if (!isMapping(each)) fail(`arguments must be maps or objects, got "${typeName(each.type)}"`);
    for (const [key, value] of entriesOf(each)) merged.set(key, value);
    const type = each.type.kind === "map" ? each.type.element : null;
    elementType = elementType === undefined || type === null ? type : unifyPair(elementType, type);
  }
  return elementType === null || elementType === undefined
    ? object(merged)
    : map(elementType, merged);
}

function unifyPair(a: Type | null, b: Type): Type | null {
  return a === null ? null : unify([a, b], "safe");
}

function zipMap(keys: Value, values: Value): Value {
  const names = elementsOf(keys).map((key, i) => {
    return isNull(key) ? fail(`keys list has null value at index ${i}`) : stringOf(key);
  });
  if (!isSequence(values) || values.type.kind === "set") {
    fail("values argument must be a list or tuple value");
  }
  const elements = elementsOf(values);
  if (names.length !== elements.length) {
    fail(`number of keys (${names.length}) does not match number of values (${elements.length})`);
  }
  const entries = new Map(names.map((name, i) => [name, elements[i] ?? string("")]));
  return values.type.kind === "list" ? map(values.type.element, entries) : object(entries);
}
