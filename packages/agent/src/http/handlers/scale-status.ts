/** `GET /v1/job/:id/scale` (spec chapter 8 §8.2). */
import { ClientStatus, isServerTerminal, isTerminal, type Job, shownVerdict } from "@drover/model";
import type { StateSnapshot } from "@drover/state";

export function scaleStatus(snapshot: StateSnapshot, job: Job): Record<string, unknown> {
  const allocs = snapshot.allocsByJob(job).filter((a) => a.jobCreateIndex === job.createIndex);
  const events = snapshot.scalingEvents(job);
  const groups: Record<string, unknown> = {};
  for (const group of job.taskGroups) {
    const own = allocs.filter((a) => a.taskGroup === group.name && !isServerTerminal(a));
    const live = own.filter((a) => !isTerminal(a));
    const decided = (healthy: boolean) =>
      live.filter((a) => shownVerdict(a)?.healthy === healthy).length;
    groups[group.name] = {
      Desired: group.count,
      Events:
        events?.groups[group.name]?.map((event) => ({
          Count: event.count,
          CreateIndex: event.createIndex,
          Error: event.error,
          EvalID: event.evalId === "" ? null : event.evalId,
          Message: event.message,
          Meta: event.meta,
          PreviousCount: event.previousCount,
          Time: event.time * 1_000_000,
        })) ?? null,
      Healthy: decided(true),
      Placed: live.length,
      Running: live.filter((a) => a.clientStatus === ClientStatus.running).length,
      Unhealthy: decided(false),
    };
  }
  return {
    JobCreateIndex: job.createIndex,
    JobID: job.id,
    JobModifyIndex: job.modifyIndex,
    JobStopped: job.stop,
    Namespace: job.namespace,
    TaskGroups: groups,
  };
}
