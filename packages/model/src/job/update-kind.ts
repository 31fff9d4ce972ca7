/**
 * Whether going from one version of a group to another replaces its allocations or changes them in
 * place (spec chapter 2 §2.6.1). Which members replace is declared beside each field (`change`);
 * only what depends on more than one field is written here. Whether the new version still fits the
 * allocation's node is the scheduler's question.
 */

import { deepEqual } from "../schema/equal.ts";
import type { Change, Field } from "../schema/field.ts";
import type { AnyRecord, Bag } from "../schema/plan.ts";
import type { Job } from "./job.ts";
import type { Service } from "./service.ts";
import { type Task, taskSchema } from "./task.ts";
import { type TaskGroup, taskGroupSchema } from "./task-group.ts";

/** Compared by the rules of this file instead of by their declaration. */
const BY_RULE: ReadonlySet<string> = new Set(["meta", "tasks", "services"]);

/** `inPlace` also when nothing changed. A group missing in either version is `destructive`. */
export function updateKind(oldJob: Job, newJob: Job, groupName: string): Change {
  const before = oldJob.taskGroups.find((group) => group.name === groupName);
  const after = newJob.taskGroups.find((group) => group.name === groupName);
  if (before === undefined || after === undefined) return "destructive";
  const replaced =
    recordReplaced(taskGroupSchema as AnyRecord, before, after) ||
    consulReplaced(before.consul, after.consul) ||
    connectReplaced(before.services, after.services) ||
    tasksReplaced({ job: oldJob, group: before }, { job: newJob, group: after });
  return replaced ? "destructive" : "inPlace";
}

interface GroupOf {
  readonly job: Job;
  readonly group: TaskGroup;
}

function tasksReplaced(before: GroupOf, after: GroupOf): boolean {
  if (before.group.tasks.length !== after.group.tasks.length) return true;
  return before.group.tasks.some((task) => {
    const other = after.group.tasks.find((candidate) => candidate.name === task.name);
    return (
      other === undefined ||
      recordReplaced(taskSchema as AnyRecord, task, other) ||
      !deepEqual(effectiveMeta(before, task), effectiveMeta(after, other)) ||
      connectReplaced(task.services, other.services)
    );
  });
}

/** The deepest level that sets a key wins, so a hidden change of an outer one does not matter. */
function effectiveMeta({ job, group }: GroupOf, task: Task): Record<string, string> {
  return { ...job.meta, ...group.meta, ...task.meta };
}

function recordReplaced(schema: AnyRecord, before: Bag, after: Bag): boolean {
  return Object.entries(schema.fields).some(
    ([key, field]) => !BY_RULE.has(key) && fieldReplaced(field, before[key], after[key]),
  );
}

/** A field whose own members are declared is compared by those; a marked one without, whole. */
function fieldReplaced(field: Field, before: unknown, after: unknown): boolean {
  const marked = field.options.change === "destructive";
  const record = field.record ?? field.element?.record;
  if (record === undefined || !hasMarks(record)) return marked && !deepEqual(before, after);
  if (before === null || after === null) return marked && before !== after;
  if (field.kind === "record") return recordReplaced(record, before as Bag, after as Bag);
  if (field.kind !== "list" || !marked) return false;
  const [left, right] = [before as Bag[], after as Bag[]];
  if (left.length !== right.length) return true;
  return left.some((item, i) => recordReplaced(record, item, right[i] as Bag));
}

function hasMarks(schema: AnyRecord): boolean {
  return Object.values(schema.fields).some((field) => field.options.change === "destructive");
}

/** Adding or removing the block matters only by the namespace that it sets. */
function consulReplaced(before: TaskGroup["consul"], after: TaskGroup["consul"]): boolean {
  if ((before?.namespace ?? "") !== (after?.namespace ?? "")) return true;
  if (before === null || after === null) return false;
  return before.cluster !== after.cluster || before.partition !== after.partition;
}

/** Sidecars are tasks of the allocation; services without them are registrations only. */
function connectReplaced(before: readonly Service[], after: readonly Service[]): boolean {
  const names = new Set([...before, ...after].map((service) => service.name));
  for (const name of names) {
    const old = before.find((service) => service.name === name);
    const next = after.find((service) => service.name === name);
    const [oldConnect, nextConnect] = [connectOf(old), connectOf(next)];
    if (oldConnect === null && nextConnect === null) continue;
    if (!deepEqual(oldConnect, nextConnect)) return true;
    if (old?.portLabel !== next?.portLabel || old?.cluster !== next?.cluster) return true;
  }
  return false;
}

/** The parts of a connect block that shape the allocation. */
function connectOf(service: Service | undefined): Bag | null {
  const connect = service?.connect;
  if (typeof connect !== "object" || connect === null || Array.isArray(connect)) return null;
  const sidecar = connect.SidecarService;
  const hasSidecar = typeof sidecar === "object" && sidecar !== null && !Array.isArray(sidecar);
  return {
    native: connect.Native ?? false,
    gateway: connect.Gateway ?? null,
    task: connect.SidecarTask ?? null,
    sidecar: hasSidecar,
    port: hasSidecar ? (sidecar.Port ?? "") : "",
  };
}
