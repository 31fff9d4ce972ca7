/**
 * From a request's record to a stored one: what was not written takes the field's declared default,
 * or the zero value where none is declared. Defaults that depend on other fields are the business
 * of the resource's own canonicalization.
 */
import type { Field, FieldRecord, Infer, InferInput, RecordSchema } from "./field.ts";
import { type AnyRecord, type Bag, zeroOf } from "./plan.ts";

export function fillDefaults<F extends FieldRecord>(
  schema: RecordSchema<F>,
  input: InferInput<RecordSchema<F>> | null,
): Infer<RecordSchema<F>> {
  return fillRecord(schema as AnyRecord, input as Bag | null) as Infer<RecordSchema<F>>;
}

/** `base` with every member that `over` has written. Only for records without records in them. */
export function overlay<T extends object>(
  base: T,
  over: { readonly [K in keyof T]?: T[K] | null } | null,
): T {
  if (over === null) return { ...base };
  const out = { ...base };
  for (const key of Object.keys(base) as (keyof T)[]) {
    const written = over[key];
    if (written !== null && written !== undefined) out[key] = written;
  }
  return out;
}

function fillRecord(schema: AnyRecord, input: Bag | null): Bag {
  const out: Bag = {};
  for (const [key, field] of Object.entries(schema.fields)) {
    out[key] = fillValue(field, input === null ? null : (input[key] ?? null));
  }
  return out;
}

function fillValue(field: Field, value: unknown): unknown {
  if (value === null || (field.options.plain === true && isZero(value))) {
    if (field.options.default !== undefined) return structuredCopy(field.options.default);
    if (field.kind !== "record" || field.nullable) return zeroOf(field);
    return fillRecord(field.record as AnyRecord, null);
  }
  switch (field.kind) {
    case "record":
      return fillRecord(field.record as AnyRecord, value as Bag);
    case "list":
      return (value as unknown[]).map((item) => fillValue(field.element as Field, item));
    case "map": {
      const out: Bag = {};
      for (const [key, item] of Object.entries(value as Bag)) {
        out[key] = fillValue(field.element as Field, item);
      }
      return out;
    }
    default:
      return value;
  }
}

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false;
}

/** Defaults are shared declarations; lists and maps among them must not be handed out. */
function structuredCopy(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  return typeof value === "object" && value !== null ? { ...value } : value;
}
