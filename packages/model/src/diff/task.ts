/** What changed in one task (spec chapter 7 §7.1.1). */
import { affinitySchema, constraintSchema } from "../job/constraint.ts";
import type { WorkloadIdentity } from "../job/identity.ts";
import { deviceSchema, numaSchema, type Resources, resourcesSchema } from "../job/resources.ts";
import { type Task, taskSchema } from "../job/task.ts";
import {
  actionSchema,
  artifactSchema,
  changeScriptSchema,
  consulBlockSchema,
  dispatchPayloadSchema,
  logConfigSchema,
  secretSchema,
  type Template,
  templateSchema,
  vaultSchema,
  volumeMountSchema,
} from "../job/task-parts.ts";
import { deepEqual } from "../schema/equal.ts";
import { compareText, fieldDiffs, flatten } from "./fields.ts";
import { networkDiffs } from "./network.ts";
import {
  changedSetDiff,
  jsonDiff,
  present,
  recordDiff,
  recordSetDiff,
  sortObjects,
  typeOfSides,
} from "./objects.ts";
import { identityDiff, serviceDiffs } from "./service.ts";
import { DiffType, type ObjectDiff, type TaskDiff } from "./types.ts";

/** Tasks of both versions by name; unchanged ones only for context. */
export function taskDiffs(
  before: readonly Task[],
  after: readonly Task[],
  contextual: boolean,
): TaskDiff[] {
  const names = new Set([...before, ...after].map((task) => task.name));
  return [...names].sort(compareText).flatMap((name) => {
    const old = before.find((task) => task.name === name) ?? null;
    const next = after.find((task) => task.name === name) ?? null;
    const diff = taskDiff(name, old, next, contextual);
    return contextual || diff.type !== DiffType.none ? [diff] : [];
  });
}

function taskDiff(
  name: string,
  before: Task | null,
  after: Task | null,
  contextual: boolean,
): TaskDiff {
  const unchanged = { type: DiffType.none, name, fields: [], objects: [], annotations: [] };
  if (deepEqual(before, after)) return unchanged;
  return {
    ...unchanged,
    type: typeOfSides(before, after),
    fields: fieldDiffs(
      flatten(taskSchema, before, ["Name"]),
      flatten(taskSchema, after, ["Name"]),
      false,
    ),
    objects: objectDiffs(before, after, contextual),
  };
}

function objectDiffs(before: Task | null, after: Task | null, contextual: boolean): ObjectDiff[] {
  const options = { contextual };
  const lists = <K extends keyof Task>(key: K): [Task[K] | never[], Task[K] | never[]] => [
    before?.[key] ?? [],
    after?.[key] ?? [],
  ];
  const one = <K extends keyof Task>(key: K): [Task[K] | null, Task[K] | null] => [
    before?.[key] ?? null,
    after?.[key] ?? null,
  ];
  return present([
    ...recordSetDiff(constraintSchema, "Constraint", lists("constraints"), options),
    ...recordSetDiff(affinitySchema, "Affinity", lists("affinities"), options),
    jsonDiff("Config", one("config"), contextual),
    resourcesDiff(one("resources"), contextual),
    recordDiff(logConfigSchema, "LogConfig", one("logConfig"), options),
    recordDiff(dispatchPayloadSchema, "DispatchPayload", one("dispatchPayload"), options),
    ...recordSetDiff(artifactSchema, "Artifact", lists("artifacts"), options),
    ...serviceDiffs(...lists("services"), contextual),
    vaultDiff(one("vault"), contextual),
    ...recordSetDiff(secretSchema, "Secret", lists("secrets"), options),
    recordDiff(consulBlockSchema, "Consul", one("consul"), options),
    ...templateDiffs(...lists("templates"), contextual),
    identityDiff(one("identity"), contextual),
    ...identitySetDiffs(...lists("identities"), contextual),
    ...recordSetDiff(actionSchema, "Action", lists("actions"), options),
    ...recordSetDiff(volumeMountSchema, "VolumeMount", lists("volumeMounts"), options),
    jsonDiff("Schedule", one("schedule"), contextual),
  ]);
}

type Sides<T> = readonly [T | null, T | null];

function resourcesDiff([before, after]: Sides<Resources>, contextual: boolean): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const options = { contextual };
  return {
    type: typeOfSides(before, after),
    name: "Resources",
    fields: fieldDiffs(
      flatten(resourcesSchema, before),
      flatten(resourcesSchema, after),
      contextual,
    ),
    objects: present([
      ...networkDiffs(before?.networks ?? [], after?.networks ?? [], contextual),
      ...recordSetDiff(
        deviceSchema,
        "Device",
        [before?.devices ?? [], after?.devices ?? []],
        options,
      ),
      recordDiff(numaSchema, "NUMA", [before?.numa ?? null, after?.numa ?? null], options),
    ]),
  };
}

function vaultDiff([before, after]: Sides<Task["vault"]>, contextual: boolean): ObjectDiff | null {
  const [old, next] = [before ?? null, after ?? null];
  const fields = recordDiff(vaultSchema, "Vault", [old, next], { contextual });
  const policies = changedSetDiff(
    "Policies",
    [old?.policies ?? [], next?.policies ?? []],
    contextual,
  );
  if (fields === null && policies === null) return null;
  return {
    type: typeOfSides(old, next),
    name: "Vault",
    fields: fields?.fields ?? [],
    objects: present([policies]),
  };
}

/** Matched by destination, then by content: a template that moved is one that was edited. */
function templateDiffs(
  before: readonly Template[],
  after: readonly Template[],
  contextual: boolean,
): ObjectDiff[] {
  const free = new Set(after);
  const take = (matches: (next: Template) => boolean): Template | null => {
    const found = [...free].find(matches) ?? null;
    if (found !== null) free.delete(found);
    return found;
  };
  const byPlace = before.map((old) => take((next) => next.destPath === old.destPath));
  const pairs: Sides<Template>[] = before.map((old, i) => [
    old,
    byPlace[i] ?? take((next) => sameContent(old, next)),
  ]);
  for (const next of free) pairs.push([null, next]);
  return sortObjects(present(pairs.map((sides) => templateDiff(sides, contextual))));
}

function sameContent(a: Template, b: Template): boolean {
  return a.embeddedTmpl === b.embeddedTmpl && a.sourcePath === b.sourcePath;
}

function templateDiff([before, after]: Sides<Template>, contextual: boolean): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  return {
    type: typeOfSides(before, after),
    name: "Template",
    fields: fieldDiffs(flatten(templateSchema, before), flatten(templateSchema, after), contextual),
    objects: present([
      jsonDiff("Wait", [waitOf(before), waitOf(after)], contextual),
      recordDiff(
        changeScriptSchema,
        "ChangeScript",
        [before?.changeScript ?? null, after?.changeScript ?? null],
        { contextual },
      ),
    ]),
  };
}

function waitOf(template: Template | null): { Min: number | null; Max: number | null } | null {
  const wait = template?.wait ?? null;
  return wait === null ? null : { Min: wait.min, Max: wait.max };
}

function identitySetDiffs(
  before: readonly WorkloadIdentity[],
  after: readonly WorkloadIdentity[],
  contextual: boolean,
): ObjectDiff[] {
  const names = new Set([...before, ...after].map((identity) => identity.name));
  const pairs = [...names].map(
    (name): Sides<WorkloadIdentity> => [
      before.find((identity) => identity.name === name) ?? null,
      after.find((identity) => identity.name === name) ?? null,
    ],
  );
  return sortObjects(present(pairs.map((sides) => identityDiff(sides, contextual))));
}
