/** What changed between two versions of a job, as `plan` and `job history -p` show it (§7.1). */
import { affinitySchema, constraintSchema } from "../job/constraint.ts";
import {
  type Job,
  jobSchema,
  parameterizedSchema,
  periodicSchema,
  uiLinkSchema,
  uiSchema,
} from "../job/job.ts";
import { deepEqual } from "../schema/equal.ts";
import { fieldDiffs, flatten } from "./fields.ts";
import { taskGroupDiffs } from "./group.ts";
import {
  changedSetDiff,
  jsonDiff,
  present,
  recordDiff,
  recordSetDiff,
  typeOfMembers,
  typeOfSides,
} from "./objects.ts";
import { DiffType, type JobDiff, type ObjectDiff } from "./types.ts";

export interface DiffOptions {
  /** Lists unchanged members beside changed ones, and unchanged groups and tasks. */
  readonly contextual: boolean;
}

/** Either side may be null: the job is new, or gone. Both canonical. */
export function diffJobs(before: Job | null, after: Job | null, options: DiffOptions): JobDiff {
  const { contextual } = options;
  const fields = fieldDiffs(flatten(jobSchema, before), flatten(jobSchema, after), false);
  const objects = objectDiffs(before, after, contextual);
  const groups = taskGroupDiffs(before?.taskGroups ?? [], after?.taskGroups ?? [], contextual);
  return {
    type: jobType(before, after, [...fields, ...objects, ...groups]),
    id: after?.id ?? before?.id ?? "",
    fields,
    objects,
    taskGroups: groups,
  };
}

function jobType(
  before: Job | null,
  after: Job | null,
  members: readonly { readonly type: DiffType }[],
): DiffType {
  if (before === null && after === null) return DiffType.none;
  if (before === null || after === null) return typeOfSides(before, after);
  const changed = members.some((member) => member.type !== DiffType.none);
  return changed ? DiffType.edited : DiffType.none;
}

function objectDiffs(before: Job | null, after: Job | null, contextual: boolean): ObjectDiff[] {
  const options = { contextual };
  const lists = <K extends keyof Job>(key: K): [Job[K] | never[], Job[K] | never[]] => [
    before?.[key] ?? [],
    after?.[key] ?? [],
  ];
  return present([
    changedSetDiff("Datacenters", lists("datacenters"), contextual),
    ...recordSetDiff(constraintSchema, "Constraint", lists("constraints"), options),
    ...recordSetDiff(affinitySchema, "Affinity", lists("affinities"), options),
    periodicDiff(before?.periodic ?? null, after?.periodic ?? null, contextual),
    parameterizedDiff(
      before?.parameterizedJob ?? null,
      after?.parameterizedJob ?? null,
      contextual,
    ),
    jsonDiff("Multiregion", [before?.multiregion ?? null, after?.multiregion ?? null], contextual),
    uiDiff(before?.ui ?? null, after?.ui ?? null, contextual),
  ]);
}

function periodicDiff(
  before: Job["periodic"],
  after: Job["periodic"],
  contextual: boolean,
): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  return {
    type: typeOfSides(before, after),
    name: "Periodic",
    fields: fieldDiffs(flatten(periodicSchema, before), flatten(periodicSchema, after), contextual),
    objects: present([
      changedSetDiff("Specs", [before?.specs ?? [], after?.specs ?? []], contextual),
    ]),
  };
}

function parameterizedDiff(
  before: Job["parameterizedJob"],
  after: Job["parameterizedJob"],
  contextual: boolean,
): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const set = (name: string, key: "metaOptional" | "metaRequired"): ObjectDiff | null =>
    changedSetDiff(name, [before?.[key] ?? [], after?.[key] ?? []], contextual);
  return {
    type: typeOfSides(before, after),
    name: "ParameterizedJob",
    fields: fieldDiffs(
      flatten(parameterizedSchema, before),
      flatten(parameterizedSchema, after),
      contextual,
    ),
    objects: present([set("MetaOptional", "metaOptional"), set("MetaRequired", "metaRequired")]),
  };
}

function uiDiff(before: Job["ui"], after: Job["ui"], contextual: boolean): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const fields = recordDiff(uiSchema, "UI", [before, after], { contextual });
  const links = recordSetDiff(uiLinkSchema, "Link", [before?.links ?? [], after?.links ?? []], {
    contextual,
  });
  return {
    type: typeOfMembers([...(fields?.fields ?? []), ...links]) ?? DiffType.edited,
    name: "UI",
    fields: fields?.fields ?? [],
    objects: links,
  };
}
