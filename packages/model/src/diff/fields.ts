/**
 * Primitive members side by side (spec chapter 7 §7.1.1). A record is flattened to name → text by
 * its declaration: primitive members and maps of strings, under their wire names; nested records,
 * lists, optional members and those declared `diff: false` are left out.
 */
import type { Field, FieldRecord, Infer, Json, RecordSchema } from "../schema/field.ts";
import { type AnyRecord, type Bag, type FieldPlan, planOf } from "../schema/plan.ts";
import { DiffType, type FieldDiff } from "./types.ts";

export type Flat = ReadonlyMap<string, string>;
const NOTHING: Flat = new Map();

/** Members of `value`, or none for null: a side that does not exist has no members. */
export function flatten<F extends FieldRecord>(
  schema: RecordSchema<F>,
  value: Infer<RecordSchema<F>> | null,
  exclude: readonly string[] = [],
): Flat {
  if (value === null) return NOTHING;
  const out = new Map<string, string>();
  for (const plan of planOf(schema as AnyRecord).answers) {
    const name = nameOf(plan);
    if (name === null || exclude.includes(plan.wire)) continue;
    const raw = (value as Bag)[plan.key];
    if (plan.field.options.addition === true && raw === 0) continue;
    if (isPrimitive(plan.field)) out.set(name, String(raw));
    else if (plan.field.kind === "map" && plan.field.element?.kind === "string") {
      for (const [key, text] of Object.entries(raw as Bag)) out.set(`${name}[${key}]`, `${text}`);
    }
  }
  return out;
}

function nameOf(plan: FieldPlan): string | null {
  const { diff } = plan.field.options;
  return diff === false ? null : (diff ?? plan.wire);
}

function isPrimitive(field: Field): boolean {
  if (field.nullable) return false;
  return ["string", "int", "float", "bool", "duration", "instantNanos"].includes(field.kind);
}

/** Free JSON at every depth: `args[0]`, `labels[0][tier]`; null members are left out. */
export function flattenJson(value: Json): Flat {
  const out = new Map<string, string>();
  if (typeof value !== "object" || value === null) return out;
  for (const [key, member] of Object.entries(value)) flattenInto(out, key, member as Json);
  return out;
}

function flattenInto(out: Map<string, string>, name: string, value: Json): void {
  if (value === null) return;
  if (typeof value !== "object") {
    out.set(name, String(value));
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    flattenInto(out, `${name}[${key}]`, member as Json);
  }
}

/** Sorted by name. `contextual` lists equal members too. */
export function fieldDiffs(before: Flat, after: Flat, contextual: boolean): FieldDiff[] {
  const out: FieldDiff[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const diff = fieldDiff(name, before.get(name) ?? "", after.get(name) ?? "");
    if (contextual || diff.type !== DiffType.none) out.push(diff);
  }
  return out.sort(compareFields);
}

export function fieldDiff(name: string, before: string, after: string): FieldDiff {
  return { type: fieldType(before, after), name, old: before, new: after, annotations: [] };
}

function fieldType(before: string, after: string): DiffType {
  if (before === after) return DiffType.none;
  if (before === "") return DiffType.added;
  return after === "" ? DiffType.deleted : DiffType.edited;
}

export function compareFields(a: FieldDiff, b: FieldDiff): number {
  return compareText(a.name, b.name) || compareText(a.old, b.old) || compareText(a.new, b.new);
}

/** By code unit, as the recorded order is; never by locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
