/**
 * What a block of a job file may hold, worked out once per record from the field declarations of
 * `@drover/model`: which fields are arguments, which are blocks, and which one is the label.
 */
import type { AttributeSchema, BlockSchema, BodySchema } from "@drover/hcl";
import type { Field, FieldRecord, RecordSchema } from "@drover/model";

export type AnyRecord = RecordSchema<FieldRecord>;
export type Bag = { [key: string]: unknown };

export interface FieldShape {
  readonly key: string;
  readonly name: string;
  readonly field: Field;
}

export interface Shape {
  readonly attributes: readonly FieldShape[];
  readonly blocks: readonly FieldShape[];
  readonly labelKey: string | null;
  readonly schema: BodySchema;
}

/** Arguments that must be written, by the name of their record. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  Action: ["command"],
  Lifecycle: ["hook"],
  Scaling: ["max"],
};

/** Records whose label has no name in error texts. */
const UNNAMED_LABELS: ReadonlySet<string> = new Set(["Port", "SpreadTarget", "Device"]);

const SHAPES = new WeakMap<AnyRecord, Shape>();

export function shapeOf(record: AnyRecord): Shape {
  const known = SHAPES.get(record);
  if (known !== undefined) return known;
  const shape = compileShape(record);
  SHAPES.set(record, shape);
  return shape;
}

/** A record in which nothing is written, but what reading a job file fills in. */
export function blankRecord(record: AnyRecord): Bag {
  const blank: Bag = {};
  for (const [key, field] of Object.entries(record.fields)) {
    blank[key] = field.options.parsed ?? null;
  }
  return blank;
}

function compileShape(record: AnyRecord): Shape {
  const attributes: FieldShape[] = [];
  const blocks: FieldShape[] = [];
  let labelKey: string | null = null;
  for (const [key, field] of Object.entries(record.fields)) {
    const { hcl, form } = field.options;
    if (form === "label") labelKey = key;
    if (hcl === null || form === "label") continue;
    const shape = { key, name: hcl ?? snakeCase(key), field };
    if (isBlock(field)) blocks.push(shape);
    else attributes.push(shape);
  }
  attributes.sort(byName);
  blocks.sort(byName);
  const required = REQUIRED[record.name] ?? [];
  const schema = {
    attributes: attributes.map(({ name }): AttributeSchema => {
      return { name, required: required.includes(name) };
    }),
    blocks: blocks.map(({ name, field }): BlockSchema => ({ type: name, labels: labelsOf(field) })),
  };
  return { attributes, blocks, labelKey, schema };
}

function byName(a: FieldShape, b: FieldShape): number {
  return a.name < b.name ? -1 : 1;
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isBlock(field: Field): boolean {
  if (field.options.form !== undefined) return field.options.form === "block";
  if (field.kind === "record" || field.kind === "json" || field.kind === "map") return true;
  return field.kind === "list" && field.element?.kind === "record";
}

/** The record that a block of this field holds, if it holds one. */
export function recordOf(field: Field): AnyRecord | undefined {
  return field.record ?? field.element?.record;
}

function labelsOf(field: Field): string[] {
  const record = recordOf(field);
  if (record === undefined || shapeOf(record).labelKey === null) return [];
  return [UNNAMED_LABELS.has(record.name) ? "" : "name"];
}
