/**
 * Values of the language. Each carries its type, because a tuple is not a list and a null may be
 * a string. An *unknown* value stands for one whose evaluation failed; what is computed from it
 * is unknown too, so one mistake is reported once.
 */
import { assert } from "@drover/base";
import { type BigNumber, compare, fromInteger } from "./number.ts";
import { formatNumber } from "./number-text.ts";
import {
  BOOL,
  DYNAMIC,
  listOf,
  mapOf,
  NUMBER,
  objectOf,
  STRING,
  setOf,
  type Type,
  tupleOf,
} from "./type.ts";

const UNKNOWN_DATA: unique symbol = Symbol("unknown");

export type Data =
  | string
  | boolean
  | BigNumber
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | null
  | typeof UNKNOWN_DATA;

export interface Value {
  readonly type: Type;
  readonly data: Data;
}

export const UNKNOWN: Value = { type: DYNAMIC, data: UNKNOWN_DATA };
export const NULL: Value = { type: DYNAMIC, data: null };
export const TRUE: Value = { type: BOOL, data: true };
export const FALSE: Value = { type: BOOL, data: false };

export function unknownOf(type: Type): Value {
  return { type, data: UNKNOWN_DATA };
}

export function nullOf(type: Type): Value {
  return { type, data: null };
}

export function string(text: string): Value {
  return { type: STRING, data: text.normalize("NFC") };
}

export function number(value: BigNumber): Value {
  return { type: NUMBER, data: value };
}

export function integer(value: number): Value {
  return number(fromInteger(value));
}

export function bool(value: boolean): Value {
  return value ? TRUE : FALSE;
}

export function tuple(elements: readonly Value[]): Value {
  return { type: tupleOf(elements.map((element) => element.type)), data: elements };
}

export function object(attributes: ReadonlyMap<string, Value>): Value {
  const types = new Map<string, Type>();
  for (const [name, value] of attributes) types.set(name, value.type);
  return { type: objectOf(types), data: attributes };
}

export function list(element: Type, elements: readonly Value[]): Value {
  return { type: listOf(element), data: elements };
}

export function map(element: Type, entries: ReadonlyMap<string, Value>): Value {
  return { type: mapOf(element), data: entries };
}

/** Equal elements are kept once; strings, numbers and bools are ordered. */
export function set(element: Type, elements: readonly Value[]): Value {
  const distinct: Value[] = [];
  for (const candidate of elements) {
    if (!distinct.some((kept) => equal(kept, candidate))) distinct.push(candidate);
  }
  if (element.kind === "string") {
    distinct.sort((a, b) => compareText(stringOf(a), stringOf(b)));
  } else if (element.kind === "number") {
    distinct.sort((a, b) => compare(numberOf(a), numberOf(b)));
  } else if (element.kind === "bool") {
    distinct.sort((a, b) => Number(a.data) - Number(b.data));
  }
  return { type: setOf(element), data: distinct };
}

/** Order of the UTF-8 bytes, which is that of the code points. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    if (a[i] === b[i]) continue;
    return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
  }
  return a.length - b.length;
}

export function isNull(value: Value): boolean {
  return value.data === null;
}

export function isKnown(value: Value): boolean {
  return value.data !== UNKNOWN_DATA;
}

/** Known down to the last element. */
export function isWhollyKnown(value: Value): boolean {
  if (value.data === UNKNOWN_DATA) return false;
  if (Array.isArray(value.data)) return value.data.every(isWhollyKnown);
  if (value.data instanceof Map) return [...value.data.values()].every(isWhollyKnown);
  return true;
}

export function stringOf(value: Value): string {
  assert(typeof value.data === "string", () => `${value.type.kind} is not a known string`);
  return value.data;
}

export function boolOf(value: Value): boolean {
  assert(typeof value.data === "boolean", () => `${value.type.kind} is not a known bool`);
  return value.data;
}

export function numberOf(value: Value): BigNumber {
  assert(value.type.kind === "number" && value.data !== null, "not a known number");
  return value.data as BigNumber;
}

/** Elements of a list, set or tuple. */
export function elementsOf(value: Value): readonly Value[] {
  assert(Array.isArray(value.data), () => `${value.type.kind} has no elements`);
  return value.data;
}

/** Entries of a map or object. */
export function entriesOf(value: Value): ReadonlyMap<string, Value> {
  assert(value.data instanceof Map, () => `${value.type.kind} has no entries`);
  return value.data;
}

export function sortedKeys(entries: ReadonlyMap<string, Value>): string[] {
  return [...entries.keys()].sort(compareText);
}

/** Whether `for` and `for_each` can walk it. */
export function isIterable(value: Value): boolean {
  return Array.isArray(value.data) || value.data instanceof Map;
}

/** Keys and values in order: maps by key, a set's elements are their own keys. */
export function iterate(value: Value): [Value, Value][] {
  if (value.data instanceof Map) {
    const entries: ReadonlyMap<string, Value> = value.data;
    return sortedKeys(entries).map((key) => [string(key), entries.get(key) ?? NULL]);
  }
  const elements = elementsOf(value);
  if (value.type.kind === "set") return elements.map((element) => [element, element]);
  return elements.map((element, i) => [integer(i), element]);
}

/** Deep equality of known values of the same kind of type. */
export function equal(a: Value, b: Value): boolean {
  if (a.data === null || b.data === null) return a.data === b.data;
  if (Array.isArray(a.data) && Array.isArray(b.data)) {
    const others: readonly Value[] = b.data;
    return (
      a.data.length === others.length &&
      a.data.every((element: Value, i) => equal(element, others[i] ?? NULL))
    );
  }
  if (a.data instanceof Map && b.data instanceof Map) {
    if (a.data.size !== b.data.size) return false;
    for (const [key, value] of a.data) {
      const other = b.data.get(key);
      if (other === undefined || !equal(value, other)) return false;
    }
    return true;
  }
  if (a.type.kind !== b.type.kind) return false;
  if (a.type.kind === "number") return compare(numberOf(a), numberOf(b)) === 0;
  return a.data === b.data;
}

/** Text of a known string, number or bool. */
export function primitiveText(value: Value): string {
  if (value.type.kind === "number") return formatNumber(numberOf(value));
  return String(value.data);
}
