/** Short forms to declare functions with. */
import { FunctionError, type FunctionSpec, type Parameter } from "../eval/scope.ts";
import { isInteger, truncate } from "../values/number.ts";
import { DYNAMIC, NUMBER, STRING, type Type } from "../values/type.ts";
import { elementsOf, isIterable, numberOf, type Value } from "../values/value.ts";

export type Entry = readonly [name: string, spec: FunctionSpec];

export function parameter(name: string, type: Type): Parameter {
  return { name, type };
}

export const text = (name: string): Parameter => parameter(name, STRING);
export const num = (name: string): Parameter => parameter(name, NUMBER);
export const any = (name: string): Parameter => parameter(name, DYNAMIC);
export const anyOrNull = (name: string): Parameter => ({ ...any(name), allowNull: true });

/** The arguments that `count` says; the caller reads them by place. */
export function define(
  name: string,
  parameters: readonly Parameter[],
  call: (...args: Value[]) => Value,
): Entry {
  return [name, { parameters, call: (args) => call(...args) }];
}

export function defineVariadic(
  name: string,
  parameters: readonly Parameter[],
  variadic: Parameter,
  call: (args: readonly Value[]) => Value,
): Entry {
  return [name, { parameters, variadic, call }];
}

export function fail(message: string, argument: number | null = null): never {
  throw new FunctionError(message, argument);
}

/** A whole number as a double; `argument`, if given, is blamed when it is not whole. */
export function wholeOf(value: Value, argument: number | null, prefix = ""): number {
  const given = numberOf(value);
  if (!isInteger(given)) {
    fail(
      `${prefix}value must be a whole number, between -9223372036854775808 and 9223372036854775807`,
      argument,
    );
  }
  return Number(truncate(given));
}

export function isSequence(value: Value): boolean {
  const { kind } = value.type;
  return (kind === "list" || kind === "set" || kind === "tuple") && isIterable(value);
}

export function isMapping(value: Value): boolean {
  const { kind } = value.type;
  return kind === "map" || kind === "object";
}

/** Elements of a list, set or tuple; another value is refused with `message`. */
export function sequenceOf(
  value: Value,
  message: string,
  argument: number | null = null,
): readonly Value[] {
  if (!isSequence(value)) fail(message, argument);
  return elementsOf(value);
}
