/**
 * Stored records and request records → wire JSON (spec chapter 1 §1.0). Two forms: answers, where
 * empty lists and maps are null and durations are integers, and requests, where null means "not
 * written".
 */
import type {
  Field,
  FieldRecord,
  Infer,
  InferInput,
  Json,
  JsonObject,
  RecordSchema,
} from "./field.ts";
import { type AnyRecord, type Bag, type FieldPlan, isEmptyJson, planOf, zeroOf } from "./plan.ts";

type Encoder = (value: unknown) => Json;
interface CompiledField {
  readonly key: string;
  readonly wire: string;
  readonly omitEmpty: boolean;
  /** A value that is there is sent even when all of it is empty. */
  readonly optional: boolean;
  /** null: the value travels as it is. */
  readonly encode: Encoder | null;
  /** Sent for a value that is missing, as in records stored by an older version. */
  readonly missing: Json;
}
type CompiledRecord = readonly CompiledField[];

const ANSWERS = new WeakMap<AnyRecord, CompiledRecord>();

/** A stored record as answers show it. Shares lists and maps with `value`; do not change either. */
export function encode<F extends FieldRecord>(
  schema: RecordSchema<F>,
  value: Infer<RecordSchema<F>>,
): JsonObject {
  return encodeCompiled(compile(schema as AnyRecord), value as Bag);
}

/** The request form: as `job run -output` prints it, with null for what was not written. */
export function encodeInput<F extends FieldRecord>(
  schema: RecordSchema<F>,
  input: InferInput<RecordSchema<F>>,
): JsonObject {
  return encodeRequestRecord(schema as AnyRecord, input as Bag);
}

function compile(schema: AnyRecord): CompiledRecord {
  const known = ANSWERS.get(schema);
  if (known !== undefined) return known;
  const compiled = planOf(schema).answers.map(compileField);
  ANSWERS.set(schema, compiled);
  return compiled;
}

function compileField(plan: FieldPlan): CompiledField {
  const encoder = encoderOf(plan.field);
  const zero = zeroOf(plan.field);
  return {
    key: plan.key,
    wire: plan.wire,
    omitEmpty: plan.omitEmpty,
    optional: plan.field.nullable,
    encode: encoder,
    missing: encoder === null ? (zero as Json) : zero === null ? null : encoder(zero),
  };
}

function encodeCompiled(fields: CompiledRecord, value: Bag): JsonObject {
  const out: JsonObject = {};
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as CompiledField;
    const raw = value[field.key];
    let wire: Json;
    if (raw === undefined) wire = field.missing;
    else if (raw === null) wire = null;
    else wire = field.encode === null ? (raw as Json) : field.encode(raw);
    if (field.omitEmpty && (wire === null || (!field.optional && isEmptyJson(wire)))) continue;
    out[field.wire] = wire;
  }
  return out;
}

function encoderOf(field: Field): Encoder | null {
  const keepEmpty = field.options.keepEmpty === true;
  switch (field.kind) {
    case "instantNanos":
      return (value) => Math.round((value as number) * 1_000_000);
    case "instantSeconds":
      return (value) => Math.floor((value as number) / 1000);
    case "instantText":
      return (value) => encodeInstant(value as number);
    case "list":
      return listEncoder(field.element as Field, keepEmpty);
    case "map":
      return mapEncoder(field.element as Field, keepEmpty);
    case "record": {
      const compiled = compile(field.record as AnyRecord);
      return (value) => encodeCompiled(compiled, value as Bag);
    }
    default:
      return null;
  }
}

function listEncoder(element: Field, keepEmpty: boolean): Encoder {
  const item = encoderOf(element);
  return (value) => {
    const values = value as unknown[];
    if (values.length === 0) return keepEmpty ? [] : null;
    if (item === null) return values as Json[];
    const out: Json[] = [];
    for (const one of values) out.push(one === null ? null : item(one));
    return out;
  };
}

function mapEncoder(element: Field, keepEmpty: boolean): Encoder {
  const item = encoderOf(element);
  return (value) => {
    const values = value as Bag;
    const out: JsonObject = {};
    let empty = true;
    for (const key in values) {
      empty = false;
      const one = values[key];
      out[key] = one === null || item === null ? (one as Json) : item(one);
    }
    return empty && !keepEmpty ? null : out;
  };
}

/** RFC 3339 with as many fraction digits as needed; null for 0 ("never"). */
export function encodeInstant(ms: number): string | null {
  if (ms === 0) return null;
  const text = new Date(ms).toISOString();
  if (!text.endsWith("0Z")) return text;
  return text.replace(/\.?0+Z$/, "Z");
}

function encodeRequestRecord(schema: AnyRecord, input: Bag): JsonObject {
  const out: JsonObject = {};
  for (const plan of planOf(schema).fields) {
    if (!plan.inRequests) continue;
    const raw = input[plan.key] ?? null;
    if (raw !== null) out[plan.requestWire] = encodeRequestValue(plan.field, raw);
    else if (plan.field.options.plain === true) out[plan.requestWire] = zeroOf(plan.field) as Json;
    else if (!mayOmit(plan)) out[plan.requestWire] = null;
  }
  return out;
}

function mayOmit({ field }: FieldPlan): boolean {
  return field.options.requestOmit === true || field.options.addition === true;
}

function encodeRequestValue(field: Field, value: unknown): Json {
  if (value === null) return null;
  switch (field.kind) {
    case "record":
      return encodeRequestRecord(field.record as AnyRecord, value as Bag);
    case "list":
      return (value as unknown[]).map((one) => encodeRequestValue(field.element as Field, one));
    case "map": {
      const out: JsonObject = {};
      for (const [key, one] of Object.entries(value as Bag)) {
        out[key] = encodeRequestValue(field.element as Field, one);
      }
      return out;
    }
    case "instantNanos":
      return Math.round((value as number) * 1_000_000);
    case "instantSeconds":
      return Math.floor((value as number) / 1000);
    case "instantText":
      return encodeInstant(value as number);
    default:
      return value as Json;
  }
}
