/** Turns an allocation's task into what a driver is asked to start. */
import type { TaskIdentity, TaskStartRequest } from "@drover/drivers";
import type { Json, Node, Task } from "@drover/model";
import { interpolateJson } from "../core/interpolate.ts";
import { type TaskEnv, taskEnv, taskPorts } from "../core/task-env.ts";
import { type AllocRecord, groupOf } from "../state/alloc-record.ts";
import { type AllocPaths, insideDirs, taskPath } from "./alloc-paths.ts";

export interface RequestInput {
  readonly record: AllocRecord;
  readonly task: Task;
  readonly node: Node;
  readonly clusterId: string;
  readonly paths: AllocPaths;
  readonly templated: Readonly<Record<string, string>>;
  /** The names of images that a configuration needs, as the driver writes them. */
  images(config: Readonly<Record<string, Json>>): readonly string[];
}

export function taskIdentity(
  record: AllocRecord,
  taskName: string,
  owner: { readonly clusterId: string; readonly nodeId: string },
): TaskIdentity {
  const { alloc } = record;
  return {
    clusterId: owner.clusterId,
    nodeId: owner.nodeId,
    allocId: alloc.id,
    taskName,
    namespace: alloc.namespace,
    jobId: alloc.jobId,
    groupName: alloc.taskGroup,
  };
}

export function environmentOf(input: RequestInput): TaskEnv {
  const { record, task, node, paths, templated } = input;
  return taskEnv({
    alloc: record.alloc,
    job: record.job,
    group: groupOf(record.job, record.alloc),
    task,
    node,
    dirs: insideDirs(paths, task),
    templated,
  });
}

export function startRequest(input: RequestInput): TaskStartRequest {
  const { record, task, node, paths } = input;
  const { env, lookup } = environmentOf(input);
  const config = interpolateJson(task.config ?? {}, lookup) as Record<string, Json>;
  const granted = record.alloc.allocatedResources.tasks[task.name];
  return {
    identity: taskIdentity(record, task.name, { clusterId: input.clusterId, nodeId: node.id }),
    task,
    config,
    env,
    ports: taskPorts(record.alloc, task.name).map(({ label, value, to, hostIp }) => ({
      label,
      value,
      to,
      hostIp,
    })),
    networkMode: groupOf(record.job, record.alloc).networks[0]?.mode ?? "",
    allocDir: paths.shared,
    taskDir: taskPath(paths, task.name),
    logDir: paths.logs,
    cpuShares: granted?.cpu.cpuShares ?? task.resources.cpu,
    memoryMb: granted?.memory.memoryMb ?? task.resources.memoryMb,
    memoryMaxMb: granted?.memory.memoryMaxMb ?? task.resources.memoryMaxMb,
    imageDigest: pinnedDigest(record, input.images(config)),
  };
}

/** The digest that this version's image resolved to before, here or anywhere (DESIGN §12.7). */
function pinnedDigest(record: AllocRecord, images: readonly string[]): string {
  const image = images[0];
  return image === undefined ? "" : (record.job.imageDigests[image] ?? "");
}
