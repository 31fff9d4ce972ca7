/**
 * Wire JSON → records. Requests are read leniently in names (letter case does not matter, unknown
 * ones are ignored) and strictly in types; the first wrong type is reported in the words of spec
 * chapter 8 §8.1, which users know. Answers of a server are read into the stored form.
 */
import type { Field, FieldRecord, Infer, InferInput, Json, RecordSchema } from "./field.ts";
import { isPercentText, parsePercent } from "./percent.ts";
import { type AnyRecord, type Bag, type FieldPlan, planOf, zeroOf, zeroRecord } from "./plan.ts";

export interface Decoded<T> {
  readonly value: T;
  /** Wrong types, first one first; callers report only the first. Empty when all fitted. */
  readonly errors: readonly string[];
}

export interface DecodeInputOptions {
  /** Where the record stands in the body, for error texts: `Job` for a register request. */
  readonly path?: string;
  /** Type named when the whole value is of the wrong kind: `api.JobRegisterRequest`. */
  readonly goType?: string;
}

/** A request's record: every field present, null where it was not written. */
export function decodeInput<F extends FieldRecord>(
  schema: RecordSchema<F>,
  json: Json,
  options: DecodeInputOptions = {},
): Decoded<InferInput<RecordSchema<F>>> {
  const errors: string[] = [];
  const any = schema as AnyRecord;
  if (!isObject(json)) {
    const goType = options.goType ?? `api.${typeName(any)}`;
    if (json !== null) {
      errors.push(`json: cannot unmarshal ${jsonKind(json)} into Go value of type ${goType}`);
    }
  }
  const members = isObject(json) ? json : {};
  const value = decodeRequestRecord(any, members, options.path ?? "", errors);
  return { value: value as InferInput<RecordSchema<F>>, errors };
}

/** Reads an answer back into the stored form; absent and null members become zero values. */
export function decodeStored<F extends FieldRecord>(
  schema: RecordSchema<F>,
  json: Json,
): Infer<RecordSchema<F>> {
  return decodeStoredRecord(schema as AnyRecord, json) as Infer<RecordSchema<F>>;
}

function decodeRequestRecord(schema: AnyRecord, json: Bag, path: string, errors: string[]): Bag {
  const out: Bag = {};
  for (const key of Object.keys(schema.fields)) out[key] = null;
  const plan = planOf(schema);
  for (const [name, raw] of Object.entries(json)) {
    const field = plan.byLowerName.get(name.toLowerCase());
    if (field === undefined || !field.inRequests || raw === null || raw === undefined) continue;
    const at: Place = {
      path: path === "" ? field.wire : `${path}.${field.wire}`,
      owner: typeName(schema),
    };
    const share = decodePercent(field, raw as Json, at, errors);
    if (share !== null) {
      if (share.value !== undefined) out[share.key] = share.value;
      continue;
    }
    const value = decodeRequestValue(field.field, raw as Json, at, errors);
    if (value !== undefined) out[field.key] = value;
  }
  return out;
}

/** null = no percentage; a value of undefined = a bad one, which has been reported. */
function decodePercent(
  { field, key }: FieldPlan,
  json: Json,
  at: Place,
  errors: string[],
): { readonly key: string; readonly value: number | undefined } | null {
  const { percent } = field.options;
  if (percent === undefined || typeof json !== "string" || !isPercentText(json)) return null;
  const parsed = parsePercent(json, key, percent);
  if (parsed.ok) return parsed;
  errors.push(`${at.path}: ${parsed.message}`);
  return { key, value: undefined };
}

interface Place {
  readonly path: string;
  /** Type that holds the field. */
  readonly owner: string;
}

