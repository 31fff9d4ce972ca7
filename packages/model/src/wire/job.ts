/** Jobs as the API shows them: whole, or as list entries with a summary (spec chapter 1 §1.1). */
import { type Job, jobSchema } from "../job/job.ts";
import { type JobSummary, jobSummarySchema } from "../job/summary.ts";
import { encode } from "../schema/encode.ts";
import type { JsonObject } from "../schema/field.ts";

export function jobToWire(job: Job): JsonObject {
  return encode(jobSchema, job);
}

export function jobSummaryToWire(summary: JobSummary): JsonObject {
  return encode(jobSummarySchema, summary);
}

/** A list entry; `meta` as asked for by `?meta=true`. */
export function jobStubToWire(
  job: Job,
  summary: JobSummary | null,
  options: { meta?: boolean } = {},
): JsonObject {
  const hasMeta = options.meta === true && Object.keys(job.meta).length > 0;
  return {
    CreateIndex: job.createIndex,
    Datacenters: job.datacenters,
    ID: job.id,
    JobModifyIndex: job.jobModifyIndex,
    JobSummary: summary === null ? null : jobSummaryToWire(summary),
    ...(hasMeta ? { Meta: job.meta } : {}),
    ModifyIndex: job.modifyIndex,
    Multiregion: job.multiregion,
    Name: job.name,
    Namespace: job.namespace,
    NodePool: job.nodePool,
    ParameterizedJob: job.parameterizedJob !== null,
    ParentID: job.parentId,
    Periodic: job.periodic !== null,
    Priority: job.priority,
    Status: job.status,
    StatusDescription: job.statusDescription,
    Stop: job.stop,
    SubmitTime: Math.round(job.submitTime * 1_000_000),
    Type: job.type,
  };
}
