/**
 * Declarations of blocks that are stored as they are written, without a type of their own in
 * `@drover/model`. `plain` fields are sent as their zero value when they are not written.
 */
import type { Field, FieldKind, FieldOptions } from "@drover/model";
import type { AnyRecord } from "../decode/shape.ts";

type Options = Pick<FieldOptions<unknown>, "wire" | "hcl" | "form">;

function scalar(kind: FieldKind, plain: boolean) {
  return (options: Options = {}): Field => {
    return { kind, options: { ...options, plain }, nullable: false };
  };
}

export const text = scalar("string", true);
export const optionalText = scalar("string", false);
export const count = scalar("int", true);
export const optionalCount = scalar("int", false);
export const flag = scalar("bool", true);
export const optionalDuration = scalar("duration", false);
export const freeForm = scalar("json", false);

export function texts(options: Options = {}): Field {
  return { kind: "list", options, nullable: false, element: text() };
}

export function counts(options: Options = {}): Field {
  return { kind: "list", options, nullable: false, element: count() };
}

export function textMap(options: Options = {}): Field {
  return { kind: "map", options, nullable: false, element: text() };
}

export function one(record: AnyRecord, options: Options = {}): Field {
  return { kind: "record", options, nullable: true, record };
}

export function many(record: AnyRecord, options: Options = {}): Field {
  return {
    kind: "list",
    options: { ...options, form: "block" },
    nullable: false,
    element: one(record),
  };
}

export function byLabel(record: AnyRecord, options: Options = {}): Field {
  return {
    kind: "map",
    options: { ...options, form: "block" },
    nullable: false,
    element: one(record),
  };
}

export function block(name: string, fields: Record<string, Field>): AnyRecord {
  return { name, fields };
}
