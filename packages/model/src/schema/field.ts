/**
 * One declaration per field (DESIGN §4). A resource is a record of fields; from the record come
 * its TypeScript type, its wire JSON, its job-file attribute, its default, who may write it,
 * whether changing it replaces running allocations, and how `plan` shows it.
 *
 * Two shapes belong to every record: the *stored* one (`Infer`), complete, with empty lists and
 * maps instead of null, and the *input* one (`InferInput`), as a job file or request gives it,
 * where null means "not written".
 */
import type { Nanos } from "@drover/base";

export type FieldKind =
  | "string"
  | "int"
  | "float"
  | "bool"
  | "duration"
  | "instantNanos"
  | "instantText"
  | "instantSeconds"
  | "json"
  | "list"
  | "map"
  | "record";

/** Exactly one of these may write a field once the resource is stored (invariant I9). */
export type Owner = "user" | "scheduler" | "client" | "deployment" | "server";

/** What a change of the field does to a running allocation (spec chapter 2 §2.6.1). */
export type Change = "inPlace" | "destructive";

/** The other form of a count: a share of the group's count (DESIGN §12.2). */
export interface Percent {
  /** The field of the same record that takes it; 0 there means that the count holds. */
  readonly key: string;
  readonly min: number;
}

export interface FieldOptions<T> {
  /** Wire name; the key with a capital first letter when left out; null keeps it off the wire. */
  readonly wire?: string | null;
  /** Name in a job file; snake_case of the key when left out, null when it cannot be written. */
  readonly hcl?: string | null;
  /** How a job file writes it: `k = v`, a block, or the label of its own block. */
  readonly form?: "attribute" | "block" | "label";
  /** What canonicalization fills in for "not written". */
  readonly default?: T;
  readonly owner?: Owner;
  readonly change?: Change;
  /** The encoder leaves the key out when the value is empty (zero, "", false, null, [], {}). */
  readonly omitEmpty?: boolean;
  /** An empty list or map is sent as `[]` or `{}`; without this it is sent as null. */
  readonly keepEmpty?: boolean;
  /** Only in requests: the stored form has no such field on the wire. */
  readonly requestOnly?: boolean;
  /** Only in answers: a request has no such field. */
  readonly storedOnly?: boolean;
  /** A request cannot say "not written": its zero value means that (sent as the zero, not null). */
  readonly plain?: boolean;
  /** What reading a job file's block already fills in, before any canonicalization. */
  readonly parsed?: T;
  /** Name in requests, where it differs in letter case from the one in answers. */
  readonly requestWire?: string;
  /** A request leaves the key out when it is not written, instead of sending null. */
  readonly requestOmit?: boolean;
  /** Drover alone has it: answers, requests and diffs leave it out while it is not used. */
  readonly addition?: boolean;
  /** A count for which `"25%"` may be written; what was written so goes to another field. */
  readonly percent?: Percent;
  /** Shown by `plan` under this name; false leaves it out of diffs. */
  readonly diff?: string | false;
}

declare const OUT: unique symbol;
declare const IN: unique symbol;

export interface Field<T = unknown, I = unknown> {
  readonly kind: FieldKind;
  readonly options: FieldOptions<T>;
  /** The stored value may be null. */
  readonly nullable: boolean;
  /** Element of a list or map. */
  readonly element?: Field;
  readonly record?: RecordSchema<FieldRecord>;
  readonly [OUT]?: T;
  readonly [IN]?: I;
}

export type FieldRecord = { readonly [key: string]: Field };

export interface RecordSchema<F extends FieldRecord> {
  readonly name: string;
  /** Name of the type in decoding errors, which users know by it; `name` when left out. */
  readonly typeName?: string;
  readonly fields: F;
}

type Out<F> = F extends Field<infer T, infer _I> ? T : never;
type In<F> = F extends Field<infer _T, infer I> ? I : never;

/** The stored shape of a record. */
export type Infer<S> =
  S extends RecordSchema<infer F> ? { -readonly [K in keyof F]: Out<F[K]> } : never;
/** The shape a job file or request gives: every field may be null ("not written"). */
export type InferInput<S> =
  S extends RecordSchema<infer F> ? { -readonly [K in keyof F]: In<F[K]> | null } : never;

export function record<F extends FieldRecord>(
  name: string,
  fields: F,
  options: { typeName?: string } = {},
): RecordSchema<F> {
  return { name, fields, ...options };
}

function scalar<T>(kind: FieldKind) {
  return (options: FieldOptions<T> = {}): Field<T, T> => ({ kind, options, nullable: false });
}

export const string = scalar<string>("string");
export const int = scalar<number>("int");
export const float = scalar<number>("float");
export const bool = scalar<boolean>("bool");
/** Integer nanoseconds. */
export const duration = scalar<Nanos>("duration");
/** Stored as epoch ms, sent as integer Unix nanoseconds; 0 = never. */
export const instantNanos = scalar<number>("instantNanos");
/** Stored as epoch ms, sent as RFC 3339 text; 0 = never, sent as null. */
export const instantText = scalar<number>("instantText");
/** Stored as epoch ms, sent as integer Unix seconds. */
export const instantSeconds = scalar<number>("instantSeconds");
/** Free JSON that we do not look into (driver configuration, scaling policy). */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}
export const json = scalar<Json>("json");

export function list<T, I>(element: Field<T, I>, options: FieldOptions<T[]> = {}): Field<T[], I[]> {
  return { kind: "list", options, nullable: false, element };
}

export function map<T, I>(
  element: Field<T, I>,
  options: FieldOptions<Record<string, T>> = {},
): Field<Record<string, T>, Record<string, I>> {
  return { kind: "map", options, nullable: false, element };
}

export function object<F extends FieldRecord>(
  schema: RecordSchema<F>,
  options: FieldOptions<Infer<RecordSchema<F>>> = {},
): Field<Infer<RecordSchema<F>>, InferInput<RecordSchema<F>>> {
  return { kind: "record", options, nullable: false, record: schema };
}

/** The stored value may be null too. */
export function nullable<T, I>(field: Field<T, I>): Field<T | null, I> {
  return { ...field, nullable: true } as Field<T | null, I>;
}
