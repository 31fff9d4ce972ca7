/** Networks are never matched: any change shows the old one deleted and the new one added. */
import { cniSchema, type Network, networkSchema, type Port, portSchema } from "../job/network.ts";
import { deepEqual } from "../schema/equal.ts";
import { fieldDiffs, flatten } from "./fields.ts";
import { present, recordDiff, sortObjects, typeOfSides } from "./objects.ts";
import type { ObjectDiff } from "./types.ts";

export function networkDiffs(
  before: readonly Network[],
  after: readonly Network[],
  contextual: boolean,
): ObjectDiff[] {
  const out: ObjectDiff[] = [];
  for (const network of before) {
    if (!after.some((other) => deepEqual(network, other))) {
      out.push(networkDiff([network, null], contextual));
    }
  }
  for (const network of after) {
    if (!before.some((other) => deepEqual(network, other))) {
      out.push(networkDiff([null, network], contextual));
    }
  }
  return sortObjects(out);
}

function networkDiff(
  [before, after]: readonly [Network | null, Network | null],
  contextual: boolean,
): ObjectDiff {
  const ports = (side: Network | null, key: "reservedPorts" | "dynamicPorts"): readonly Port[] =>
    side?.[key] ?? [];
  return {
    type: typeOfSides(before, after),
    name: "Network",
    fields: fieldDiffs(flatten(networkSchema, before), flatten(networkSchema, after), contextual),
    objects: present([
      ...portDiffs(ports(before, "reservedPorts"), ports(after, "reservedPorts"), contextual, []),
      ...portDiffs(ports(before, "dynamicPorts"), ports(after, "dynamicPorts"), contextual, [
        "Value",
        "IgnoreCollision",
      ]),
      dnsDiff(before?.dns ?? null, after?.dns ?? null, contextual),
      recordDiff(cniSchema, "CNIConfig", [before?.cni ?? null, after?.cni ?? null], { contextual }),
    ]),
  };
}

/** Static ports show every member; what a dynamic one will be is not known yet. */
function portDiffs(
  before: readonly Port[],
  after: readonly Port[],
  contextual: boolean,
  exclude: readonly string[],
): ObjectDiff[] {
  const name = exclude.length === 0 ? "Static Port" : "Dynamic Port";
  const labels = new Set([...before, ...after].map((port) => port.label));
  const out: (ObjectDiff | null)[] = [];
  for (const label of labels) {
    const old = before.find((port) => port.label === label) ?? null;
    const next = after.find((port) => port.label === label) ?? null;
    out.push(recordDiff(portSchema, name, [old, next], { contextual, exclude }));
  }
  return sortObjects(present(out));
}

function dnsDiff(
  before: Network["dns"],
  after: Network["dns"],
  contextual: boolean,
): ObjectDiff | null {
  if (deepEqual(before, after)) return null;
  const [old, next] = [before ?? EMPTY_DNS, after ?? EMPTY_DNS];
  const lists = [
    { name: "Servers", sides: [old.servers, next.servers] },
    { name: "Searches", sides: [old.searches, next.searches] },
    { name: "Options", sides: [old.options, next.options] },
  ] as const;
  const fields = fieldDiffs(
    new Map(lists.flatMap(({ name, sides }) => listField(name, sides[0]))),
    new Map(lists.flatMap(({ name, sides }) => listField(name, sides[1]))),
    contextual,
  );
  return { type: typeOfSides(before, after), name: "DNS", fields, objects: [] };
}

const EMPTY_DNS: NonNullable<Network["dns"]> = { servers: [], searches: [], options: [] };

function listField(name: string, values: readonly string[]): [string, string][] {
  return values.length === 0 ? [] : [[name, values.join(",")]];
}
