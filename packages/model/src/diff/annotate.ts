/** Adds to a diff what the plan would do about it (spec chapter 7 §7.1.2). */
import type { DesiredUpdates, PlanAnnotations } from "../cluster/plan.ts";
import {
  DiffType,
  type FieldDiff,
  type JobDiff,
  type TaskDiff,
  type TaskGroupDiff,
} from "./types.ts";

export const FORCES_CREATE = "forces create";
export const FORCES_DESTROY = "forces destroy";
export const FORCES_IN_PLACE = "forces in-place update";
export const FORCES_DESTRUCTIVE = "forces create/destroy update";

/** How the counts of a plan are called in a diff; the rest of them are not shown. */
const UPDATE_NAMES: readonly (readonly [keyof DesiredUpdates, string])[] = [
  ["ignore", "ignore"],
  ["place", "create"],
  ["migrate", "migrate"],
  ["stop", "destroy"],
  ["canary", "canary"],
  ["inPlaceUpdate", "in-place update"],
  ["destructiveUpdate", "create/destroy update"],
];

/** Objects whose change alone does not make a task look replaced. */
const IN_PLACE_OBJECTS = new Set(["Service", "Constraint", "Affinity", "Spread"]);

/** `annotations` null: only what the diff itself tells. */
export function annotateDiff(diff: JobDiff, annotations: PlanAnnotations | null): JobDiff {
  return {
    ...diff,
    taskGroups: diff.taskGroups.map((group) =>
      annotateGroup(group, annotations?.desiredTgUpdates[group.name]),
    ),
  };
}

function annotateGroup(group: TaskGroupDiff, desired: DesiredUpdates | undefined): TaskGroupDiff {
  return {
    ...group,
    updates: desired === undefined ? group.updates : namedUpdates(desired),
    fields: group.fields.map(annotateCount),
    tasks: group.tasks.map((task) => annotateTask(task, group.type)),
  };
}

function namedUpdates(desired: DesiredUpdates): Record<string, number> {
  const updates: Record<string, number> = {};
  for (const [key, name] of UPDATE_NAMES) if (desired[key] > 0) updates[name] = desired[key];
  return updates;
}

function annotateCount(field: FieldDiff): FieldDiff {
  if (field.name !== "Count" || field.type === DiffType.none) return field;
  const grows = Number(field.new) > Number(field.old);
  return { ...field, annotations: [grows ? FORCES_CREATE : FORCES_DESTROY] };
}

function annotateTask(task: TaskDiff, groupType: DiffType): TaskDiff {
  if (task.type === DiffType.none) return task;
  return { ...task, annotations: [taskAnnotation(task, groupType)] };
}

/** A heuristic on what is shown; the group's counts tell the truth. */
function taskAnnotation(task: TaskDiff, groupType: DiffType): string {
  const { added, deleted } = DiffType;
  if (groupType === added && task.type === added) return FORCES_CREATE;
  if (groupType === deleted && task.type === deleted) return FORCES_DESTROY;
  const fieldForces = task.fields.some((field) => field.name !== "KillTimeout");
  const objectForces = task.objects.some((object) => {
    if (object.name === "LogConfig") {
      return object.fields.some((field) => field.name === "Disabled");
    }
    return !IN_PLACE_OBJECTS.has(object.name);
  });
  return fieldForces || objectForces ? FORCES_DESTRUCTIVE : FORCES_IN_PLACE;
}
