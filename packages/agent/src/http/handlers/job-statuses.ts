/** `/v1/jobs/statuses`: jobs with their allocations in one answer, for consoles (spec §8.2). */
import { type Job, shownVerdict } from "@drover/model";
import type { ReadContext, ReadHandler } from "../handler.ts";
import { inNamespace, listReply } from "../lists.ts";

export const jobStatuses: ReadHandler = {
  kind: "read",
  tables: ["jobs", "allocs", "deployments"],
  run: (context) =>
    listReply(context, {
      items: context.snapshot.jobs(),
      index: context.snapshot.tableIndex("jobs", "allocs", "deployments"),
      encode: (job) => statusDoc(context, job),
      token: (job) => `${job.namespace}.${job.id}`,
      byIndex: false,
      keep: (job) => inNamespace(context, job) && job.id.startsWith(context.query.prefix),
    }),
};

function statusDoc(context: ReadContext, job: Job): Record<string, unknown> {
  const allocs = context.snapshot.allocsByJob(job);
  const latest = context.snapshot.deploymentsByJob(job)[0];
  return {
    Allocs: allocs.map((alloc) => ({
      ClientStatus: alloc.clientStatus,
      DeploymentStatus: {
        Canary: alloc.deploymentStatus?.canary ?? false,
        Healthy: shownVerdict(alloc)?.healthy ?? null,
      },
      FollowupEvalID: alloc.followupEvalId,
      Group: alloc.taskGroup,
      HasPausedTask: false,
      ID: alloc.id,
      JobVersion: alloc.jobVersion,
      NodeID: alloc.nodeId,
    })),
    ChildStatuses: null,
    Datacenters: job.datacenters,
    GroupCountSum: job.taskGroups.reduce((sum, group) => sum + group.count, 0),
    ID: job.id,
    IsPack: false,
    LatestDeployment: latest
      ? {
          AllAutoPromote: Object.values(latest.taskGroups).every((group) => group.autoPromote),
          ID: latest.id,
          IsActive: latest.status === "running" || latest.status === "paused",
          JobVersion: latest.jobVersion,
          RequiresPromotion: Object.values(latest.taskGroups).some(
            (group) => group.desiredCanaries > 0 && !group.promoted,
          ),
          Status: latest.status,
          StatusDescription: latest.statusDescription,
        }
      : null,
    ModifyIndex: job.modifyIndex,
    Name: job.name,
    Namespace: job.namespace,
    NodePool: job.nodePool,
    ParentID: job.parentId,
    Priority: job.priority,
    Status: job.status,
    Stop: job.stop,
    SubmitTime: job.submitTime * 1_000_000,
    Type: job.type,
    Version: job.version,
  };
}
