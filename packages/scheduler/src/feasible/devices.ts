/** Devices of a node, and the instances an allocation gets (spec §6.3 "devices"). */
import type { AllocatedTaskResources, Allocation, Json, Node, TaskGroup } from "@drover/model";
import type { NodeFilter } from "./filter.ts";

interface DeviceGroup {
  readonly vendor: string;
  readonly type: string;
  readonly name: string;
  readonly healthyIds: readonly string[];
}

type AllocatedDevice = AllocatedTaskResources["devices"][number];

export class DeviceFilter implements NodeFilter {
  readonly #wanted: ReadonlyMap<string, number>;

  constructor(group: TaskGroup) {
    const wanted = new Map<string, number>();
    for (const device of group.tasks.flatMap((task) => task.resources.devices)) {
      wanted.set(device.name, (wanted.get(device.name) ?? 0) + device.count);
    }
    this.#wanted = wanted;
  }

  explain(node: Node): string | null {
    for (const [name, count] of this.#wanted) {
      const matching = deviceGroups(node).filter((group) => matchesName(group, name));
      const total = matching.reduce((sum, group) => sum + group.healthyIds.length, 0);
      if (total < count) return "missing devices";
    }
    return null;
  }
}

/** Free instances for one request; null when there are not enough. */
export function assignDevice(
  node: Node,
  request: { readonly name: string; readonly count: number },
  taken: ReadonlySet<string>,
): AllocatedDevice | null {
  for (const group of deviceGroups(node)) {
    if (!matchesName(group, request.name)) continue;
    const free = group.healthyIds.filter((id) => !taken.has(id));
    if (free.length < request.count) continue;
    const { vendor, type, name } = group;
    return { vendor, type, name, deviceIds: free.slice(0, request.count) };
  }
  return null;
}

export function deviceIdsOf(alloc: Allocation): string[] {
  return Object.values(alloc.allocatedResources.tasks).flatMap((task) =>
    task.devices.flatMap((device) => device.deviceIds),
  );
}

/** A request names a type, `vendor/type` or `vendor/type/name`. */
function matchesName(group: DeviceGroup, name: string): boolean {
  const parts = name.split("/");
  if (parts.length === 1) return group.type === parts[0];
  if (parts.length === 2) return group.vendor === parts[0] && group.type === parts[1];
  return (
    group.vendor === parts[0] && group.type === parts[1] && group.name === parts.slice(2).join("/")
  );
}

/** Devices are stored as a client reported them, in wire form. */
function deviceGroups(node: Node): DeviceGroup[] {
  return node.nodeResources.devices.flatMap((device) => {
    const fields = objectOf(device);
    if (!fields) return [];
    const instances = fields.Instances;
    const healthyIds = (Array.isArray(instances) ? instances : []).flatMap((instance) => {
      const { ID, Healthy } = objectOf(instance) ?? {};
      return typeof ID === "string" && Healthy === true ? [ID] : [];
    });
    const { Vendor, Type, Name } = fields;
    return [{ vendor: textOf(Vendor), type: textOf(Type), name: textOf(Name), healthyIds }];
  });
}

function objectOf(value: Json): { [key: string]: Json } | null {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
