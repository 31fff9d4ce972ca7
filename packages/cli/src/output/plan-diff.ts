/**
 * Job differences as `plan` and `history -p` show them (spec chapter 7 §7.2). Within a block all
 * names are padded to the longest one and all markers to the widest.
 */
import {
  DiffType,
  type FieldDiff,
  type JobDiff,
  type ObjectDiff,
  type TaskDiff,
  type TaskGroupDiff,
} from "@drover/model";
import { quote } from "../format/quote.ts";
import type { Color, Ui } from "../ui.ts";

const MARKERS: Readonly<Record<DiffType, readonly [text: string, color: Color]>> = {
  Added: ["+", "green"],
  Deleted: ["-", "red"],
  Edited: ["+/-", "lightYellow"],
  None: ["", "green"],
};

const UPDATE_COLORS: Readonly<Record<string, Color>> = {
  create: "green",
  destroy: "red",
  migrate: "blue",
  canary: "lightYellow",
  "in-place update": "cyan",
  "create/destroy update": "yellow",
};

const ANNOTATION_COLORS: Readonly<Record<string, Color>> = {
  "forces create": "green",
  "forces destroy": "red",
  "forces in-place update": "cyan",
  "forces create/destroy update": "yellow",
};

export interface DiffStyle {
  readonly ui: Ui;
  readonly verbose: boolean;
}

interface Item {
  readonly type: DiffType;
}

interface Block {
  readonly indent: number;
  /** Of the widest marker. */
  readonly width: number;
}

export function renderJobDiff(diff: JobDiff, style: DiffStyle): string {
  const { ui, verbose } = style;
  const width = widest([...diff.fields, ...diff.objects, ...diff.taskGroups]);
  const lines = [`${marker(diff.type, style)}${ui.open("bold")}Job: ${quote(diff.id)}`];
  if (diff.type === DiffType.edited || verbose) {
    lines.push(...members(diff.fields, diff.objects, { indent: 0, width }, style));
  }
  const groups = diff.taskGroups.map((group) => renderGroup(group, width, style));
  const text = [...lines, groups.join("\n\n")].filter((part) => part !== "").join("\n");
  // Names are left bold: the next colour ends that, and this the last one.
  return `${text.trimEnd()}${ui.open("none")}`;
}

function renderGroup(group: TaskGroupDiff, width: number, style: DiffStyle): string {
  const { ui, verbose } = style;
  const head = `${padded(group.type, width, style)}${ui.bold(`Task Group: ${quote(group.name)}`)}`;
  const lines = [`${head}${updateCounts(group, ui)}`];
  const inner = {
    // What lies in a group without a marker stands under its name.
    indent: width - markerWidth(group.type) + 2,
    width: widest([...group.fields, ...group.objects, ...group.tasks]),
  };
  if (group.type === DiffType.edited || verbose) {
    lines.push(...members(group.fields, group.objects, inner, style));
  }
  for (const task of group.tasks) lines.push(...renderTask(task, inner, style));
  return lines.join("\n");
}

/** ` (2 create, 4 ignore)`; nothing where nothing was counted. */
function updateCounts(group: TaskGroupDiff, ui: Ui): string {
  const updates = Object.entries(group.updates ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (updates.length === 0) return "";
  const counts = updates.map(([name, count]) => {
    const color = UPDATE_COLORS[name];
    return `${ui.open("none")}${color ? ui.open(color) : ""}${count} ${name}`;
  });
  return ` (${counts.join(", ")}${ui.open("none")})`;
}

function renderTask(task: TaskDiff, block: Block, style: DiffStyle): string[] {
  const { ui, verbose } = style;
  const name = `${ui.open("bold")}Task: ${quote(task.name)}`;
  const notes = annotations(task.annotations, style);
  const title = notes === "" ? name : `${name} ${ui.open("none")}(${notes})`;
  const head = `${" ".repeat(block.indent)}${padded(task.type, block.width, style)}${title}`;
  if (task.type === DiffType.none) return [head];
  const isWhole = task.type === DiffType.added || task.type === DiffType.deleted;
  if (isWhole && !verbose) return [head];
  const width = widest([...task.fields, ...task.objects]);
  const inner = { indent: block.indent + 2, width };
  return [head, ...orEmptyLine(members(task.fields, task.objects, inner, style))];
}

/** A block that differs in nothing that is shown. */
function orEmptyLine(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [""] : lines;
}

function members(
  fields: readonly FieldDiff[],
  objects: readonly ObjectDiff[],
  block: Block,
  style: DiffStyle,
): string[] {
  const nameWidth = Math.max(0, ...fields.map((field) => field.name.length));
  return [
    ...fields.map((field) => renderField(field, nameWidth, block, style)),
    ...objects.flatMap((object) => renderObject(object, block, style)),
  ];
}

function renderField(field: FieldDiff, nameWidth: number, block: Block, style: DiffStyle): string {
  const start = `${" ".repeat(block.indent)}${padded(field.type, block.width, style)}`;
  const gap = " ".repeat(nameWidth - field.name.length);
  const notes = annotations(field.annotations, style);
  const value = fieldValue(field);
  return `${start}${field.name}: ${gap}${value}${notes === "" ? "" : ` (${notes})`}`;
}

function fieldValue(field: FieldDiff): string {
  if (field.type === DiffType.deleted) return quote(field.old);
  if (field.type === DiffType.edited) return `${quote(field.old)} => ${quote(field.new)}`;
  return quote(field.new);
}

function renderObject(object: ObjectDiff, block: Block, style: DiffStyle): string[] {
  const start = " ".repeat(block.indent);
  const inner = {
    indent: block.indent + block.width - markerWidth(object.type) + 2,
    width: widest([...object.fields, ...object.objects]),
  };
  const body = members(object.fields, object.objects, inner, style);
  return [
    `${start}${padded(object.type, block.width, style)}${object.name} {`,
    ...orEmptyLine(body),
    `${start}${" ".repeat(block.width)}}`,
  ];
}

function widest(items: readonly Item[]): number {
  return Math.max(0, ...items.map((item) => markerWidth(item.type)));
}

function markerWidth(type: DiffType): number {
  const [text] = MARKERS[type];
  return text === "" ? 0 : text.length + 1;
}

function marker(type: DiffType, { ui }: DiffStyle): string {
  const [text, color] = MARKERS[type];
  return text === "" ? "" : `${ui.paint(color, text)} `;
}

/** A marker and the blanks to the widest one beside it. */
function padded(type: DiffType, width: number, style: DiffStyle): string {
  return marker(type, style) + " ".repeat(width - markerWidth(type));
}

function annotations(texts: readonly string[], { ui }: DiffStyle): string {
  return texts
    .map((text) => {
      const color = ANNOTATION_COLORS[text];
      return color ? ui.paint(color, text) : text;
    })
    .join(", ");
}
