/** What changed in one task group (spec chapter 7 §7.1.1). */
import { affinitySchema, constraintSchema } from "../job/constraint.ts";
import {
  type DisconnectStrategy,
  reschedulePolicySchema,
  restartPolicySchema,
} from "../job/restart.ts";
import {
  ephemeralDiskSchema,
  type TaskGroup,
  taskGroupSchema,
  type VolumeRequest,
  volumeRequestSchema,
} from "../job/task-group.ts";
import { consulBlockSchema, type ScalingPolicy, scalingSchema } from "../job/task-parts.ts";
import { migrateStrategySchema, updateStrategySchema } from "../job/update.ts";
import { deepEqual } from "../schema/equal.ts";
import { compareFields, compareText, fieldDiff, fieldDiffs, flatten } from "./fields.ts";
import { networkDiffs } from "./network.ts";
import {
  jsonDiff,
  present,
  recordDiff,
  recordSetDiff,
  sortObjects,
  typeOfMembers,
  typeOfSides,
} from "./objects.ts";
import { serviceDiffs } from "./service.ts";
import { taskDiffs } from "./task.ts";
import { DiffType, type FieldDiff, type ObjectDiff, type TaskGroupDiff } from "./types.ts";

type Sides<T> = readonly [T | null, T | null];

/** Groups of both versions by name; unchanged ones only for context. */
export function taskGroupDiffs(
  before: readonly TaskGroup[],
  after: readonly TaskGroup[],
  contextual: boolean,
): TaskGroupDiff[] {
  const names = new Set([...before, ...after].map((group) => group.name));
  return [...names].sort(compareText).flatMap((name) => {
    const old = before.find((group) => group.name === name) ?? null;
    const next = after.find((group) => group.name === name) ?? null;
    const diff = taskGroupDiff(name, [old, next], contextual);
    return contextual || diff.type !== DiffType.none ? [diff] : [];
  });
}

function taskGroupDiff(name: string, sides: Sides<TaskGroup>, contextual: boolean): TaskGroupDiff {
  const [before, after] = sides;
  const tasks = taskDiffs(before?.tasks ?? [], after?.tasks ?? [], contextual);
  const unchanged = { type: DiffType.none, name, fields: [], objects: [], tasks, updates: null };
  if (deepEqual(before, after)) return unchanged;
  return {
    ...unchanged,
    type: typeOfSides(before, after),
    fields: groupFields(before, after),
    objects: objectDiffs(before, after, contextual),
  };
}

function groupFields(before: TaskGroup | null, after: TaskGroup | null): FieldDiff[] {
  const flat = (side: TaskGroup | null): Map<string, string> => {
    const out = new Map(flatten(taskGroupSchema, side, ["Name"]));
    const delay = side?.shutdownDelay ?? null;
    if (delay !== null) out.set("ShutdownDelay", String(delay));
    return out;
  };
  return fieldDiffs(flat(before), flat(after), false);
}

function objectDiffs(
  before: TaskGroup | null,
  after: TaskGroup | null,
  contextual: boolean,
): ObjectDiff[] {
  const options = { contextual };
  const lists = <K extends keyof TaskGroup>(
    key: K,
  ): [TaskGroup[K] | never[], TaskGroup[K] | never[]] => [before?.[key] ?? [], after?.[key] ?? []];
  const one = <K extends keyof TaskGroup>(key: K): [TaskGroup[K] | null, TaskGroup[K] | null] => [
    before?.[key] ?? null,
    after?.[key] ?? null,
  ];
  return present([
    ...recordSetDiff(constraintSchema, "Constraint", lists("constraints"), options),
    ...recordSetDiff(affinitySchema, "Affinity", lists("affinities"), options),
    recordDiff(restartPolicySchema, "RestartPolicy", one("restartPolicy"), options),
    recordDiff(migrateStrategySchema, "Migrate", one("migrate"), options),
    recordDiff(reschedulePolicySchema, "ReschedulePolicy", one("reschedulePolicy"), options),
    recordDiff(ephemeralDiskSchema, "EphemeralDisk", one("ephemeralDisk"), options),
    recordDiff(consulBlockSchema, "Consul", one("consul"), options),
    recordDiff(updateStrategySchema, "Update", one("update"), options),
    disconnectDiff(one("disconnect"), contextual),
    ...networkDiffs(...lists("networks"), contextual),
    scalingDiff(one("scaling")),
    ...serviceDiffs(...lists("services"), contextual),
    ...volumeDiffs(before?.volumes ?? {}, after?.volumes ?? {}, contextual),
  ]);
}

/** Its optional duration is shown too, as `nil` where the block is there and does not set it. */
function disconnectDiff(sides: Sides<DisconnectStrategy>, contextual: boolean): ObjectDiff | null {
  const [before, after] = sides.map((side) => (side === null ? null : disconnectText(side)));
  const names = ["LostAfter", "Reconcile", "Replace", "StopOnClientAfter"];
  const fields = names
    .map((name) => fieldDiff(name, before?.[name] ?? "", after?.[name] ?? ""))
    .filter((field) => contextual || field.type !== DiffType.none)
    .sort(compareFields);
  const type = typeOfMembers(fields);
  return type === null ? null : { type, name: "Disconnect", fields, objects: [] };
}

function disconnectText(side: DisconnectStrategy): Record<string, string> {
  return {
    LostAfter: String(side.lostAfter),
    Reconcile: side.reconcile,
    Replace: String(side.replace),
    StopOnClientAfter: side.stopOnClientAfter === null ? "nil" : String(side.stopOnClientAfter),
  };
}

/** Never contextual. Indexes and ids are the cluster's own. */
function scalingDiff([before, after]: Sides<ScalingPolicy>): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const exclude = ["ID", "CreateIndex", "ModifyIndex"];
  return {
    type: typeOfSides(before, after),
    name: "Scaling",
    fields: fieldDiffs(
      flatten(scalingSchema, before, exclude),
      flatten(scalingSchema, after, exclude),
      false,
    ),
    objects: present([jsonDiff("Policy", [before?.policy ?? null, after?.policy ?? null], false)]),
  };
}

type Volumes = Readonly<Record<string, VolumeRequest>>;

function volumeDiffs(before: Volumes, after: Volumes, contextual: boolean): ObjectDiff[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const out: ObjectDiff[] = [];
  for (const name of names) {
    const [old, next] = [before[name] ?? null, after[name] ?? null];
    if (deepEqual(old, next)) continue;
    out.push({
      type: typeOfSides(old, next),
      name: "Volume",
      fields: fieldDiffs(
        flatten(volumeRequestSchema, old),
        flatten(volumeRequestSchema, next),
        contextual,
      ),
      objects: [],
    });
  }
  return sortObjects(out);
}
