/** Services and checks: matched across versions by likeness, shown with their context (§7.1.1). */
import { identitySchema, type WorkloadIdentity } from "../job/identity.ts";
import {
  checkRestartSchema,
  checkSchema,
  type Service,
  type ServiceCheck,
  serviceSchema,
  weightsSchema,
} from "../job/service.ts";
import { deepEqual } from "../schema/equal.ts";
import { fieldDiffs, flatten } from "./fields.ts";
import {
  changedSetDiff,
  jsonDiff,
  present,
  recordDiff,
  sortObjects,
  stringSetDiff,
  typeOfMembers,
  typeOfSides,
} from "./objects.ts";
import type { ObjectDiff } from "./types.ts";

type Sides<T> = readonly [T | null, T | null];

export function serviceDiffs(
  before: readonly Service[],
  after: readonly Service[],
  contextual: boolean,
): ObjectDiff[] {
  const pairs = matchServices(before, after);
  return sortObjects(present(pairs.map((sides) => serviceDiff(sides, contextual))));
}

/** Each old service takes the new one most like it; what is left over came or went. */
function matchServices(before: readonly Service[], after: readonly Service[]): Sides<Service>[] {
  const free = new Set(after.keys());
  const pairs: Sides<Service>[] = [];
  for (const [i, old] of before.entries()) {
    let best: { at: number; score: number } | null = null;
    for (const at of free) {
      const score = likeness(old, i, after[at] as Service, at);
      if (score > (best?.score ?? 2)) best = { at, score };
    }
    pairs.push([old, best === null ? null : (after[best.at] as Service)]);
    if (best !== null) free.delete(best.at);
  }
  for (const at of free) pairs.push([null, after[at] as Service]);
  return pairs;
}

function likeness(old: Service, oldAt: number, next: Service, nextAt: number): number {
  let score = 0;
  if (oldAt === nextAt) score += 1;
  if (old.portLabel === next.portLabel) score += 2;
  if (old.name === next.name) score += 3;
  return score;
}

function serviceDiff(sides: Sides<Service>, contextual: boolean): ObjectDiff | null {
  const [before, after] = sides;
  if (deepEqual(before, after)) return null;
  return {
    type: typeOfSides(before, after),
    name: "Service",
    fields: fieldDiffs(flatten(serviceSchema, before), flatten(serviceSchema, after), contextual),
    objects: present([
      stringSetDiff("CanaryTags", [before?.canaryTags ?? [], after?.canaryTags ?? []], contextual),
      stringSetDiff("Tags", [before?.tags ?? [], after?.tags ?? []], contextual),
      ...checkDiffs(before?.checks ?? [], after?.checks ?? [], contextual),
      jsonDiff("ConsulConnect", [before?.connect ?? null, after?.connect ?? null], contextual),
      identityDiff([before?.identity ?? null, after?.identity ?? null], contextual),
      recordDiff(weightsSchema, "Weights", [before?.weights ?? null, after?.weights ?? null], {
        contextual,
      }),
    ]),
  };
}

function checkDiffs(
  before: readonly ServiceCheck[],
  after: readonly ServiceCheck[],
  contextual: boolean,
): ObjectDiff[] {
  const out: (ObjectDiff | null)[] = [];
  for (const old of before) {
    const next = after.find((check) => check.name === old.name) ?? null;
    out.push(checkDiff([old, next], contextual));
  }
  for (const next of after) {
    const isNew = !before.some((check) => check.name === next.name);
    if (isNew) out.push(checkDiff([null, next], contextual));
  }
  return sortObjects(present(out));
}

function checkDiff(sides: Sides<ServiceCheck>, contextual: boolean): ObjectDiff | null {
  const [before, after] = sides;
  if (deepEqual(before, after)) return null;
  return {
    type: typeOfSides(before, after),
    name: "Check",
    fields: fieldDiffs(flatten(checkSchema, before), flatten(checkSchema, after), contextual),
    objects: present([
      headerDiff(before?.header ?? {}, after?.header ?? {}, contextual),
      recordDiff(
        checkRestartSchema,
        "CheckRestart",
        [before?.checkRestart ?? null, after?.checkRestart ?? null],
        { contextual },
      ),
    ]),
  };
}

type Header = ServiceCheck["header"];

function headerDiff(before: Header, after: Header, contextual: boolean): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const flat = (header: Header): Map<string, string> =>
    new Map(
      Object.entries(header).flatMap(([name, values]) =>
        values.map((value, i): [string, string] => [`${name}[${i}]`, value]),
      ),
    );
  const fields = fieldDiffs(flat(before), flat(after), contextual);
  const type = typeOfMembers(fields);
  return type === null ? null : { type, name: "Header", fields, objects: [] };
}

/** A workload identity of a service or a task. */
export function identityDiff(
  [before, after]: Sides<WorkloadIdentity>,
  contextual: boolean,
): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  return {
    type: typeOfSides(before, after),
    name: "Identity",
    fields: fieldDiffs(flatten(identitySchema, before), flatten(identitySchema, after), contextual),
    objects: present([
      stringSetDiff("Audience", [before?.audience ?? [], after?.audience ?? []], contextual),
      changedSetDiff(
        "ExtraClaims",
        [before?.extraClaims ?? [], after?.extraClaims ?? []],
        contextual,
      ),
    ]),
  };
}
