/** How many allocations of a job are in which state, per group (spec chapter 1 §1.1). */
import { type Infer, int, map, object, record, string } from "../schema/field.ts";

export const groupSummarySchema = record("TaskGroupSummary", {
  queued: int(),
  complete: int(),
  failed: int(),
  running: int(),
  starting: int(),
  lost: int(),
  unknown: int(),
});
export type GroupSummary = Infer<typeof groupSummarySchema>;

export const childrenSummarySchema = record("JobChildrenSummary", {
  pending: int(),
  running: int(),
  dead: int(),
});
export type ChildrenSummary = Infer<typeof childrenSummarySchema>;

export const jobSummarySchema = record("JobSummary", {
  jobId: string({ wire: "JobID" }),
  namespace: string(),
  summary: map(object(groupSummarySchema), { keepEmpty: true }),
  children: object(childrenSummarySchema),
  createIndex: int(),
  modifyIndex: int(),
});
export type JobSummary = Infer<typeof jobSummarySchema>;
