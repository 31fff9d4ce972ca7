/**
 * The container's name is the lock of a task (DESIGN §9): the same task always asks for the same
 * name, so the engine itself refuses a twin. Labels say whose a container is.
 */
import { createHash } from "node:crypto";
import type { TaskIdentity } from "../task-driver.ts";

export const Label = {
  cluster: "io.drover.cluster",
  node: "io.drover.node",
  alloc: "io.drover.alloc",
  task: "io.drover.task",
  namespace: "io.drover.namespace",
  job: "io.drover.job",
  group: "io.drover.group",
} as const;

const TASK_CHARS_MAX = 40;
const CLUSTER_CHARS_MAX = 8;

/**
 * `drover-<cluster>-<allocation>-<task>`. Only the first characters of the cluster id appear. A
 * task name that has to be shortened or cleaned gets a hash of the whole, so that two of them
 * never meet in one name.
 */
export function containerName(
  identity: Pick<TaskIdentity, "clusterId" | "allocId" | "taskName">,
): string {
  const cluster = clean(identity.clusterId).slice(0, CLUSTER_CHARS_MAX);
  const task = clean(identity.taskName).slice(0, TASK_CHARS_MAX);
  const name = `drover-${cluster}-${clean(identity.allocId)}-${task}`;
  return task === identity.taskName ? name : `${name}-${shortHash(identity.taskName)}`;
}

export function containerLabels(identity: TaskIdentity): Record<string, string> {
  return {
    [Label.cluster]: identity.clusterId,
    [Label.node]: identity.nodeId,
    [Label.alloc]: identity.allocId,
    [Label.task]: identity.taskName,
    [Label.namespace]: identity.namespace,
    [Label.job]: identity.jobId,
    [Label.group]: identity.groupName,
  };
}

/** Whose container it is; null when the labels are not all ours. */
export function identityFromLabels(
  labels: Readonly<Record<string, string | undefined>>,
): TaskIdentity | null {
  const clusterId = labels[Label.cluster];
  const nodeId = labels[Label.node];
  const allocId = labels[Label.alloc];
  const taskName = labels[Label.task];
  if (!clusterId || !nodeId || !allocId || !taskName) return null;
  return {
    clusterId,
    nodeId,
    allocId,
    taskName,
    namespace: labels[Label.namespace] ?? "",
    jobId: labels[Label.job] ?? "",
    groupName: labels[Label.group] ?? "",
  };
}

function clean(text: string): string {
  return text.replace(/[^a-zA-Z0-9_.-]/g, "_");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
