/**
 * Compiles a record schema into flat per-field plans, once per schema: wire names resolved, fields
 * sorted by wire name (answers list members alphabetically, spec chapter 8 §8.1), and one function
 * per field for each direction. Encoders and decoders walk these plans instead of the declarations.
 */
import type { Field, FieldRecord, Json, RecordSchema } from "./field.ts";

export type AnyRecord = RecordSchema<FieldRecord>;
export type Bag = { [key: string]: unknown };

export interface FieldPlan {
  readonly key: string;
  readonly wire: string;
  /** The name requests use; differs from `wire` only in letter case. */
  readonly requestWire: string;
  readonly field: Field;
  readonly omitEmpty: boolean;
  readonly inAnswers: boolean;
  readonly inRequests: boolean;
}

interface RecordPlan {
  readonly schema: AnyRecord;
  /** Alphabetical by wire name; fields that never travel are left out. */
  readonly fields: readonly FieldPlan[];
  readonly answers: readonly FieldPlan[];
  /** Lower-cased wire name → plan: names in requests are case-insensitive. */
  readonly byLowerName: ReadonlyMap<string, FieldPlan>;
}

const PLANS = new WeakMap<AnyRecord, RecordPlan>();

export function planOf(schema: AnyRecord): RecordPlan {
  const known = PLANS.get(schema);
  if (known !== undefined) return known;
  const fields = Object.entries(schema.fields)
    .filter(([, field]) => field.options.wire !== null)
    .map(([key, field]) => fieldPlan(key, field))
    .sort((a, b) => (a.wire < b.wire ? -1 : 1));
  const plan: RecordPlan = {
    schema,
    fields,
    answers: fields.filter((field) => field.inAnswers),
    byLowerName: new Map(fields.map((field) => [field.wire.toLowerCase(), field])),
  };
  PLANS.set(schema, plan);
  return plan;
}

function fieldPlan(key: string, field: Field): FieldPlan {
  const options = field.options;
  const wire = options.wire ?? key.charAt(0).toUpperCase() + key.slice(1);
  return {
    key,
    wire,
    requestWire: options.requestWire ?? wire,
    field,
    omitEmpty: options.omitEmpty === true || options.addition === true,
    inAnswers: options.requestOnly !== true,
    inRequests: options.storedOnly !== true,
  };
}

/** The value of a stored field that nothing has set. */
export function zeroOf(field: Field): unknown {
  if (field.nullable) return null;
  switch (field.kind) {
    case "string":
      return "";
    case "bool":
      return false;
    case "list":
      return [];
    case "map":
      return {};
    case "json":
      return null;
    case "record":
      return zeroRecord(field.record as AnyRecord);
    default:
      return 0;
  }
}

export function zeroRecord(schema: AnyRecord): Bag {
  const out: Bag = {};
  for (const [key, field] of Object.entries(schema.fields)) out[key] = zeroOf(field);
  return out;
}

/** Nothing in it: zero, "", false, null, an empty list or map, or a record of such. */
export function isEmptyJson(value: Json | undefined): boolean {
  if (value === null || value === undefined) return true;
  if (value === "" || value === 0 || value === false) return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const member of Object.values(value)) if (member !== null) return false;
  return true;
}
