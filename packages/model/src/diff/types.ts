/** What changed between two versions of a job (spec chapter 7 §7.1), and its wire form. */
import type { Json, JsonObject } from "../schema/field.ts";

export const DiffType = {
  none: "None",
  added: "Added",
  deleted: "Deleted",
  edited: "Edited",
} as const;
export type DiffType = (typeof DiffType)[keyof typeof DiffType];

/** A primitive member; the side that does not have it is "". */
export interface FieldDiff {
  readonly type: DiffType;
  readonly name: string;
  readonly old: string;
  readonly new: string;
  readonly annotations: readonly string[];
}

export interface ObjectDiff {
  readonly type: DiffType;
  readonly name: string;
  readonly fields: readonly FieldDiff[];
  readonly objects: readonly ObjectDiff[];
}

export interface TaskDiff extends ObjectDiff {
  readonly annotations: readonly string[];
}

export interface TaskGroupDiff extends ObjectDiff {
  readonly tasks: readonly TaskDiff[];
  /** What the plan would do with the group's allocations → how many; null until annotated. */
  readonly updates: Readonly<Record<string, number>> | null;
}

export interface JobDiff {
  readonly type: DiffType;
  readonly id: string;
  readonly fields: readonly FieldDiff[];
  readonly objects: readonly ObjectDiff[];
  readonly taskGroups: readonly TaskGroupDiff[];
}

export function jobDiffToWire(diff: JobDiff): JsonObject {
  return {
    Fields: listOrNull(diff.fields, fieldToWire),
    ID: diff.id,
    Objects: listOrNull(diff.objects, objectToWire),
    TaskGroups: listOrNull(diff.taskGroups, groupToWire),
    Type: diff.type,
  };
}

export function jobDiffFromWire(json: Json): JobDiff {
  const wire = asObject(json);
  return {
    type: typeOf(wire),
    id: textOf(wire.ID),
    ...membersOf(wire),
    taskGroups: listOf(wire.TaskGroups, groupFromWire),
  };
}

function fieldToWire(field: FieldDiff): JsonObject {
  return {
    Annotations: listOrNull(field.annotations, (text) => text),
    Name: field.name,
    New: field.new,
    Old: field.old,
    Type: field.type,
  };
}

function objectToWire(object: ObjectDiff): JsonObject {
  return {
    Fields: listOrNull(object.fields, fieldToWire),
    Name: object.name,
    Objects: listOrNull(object.objects, objectToWire),
    Type: object.type,
  };
}

function taskToWire(task: TaskDiff): JsonObject {
  return { Annotations: listOrNull(task.annotations, (text) => text), ...objectToWire(task) };
}

function groupToWire(group: TaskGroupDiff): JsonObject {
  return {
    Fields: listOrNull(group.fields, fieldToWire),
    Name: group.name,
    Objects: listOrNull(group.objects, objectToWire),
    Tasks: listOrNull(group.tasks, taskToWire),
    Type: group.type,
    Updates: group.updates === null ? null : { ...group.updates },
  };
}

function listOrNull<T>(items: readonly T[], toWire: (item: T) => Json): Json {
  return items.length === 0 ? null : items.map(toWire);
}

function fieldFromWire(json: Json): FieldDiff {
  const wire = asObject(json);
  return {
    type: typeOf(wire),
    name: textOf(wire.Name),
    old: textOf(wire.Old),
    new: textOf(wire.New),
    annotations: listOf(wire.Annotations, textOf),
  };
}

function objectFromWire(json: Json): ObjectDiff {
  const wire = asObject(json);
  return { type: typeOf(wire), name: textOf(wire.Name), ...membersOf(wire) };
}

function taskFromWire(json: Json): TaskDiff {
  return { ...objectFromWire(json), annotations: listOf(asObject(json).Annotations, textOf) };
}

function groupFromWire(json: Json): TaskGroupDiff {
  const wire = asObject(json);
  return {
    ...objectFromWire(json),
    tasks: listOf(wire.Tasks, taskFromWire),
    updates: wire.Updates === null ? null : (asObject(wire.Updates) as Record<string, number>),
  };
}

function membersOf(wire: JsonObject): Pick<ObjectDiff, "fields" | "objects"> {
  return {
    fields: listOf(wire.Fields, fieldFromWire),
    objects: listOf(wire.Objects, objectFromWire),
  };
}

function listOf<T>(json: Json | undefined, fromWire: (item: Json) => T): T[] {
  return Array.isArray(json) ? json.map(fromWire) : [];
}

function asObject(json: Json | undefined): JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
}

function textOf(json: Json | undefined): string {
  return typeof json === "string" ? json : "";
}

function typeOf(wire: JsonObject): DiffType {
  return Object.values(DiffType).find((type) => type === wire.Type) ?? DiffType.none;
}
