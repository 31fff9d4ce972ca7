/**
 * The environment that a task sees: `NOMAD_…` names that job files and programs rely on, then the
 * task's own `env` block with references filled in.
 */
import {
  type AllocatedPort,
  type Allocation,
  allocIndex,
  type Job,
  type Node,
  type Task,
  type TaskGroup,
} from "@drover/model";
import { interpolateAll, type Lookup, nodeLookup } from "./interpolate.ts";

/** Where the task finds its directories, as seen from inside. */
export interface TaskDirs {
  readonly allocDir: string;
  readonly taskDir: string;
  readonly secretsDir: string;
}

export interface TaskEnvInput {
  readonly alloc: Allocation;
  readonly job: Job;
  readonly group: TaskGroup;
  readonly task: Task;
  readonly node: Node;
  readonly dirs: TaskDirs;
  /** Variables that templates with `env = true` have produced. */
  readonly templated?: Readonly<Record<string, string>>;
}

export type VersionInput = Pick<TaskEnvInput, "group" | "job" | "node" | "task">;

export interface TaskEnv {
  readonly env: Readonly<Record<string, string>>;
  /** Everything that `${…}` may refer to. */
  readonly lookup: Lookup;
}

export function taskEnv(input: TaskEnvInput): TaskEnv {
  const env = droverEnv(input);
  const lookup = new Map([...nodeLookup(input.node, input.job.region), ...Object.entries(env)]);
  const own = { ...interpolateAll(input.task.env, lookup), ...input.templated };
  for (const [key, value] of Object.entries(own)) lookup.set(key, value);
  return { env: { ...env, ...own }, lookup };
}

/**
 * What `${…}` may refer to before there is an allocation: everything that no allocation, and no
 * template, can give another value.
 */
export function lookupAhead(input: VersionInput): Lookup {
  const { job, node, task } = input;
  const lookup = new Map([...nodeLookup(node, job.region), ...Object.entries(versionEnv(input))]);
  if (task.templates.some((template) => template.envvars)) return lookup;
  for (const [key, value] of Object.entries(interpolateAll(task.env, lookup))) {
    lookup.set(key, value);
  }
  return lookup;
}

function droverEnv(input: TaskEnvInput): Record<string, string> {
  const { alloc, task, dirs } = input;
  const env: Record<string, string> = {
    NOMAD_ALLOC_DIR: dirs.allocDir,
    NOMAD_TASK_DIR: dirs.taskDir,
    NOMAD_SECRETS_DIR: dirs.secretsDir,
    NOMAD_ALLOC_ID: alloc.id,
    NOMAD_SHORT_ALLOC_ID: alloc.id.slice(0, 8),
    NOMAD_ALLOC_NAME: alloc.name,
    NOMAD_ALLOC_INDEX: String(Math.max(0, allocIndex(alloc.name))),
    ...versionEnv(input),
  };
  const cores = alloc.allocatedResources.tasks[task.name]?.cpu.reservedCores ?? [];
  if (cores.length > 0) env.NOMAD_CPU_CORES = cores.join(",");
  for (const port of allocPorts(alloc)) addPort(env, port);
  addTaskNetworks(env, input);
  return env;
}

/** What every allocation of the version has on this node. */
function versionEnv({ group, job, node, task }: VersionInput): Record<string, string> {
  const env: Record<string, string> = {
    NOMAD_GROUP_NAME: group.name,
    NOMAD_TASK_NAME: task.name,
    NOMAD_JOB_ID: job.id,
    NOMAD_JOB_NAME: job.name,
    NOMAD_NAMESPACE: job.namespace,
    NOMAD_REGION: job.region,
    NOMAD_DC: node.datacenter,
    NOMAD_CPU_LIMIT: String(task.resources.cpu),
    NOMAD_MEMORY_LIMIT: String(task.resources.memoryMb),
  };
  if (job.parentId !== "") env.NOMAD_JOB_PARENT_ID = job.parentId;
  if (task.resources.memoryMaxMb > 0) {
    env.NOMAD_MEMORY_MAX_LIMIT = String(task.resources.memoryMaxMb);
  }
  addMeta(env, { ...job.meta, ...group.meta, ...task.meta });
  return env;
}

/** Both spellings exist: as written and in capitals. */
function addMeta(env: Record<string, string>, meta: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(meta)) {
    const name = key.replace(/[^A-Za-z0-9_]/g, "_");
    env[`NOMAD_META_${name}`] = value;
    env[`NOMAD_META_${name.toUpperCase()}`] = value;
  }
}

function addPort(env: Record<string, string>, port: AllocatedPort): void {
  const label = port.label.replace(/[^A-Za-z0-9_]/g, "_");
  const inside = port.to > 0 ? port.to : port.value;
  const address = `${port.hostIp}:${port.value}`;
  env[`NOMAD_IP_${label}`] = port.hostIp;
  env[`NOMAD_PORT_${label}`] = String(inside);
  env[`NOMAD_ADDR_${label}`] = address;
  env[`NOMAD_HOST_IP_${label}`] = port.hostIp;
  env[`NOMAD_HOST_PORT_${label}`] = String(port.value);
  env[`NOMAD_HOST_ADDR_${label}`] = address;
  env[`NOMAD_ALLOC_PORT_${label}`] = String(inside);
}

function addTaskNetworks(env: Record<string, string>, input: TaskEnvInput): void {
  for (const [taskName, resources] of Object.entries(input.alloc.allocatedResources.tasks)) {
    for (const port of networkPorts(resources.networks)) {
      if (taskName === input.task.name) addPort(env, port);
      addPort(env, { ...port, label: `${taskName}_${port.label}` });
    }
  }
}

function networkPorts(
  networks: readonly {
    readonly ip: string;
    readonly reservedPorts: readonly { label: string; value: number; to: number }[];
    readonly dynamicPorts: readonly { label: string; value: number; to: number }[];
  }[],
): AllocatedPort[] {
  return networks.flatMap((network) =>
    [...network.reservedPorts, ...network.dynamicPorts].map((port) => ({
      label: port.label,
      value: port.value,
      to: port.to,
      hostIp: network.ip,
      ignoreCollision: false,
    })),
  );
}

/** Ports of the group's network; older allocations carry them in the network itself. */
export function allocPorts(alloc: Allocation): readonly AllocatedPort[] {
  const shared = alloc.allocatedResources.shared;
  return shared.ports.length > 0 ? shared.ports : networkPorts(shared.networks);
}

/** Ports that one task may use: its group's and its own. */
export function taskPorts(alloc: Allocation, taskName: string): AllocatedPort[] {
  const own = alloc.allocatedResources.tasks[taskName]?.networks ?? [];
  return [...allocPorts(alloc), ...networkPorts(own)];
}

/** Every port that the allocation holds on this machine. */
export function heldPorts(alloc: Allocation): AllocatedPort[] {
  const tasks = Object.values(alloc.allocatedResources.tasks);
  return [...allocPorts(alloc), ...tasks.flatMap((task) => networkPorts(task.networks))];
}
