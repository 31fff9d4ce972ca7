/** I3: a plan never brings a group above `count + canaries + max_surge` that shall run. */
import type { Job } from "@drover/model";
import { desiredToRun } from "../world/truth.ts";
import { type AppliedEntry, type ClusterChecker, expect } from "./checker.ts";

export class DesiredBound implements ClusterChecker {
  readonly name = "desired bound (I3)";

  applied({ command, before, after }: AppliedEntry): void {
    if (command.tag !== 6) return;
    const job = after.job({ namespace: command.plan.namespace, id: command.plan.jobId });
    if (job === undefined || job.type === "system" || job.type === "sysbatch") return;
    for (const group of job.taskGroups) {
      const { canary = 0, maxSurge = 0 } = group.update ?? {};
      const limit = job.stop ? 0 : group.count + canary + maxSurge;
      const now = desiredToRun(after, job, group.name).length;
      const earlier = desiredToRun(before, job, group.name).length;
      expect(now <= limit || now <= earlier, this, () => {
        return `${label(job, group.name)}: ${now} desired to run, at most ${limit}`;
      });
    }
  }
}

function label(job: Job, group: string): string {
  return `${job.id}.${group} version ${job.version}`;
}
