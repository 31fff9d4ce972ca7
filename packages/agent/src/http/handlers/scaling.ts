/** Scaling policies, which live in the groups of jobs (spec chapter 8 §8.2). */
import { encode, type Job, scalingSchema, type TaskGroup } from "@drover/model";
import type { ReadContext, ReadHandler } from "../handler.ts";
import { inNamespace } from "../lists.ts";
import { missing } from "./allocations.ts";

interface Policy {
  readonly job: Job;
  readonly group: TaskGroup;
  readonly scaling: NonNullable<TaskGroup["scaling"]>;
}

function* policies(context: ReadContext): Generator<Policy> {
  for (const job of context.snapshot.jobs()) {
    if (job.stop) continue;
    for (const group of job.taskGroups) {
      if (group.scaling) yield { job, group, scaling: group.scaling };
    }
  }
}

function summary({ job, group, scaling }: Policy): Record<string, unknown> {
  return {
    CreateIndex: scaling.createIndex || job.createIndex,
    Enabled: scaling.enabled,
    ID: scaling.id,
    ModifyIndex: scaling.modifyIndex || job.jobModifyIndex,
    Target: { Group: group.name, Job: job.id, Namespace: job.namespace },
    Type: scaling.type,
  };
}

const scalingPolicies: ReadHandler = {
  kind: "read",
  tables: ["jobs"],
  run(context) {
    const own = [...policies(context)].filter(({ job }) => inNamespace(context, job));
    return { json: own.map(summary), index: context.snapshot.tableIndex("jobs") };
  },
};

const scalingPolicy: ReadHandler = {
  kind: "read",
  tables: ["jobs"],
  run(context) {
    const index = context.snapshot.tableIndex("jobs");
    for (const policy of policies(context)) {
      const { scaling } = policy;
      if (scaling.id !== context.params.id) continue;
      const { Max, Min, Policy } = encode(scalingSchema, scaling) as Record<string, unknown>;
      const { Target, Type, ...stamps } = summary(policy);
      const { CreateIndex, Enabled, ID, ModifyIndex } = stamps;
      return {
        json: { CreateIndex, Enabled, ID, Max, Min, ModifyIndex, Policy, Target, Type },
        index: scaling.modifyIndex || policy.job.jobModifyIndex,
      };
    }
    return missing("policy not found", index);
  },
};

export const scalingReads = { scalingPolicies, scalingPolicy } as const;