/** The decoded value; undefined when its type was wrong, which leaves the field not written. */
function decodeRequestValue(field: Field, json: Json, at: Place, errors: string[]): unknown {
  if (json === null) return null;
  switch (field.kind) {
    case "json":
      return json;
    case "string":
      return typeof json === "string" ? json : wrong(field, json, at, errors);
    case "bool":
      return typeof json === "boolean" ? json : wrong(field, json, at, errors);
    case "float":
      return typeof json === "number" ? json : wrong(field, json, at, errors);
    case "int":
    case "duration":
      return Number.isInteger(json) ? json : wrong(field, json, at, errors);
    case "instantNanos":
      return typeof json === "number"
        ? Math.round(json / 1_000_000)
        : wrong(field, json, at, errors);
    case "instantSeconds":
      return typeof json === "number" ? json * 1000 : wrong(field, json, at, errors);
    case "instantText":
      return typeof json === "string" ? decodeInstant(json) : wrong(field, json, at, errors);
    case "list":
      return Array.isArray(json)
        ? decodeItems(field, json, at, errors)
        : wrong(field, json, at, errors);
    case "map":
      return isObject(json)
        ? decodeMembers(field, json, at, errors)
        : wrong(field, json, at, errors);
    case "record":
      return isObject(json)
        ? decodeRequestRecord(field.record as AnyRecord, json, at.path, errors)
        : wrong(field, json, at, errors);
  }
}

function decodeItems(field: Field, json: readonly Json[], at: Place, errors: string[]): unknown[] {
  const out: unknown[] = [];
  for (const item of json) {
    const value = decodeRequestValue(field.element as Field, item, at, errors);
    if (value !== undefined && value !== null) out.push(value);
  }
  return out;
}

function decodeMembers(field: Field, json: Bag, at: Place, errors: string[]): Bag {
  const out: Bag = {};
  for (const [key, item] of Object.entries(json)) {
    const value = decodeRequestValue(field.element as Field, item as Json, at, errors);
    if (value !== undefined && value !== null) out[key] = value;
  }
  return out;
}

function wrong(field: Field, json: Json, at: Place, errors: string[]): undefined {
  const where = `Go struct field ${at.owner}.${at.path}`;
  errors.push(`json: cannot unmarshal ${jsonKind(json)} into ${where} of type ${goTypeOf(field)}`);
  return undefined;
}

function jsonKind(json: Json): string {
  if (Array.isArray(json)) return "array";
  if (typeof json === "number" && !Number.isInteger(json)) return `number ${json}`;
  if (typeof json === "boolean") return "bool";
  return typeof json;
}

/** Names of the types that users' tools print; they belong to the messages, not to our code. */
function goTypeOf(field: Field): string {
  switch (field.kind) {
    case "duration":
      return "time.Duration";
    case "float":
      return "float64";
    case "instantNanos":
    case "instantSeconds":
      return "int64";
    case "instantText":
      return "time.Time";
    case "list":
      return `[]${goElement(field.element as Field)}`;
    case "map":
      return `map[string]${goElement(field.element as Field)}`;
    case "record":
      return `api.${typeName(field.record as AnyRecord)}`;
    case "json":
      return "map[string]interface {}";
    default:
      return field.kind;
  }
}

function goElement(element: Field): string {
  const name = goTypeOf(element);
  return element.kind === "record" ? `*${name}` : name;
}

function typeName(schema: AnyRecord): string {
  return schema.typeName ?? schema.name;
}

function isObject(json: unknown): json is { [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function decodeStoredRecord(schema: AnyRecord, json: Json): Bag {
  const out = zeroRecord(schema);
  if (!isObject(json)) return out;
  for (const plan of planOf(schema).fields) {
    const raw = json[plan.wire] ?? json[plan.requestWire];
    if (raw !== undefined && raw !== null) out[plan.key] = decodeStoredField(plan.field, raw);
  }
  return out;
}

function decodeStoredField(field: Field, json: Json): unknown {
  if (json === null) return zeroOf(field);
  switch (field.kind) {
    case "instantNanos":
      return Math.round(Number(json) / 1_000_000);
    case "instantSeconds":
      return Number(json) * 1000;
    case "instantText":
      return typeof json === "string" ? decodeInstant(json) : 0;
    case "list":
      return Array.isArray(json)
        ? json.map((item) => decodeStoredField(field.element as Field, item))
        : [];
    case "map": {
      const out: Bag = {};
      if (!isObject(json)) return out;
      for (const key in json)
        out[key] = decodeStoredField(field.element as Field, json[key] ?? null);
      return out;
    }
    case "record":
      return decodeStoredRecord(field.record as AnyRecord, json);
    default:
      return json;
  }
}

/** Epoch ms of RFC 3339 text; 0 for the zero instant and for what is no instant. */
export function decodeInstant(text: string): number {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms < 0 ? 0 : ms;
}
