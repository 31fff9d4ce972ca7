/** Whether an allocation fits a node, and with which ports, cores and devices (spec §6.4). */
import type { Random } from "@drover/base";
import type { AllocatedResources, Node, TaskGroup } from "@drover/model";
import type { ClusterView } from "../cluster-view.ts";
import { assignDevice, deviceIdsOf } from "./devices.ts";
import { assignPorts, needsPorts } from "./ports.ts";
import { addAmounts, capacityOf, exhaustedDimension, usageOf } from "./resources.ts";

interface FitRequest {
  readonly group: TaskGroup;
  /** What the group asks for, before what a certain node gives. */
  readonly bare: AllocatedResources;
  readonly view: ClusterView;
  readonly random: Random;
}

/** The allocation's resources on this node; a text = the dimension that runs out. */
export function fitOn(node: Node, request: FitRequest): AllocatedResources | string {
  const { bare, group, view } = request;
  const capacity = capacityOf(node);
  if (capacity.allocsMax > 0 && view.holderCount(node.id) >= capacity.allocsMax) {
    return "max allocation exceeded";
  }
  const hasExtras = group.tasks.some(
    (task) => task.resources.cores > 0 || task.resources.devices.length > 0,
  );
  const sized = hasExtras ? withCoresAndDevices(node, request) : bare;
  if (typeof sized === "string") return sized;
  const used = addAmounts(view.used(node.id), usageOf(sized));
  const exhausted = exhaustedDimension(capacity, used);
  if (exhausted !== null) return exhausted;
  return needsPorts(group) ? withPorts(node, { ...request, bare: sized }) : sized;
}

function withCoresAndDevices(
  node: Node,
  { bare, group, view }: FitRequest,
): AllocatedResources | string {
  const capacity = capacityOf(node);
  const usedCores = view.usedCores(node.id);
  const freeCores = capacity.cores.filter((core) => !usedCores.has(core));
  const takenDevices = new Set<string>();
  for (const holder of view.holders(node.id)) {
    for (const id of deviceIdsOf(holder)) takenDevices.add(id);
  }
  const tasks = { ...bare.tasks };
  for (const task of group.tasks) {
    const { cores, devices } = task.resources;
    const base = tasks[task.name];
    if (!base) continue;
    const reservedCores = freeCores.splice(0, cores);
    if (reservedCores.length < cores) return "cores";
    const cpuShares = cores > 0 ? cores * capacity.sharesPerCore : base.cpu.cpuShares;
    const granted = [];
    for (const request of devices) {
      const device = assignDevice(node, request, takenDevices);
      if (!device) return `devices: no devices match request`;
      for (const id of device.deviceIds) takenDevices.add(id);
      granted.push(device);
    }
    tasks[task.name] = { ...base, cpu: { cpuShares, reservedCores }, devices: granted };
  }
  return { ...bare, tasks };
}

function withPorts(
  node: Node,
  { bare, group, random, view }: FitRequest,
): AllocatedResources | string {
  const context = { node, hostPorts: view.hostPorts, random, taken: new Set<string>() };
  const shared = assignPorts(group.networks, context);
  if (!shared.ok) return shared.dimension;
  const ports = shared.networks.flatMap((each) => each.ports);
  const tasks = { ...bare.tasks };
  for (const task of group.tasks) {
    if (task.resources.networks.length === 0) continue;
    const own = assignPorts(task.resources.networks, context);
    if (!own.ok) return own.dimension;
    const base = tasks[task.name];
    if (base) tasks[task.name] = { ...base, networks: own.networks.map((each) => each.network) };
    ports.push(...own.networks.flatMap((each) => each.ports));
  }
  const networks = shared.networks.map((each) => each.network);
  return { ...bare, tasks, shared: { ...bare.shared, networks, ports } };
}

/** Ports, networks, devices and cores stay with an allocation that is updated in place. */
export function keepAssignments(
  next: AllocatedResources,
  old: AllocatedResources,
): AllocatedResources {
  const tasks = { ...next.tasks };
  for (const [name, task] of Object.entries(tasks)) {
    const before = old.tasks[name];
    if (!before) continue;
    const { networks, devices } = before;
    const cpu = before.cpu.reservedCores.length > 0 ? before.cpu : task.cpu;
    tasks[name] = { ...task, cpu, networks, devices };
  }
  const { networks, ports } = old.shared;
  return { ...next, tasks, shared: { ...next.shared, networks, ports } };
}
