/** The three generic object diffs: one record, a set of records, a set of strings (§7.1.1). */
import { deepEqual } from "../schema/equal.ts";
import type { FieldRecord, Infer, Json, RecordSchema } from "../schema/field.ts";
import {
  compareFields,
  compareText,
  type Flat,
  fieldDiff,
  fieldDiffs,
  flatten,
  flattenJson,
} from "./fields.ts";
import { DiffType, type FieldDiff, type ObjectDiff } from "./types.ts";

interface ObjectOptions {
  readonly contextual: boolean;
  /** Wire names of members that are not compared. */
  readonly exclude?: readonly string[];
}

/** The type of an object whose members alone decide it; null when nothing changed. */
export function typeOfMembers(members: readonly { readonly type: DiffType }[]): DiffType | null {
  const has = (type: DiffType): boolean => members.some((member) => member.type === type);
  const [added, deleted] = [has(DiffType.added), has(DiffType.deleted)];
  if (has(DiffType.edited) || (added && deleted)) return DiffType.edited;
  if (added) return DiffType.added;
  return deleted ? DiffType.deleted : null;
}

/** The type of an object that both sides may lack. */
export function typeOfSides(before: unknown, after: unknown): DiffType {
  if (before === null) return DiffType.added;
  return after === null ? DiffType.deleted : DiffType.edited;
}

/** One record, or null when no member of it changed. */
export function recordDiff<F extends FieldRecord>(
  schema: RecordSchema<F>,
  name: string,
  sides: readonly [Infer<RecordSchema<F>> | null, Infer<RecordSchema<F>> | null],
  { contextual, exclude = [] }: ObjectOptions,
): ObjectDiff | null {
  const flat = sides.map((side) => flatten(schema, side, exclude)) as [Flat, Flat];
  return flatDiff(name, flat, contextual);
}

/** Free JSON as one object of deep members, or null when nothing changed. */
export function jsonDiff(
  name: string,
  sides: readonly [Json, Json],
  contextual: boolean,
): ObjectDiff | null {
  return flatDiff(name, sides.map(flattenJson) as [Flat, Flat], contextual);
}

function flatDiff(name: string, [before, after]: [Flat, Flat], all: boolean): ObjectDiff | null {
  const fields = fieldDiffs(before, after, all);
  const type = typeOfMembers(fields);
  return type === null ? null : { type, name, fields, objects: [] };
}

/** Members present on one side only, each as an object; an edited one shows as both. */
export function recordSetDiff<F extends FieldRecord>(
  schema: RecordSchema<F>,
  name: string,
  sides: readonly [readonly Infer<RecordSchema<F>>[], readonly Infer<RecordSchema<F>>[]],
  options: ObjectOptions,
): ObjectDiff[] {
  const [before, after] = sides;
  const out: (ObjectDiff | null)[] = [];
  for (const item of before) {
    if (!after.some((other) => deepEqual(item, other))) {
      out.push(recordDiff(schema, name, [item, null], options));
    }
  }
  for (const item of after) {
    if (!before.some((other) => deepEqual(item, other))) {
      out.push(recordDiff(schema, name, [null, item], options));
    }
  }
  return sortObjects(present(out));
}

/** One field per member, all under the set's own name; type None when only context is left. */
export function stringSetDiff(
  name: string,
  sides: readonly [readonly string[], readonly string[]],
  contextual: boolean,
): ObjectDiff | null {
  const [before, after] = sides.map((side) => new Set(side)) as [Set<string>, Set<string>];
  const fields: FieldDiff[] = [];
  for (const member of before) {
    if (!after.has(member)) fields.push(fieldDiff(name, member, ""));
    else if (contextual) fields.push(fieldDiff(name, member, member));
  }
  for (const member of after) if (!before.has(member)) fields.push(fieldDiff(name, "", member));
  if (fields.length === 0) return null;
  fields.sort(compareFields);
  const type = typeOfMembers(fields);
  if (type === null && !contextual) return null;
  return { type: type ?? DiffType.none, name, fields, objects: [] };
}

/** A set that is shown only when it changed. */
export function changedSetDiff(
  name: string,
  sides: readonly [readonly string[], readonly string[]],
  contextual: boolean,
): ObjectDiff | null {
  const diff = stringSetDiff(name, sides, contextual);
  return diff?.type === DiffType.none ? null : diff;
}

export function present<T>(items: readonly (T | null | undefined)[]): T[] {
  return items.filter((item): item is T => item !== null && item !== undefined);
}

const TYPE_ORDER: readonly DiffType[] = [
  DiffType.edited,
  DiffType.added,
  DiffType.deleted,
  DiffType.none,
];

/** The order of members of one set: by name, type, size and then content. */
export function sortObjects(objects: ObjectDiff[]): ObjectDiff[] {
  return objects.sort(compareObjects);
}

function compareObjects(a: ObjectDiff, b: ObjectDiff): number {
  return (
    compareText(a.name, b.name) ||
    TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) ||
    a.fields.length - b.fields.length ||
    a.objects.length - b.objects.length ||
    compareEach(a.fields, b.fields, compareFields) ||
    compareEach(a.objects, b.objects, compareObjects)
  );
}

function compareEach<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): number {
  for (let i = 0; i < a.length; i++) {
    const order = compare(a[i] as T, b[i] as T);
    if (order !== 0) return order;
  }
  return 0;
}
