/** Labels say whose a container is; several agents may share one engine. */
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
