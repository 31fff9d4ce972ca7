/** Reads attributes and elements of values. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import type { Range } from "../source.ts";
import type { Step } from "../syntax/ast.ts";
import { convert } from "../values/convert.ts";
import { compare, fromInteger, isInteger, truncate } from "../values/number.ts";
import { NUMBER, STRING, type Type, typeName } from "../values/type.ts";
import {
  elementsOf,
  entriesOf,
  isKnown,
  isNull,
  NULL,
  numberOf,
  stringOf,
  UNKNOWN,
  unknownOf,
  type Value,
} from "../values/value.ts";

export function applySteps(from: Value, steps: readonly Step[], diagnostics: Diagnostic[]): Value {
  let value = from;
  for (const step of steps) {
    const mark = diagnostics.length;
    value =
      step.kind === "attribute"
        ? readAttribute(value, step.name, step.range, diagnostics)
        : readIndex(value, step.key, step.range, diagnostics);
    if (diagnostics.length > mark) return UNKNOWN;
  }
  return value;
}

export function readAttribute(
  value: Value,
  name: string,
  where: Range,
  diagnostics: Diagnostic[],
): Value {
  const fail = (summary: string, detail: string): Value => {
    diagnostics.push(errorAt(where, summary, detail));
    return UNKNOWN;
  };
  if (isNull(value)) {
    return fail(
      "Attempt to get attribute from null value",
      "This value is null, so it does not have any attributes.",
    );
  }
  const { type } = value;
  if (type.kind === "dynamic") return UNKNOWN;
  if (type.kind === "object") {
    const attributeType = type.attributes.get(name);
    if (attributeType === undefined) {
      const detail = `This object does not have an attribute named "${name}".`;
      return fail("Unsupported attribute", detail);
    }
    return isKnown(value) ? (entriesOf(value).get(name) ?? NULL) : unknownOf(attributeType);
  }
  if (type.kind === "map") {
    if (!isKnown(value)) return unknownOf(type.element);
    const element = entriesOf(value).get(name);
    if (element !== undefined) return element;
    const detail = `This map does not have an element with the key "${name}".`;
    return fail("Missing map element", detail);
  }
  return fail("Unsupported attribute", noAttributes(type, name));
}

function noAttributes(type: Type, name: string): string {
  if (type.kind === "list" && type.element.kind === "object") {
    return `Can't access attributes on a list of objects. Did you mean to access attribute "${name}" for a specific element of the list, or across all elements of the list?`;
  }
  if (type.kind === "set" && type.element.kind === "object") {
    return `Can't access attributes on a set of objects. Did you mean to access attribute "${name}" across all elements of the set?`;
  }
  if (type.kind === "string" || type.kind === "number" || type.kind === "bool") {
    return `Can't access attributes on a primitive-typed value (${typeName(type)}).`;
  }
  return "This value does not have any attributes.";
}

const NO_ELEMENT = "The given key does not identify an element in this collection value";

export function readIndex(
  value: Value,
  key: Value,
  where: Range,
  diagnostics: Diagnostic[],
): Value {
  const fail = (detail: string, summary = "Invalid index"): Value => {
    diagnostics.push(errorAt(where, summary, detail));
    return UNKNOWN;
  };
  if (isNull(value)) {
    const detail = "This value is null, so it does not have any indices.";
    return fail(detail, "Attempt to index null value");
  }
  if (isNull(key)) return fail("Can't use a null value as an indexing key.");
  const { type } = value;
  if (type.kind === "dynamic" || key.type.kind === "dynamic") return UNKNOWN;
  if (type.kind === "set") {
    return fail(
      "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.",
    );
  }
  const sequence = type.kind === "list" || type.kind === "tuple";
  if (!sequence && type.kind !== "map" && type.kind !== "object") {
    return fail("This value does not have any indices.");
  }
  const converted = convert(key, sequence ? NUMBER : STRING);
  if (!converted.ok) return fail(`${NO_ELEMENT}: ${converted.message}.`);
  if (!isKnown(value) || !isKnown(converted.value)) return UNKNOWN;
  const byNumber = type.kind === "object" && key.type.kind === "number";
  const hint = byNumber
    ? " An object only supports looking up attributes by name, not by numeric index."
    : "";
  const found = sequence
    ? elementAt(value, converted.value)
    : (entriesOf(value).get(stringOf(converted.value)) ?? `${NO_ELEMENT}.${hint}`);
  return typeof found === "string" ? fail(found) : found;
}

/** The element, or why there is none. */
function elementAt(value: Value, key: Value): Value | string {
  const index = numberOf(key);
  const elements = elementsOf(value);
  if (!isInteger(index)) {
    return `${NO_ELEMENT}: indexing a sequence requires a whole number, but the given index has a fractional part.`;
  }
  if (index.negative && truncate(index) !== 0n) {
    return `${NO_ELEMENT}: a negative number is not a valid index for a sequence.`;
  }
  const element = elements[Number(truncate(index))];
  if (element !== undefined) return element;
  if (compare(index, fromInteger(elements.length)) > 0) return `${NO_ELEMENT}.`;
  if (elements.length === 0) return `${NO_ELEMENT}: the collection has no elements.`;
  return `${NO_ELEMENT}: the given index is greater than or equal to the length of the collection.`;
}
