/** Compares diffs of recorded job versions with the recorded diffs. */
import assert from "node:assert/strict";
import test from "node:test";
import { planAnnotationsSchema } from "../cluster/plan.ts";
import { canonicalizeJob } from "../job/canonicalize.ts";
import { type Job, jobSchema } from "../job/job.ts";
import { decodeInput, decodeStored } from "../schema/decode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import { mockJob, mockTask, mockTaskGroup } from "../testing/factories.ts";
import {
  exchanges,
  firstDifference,
  listDir,
  readJson,
  referenceDir,
} from "../testing/recordings.test.ts";
import { annotateDiff } from "./annotate.ts";
import { diffJobs } from "./job.ts";
import { jobDiffFromWire, jobDiffToWire } from "./types.ts";

test("the diffs of a job's history are as recorded", () => {
  const dir = referenceDir("jobspec", "history");
  if (dir === null) return;
  let seen = 0;
  const misses: string[] = [];
  for (const name of listDir(dir)) {
    const answer = readJson(dir, name, "versions.json") as JsonObject;
    const versions = (answer.Versions as Json[]).map((job) => decodeStored(jobSchema, job));
    for (const [i, expected] of ((answer.Diffs ?? []) as Json[]).entries()) {
      seen++;
      const [newer, older] = [versions[i] as Job, versions[i + 1] as Job];
      const actual = jobDiffToWire(diffJobs(older, newer, { contextual: true }));
      const found = firstDifference(actual, expected);
      if (found !== null) misses.push(`${name} ${i} ${found}`);
    }
  }
  console.log(`history diffs: ${seen - misses.length} of ${seen} equal`);
  assert.deepEqual(misses, []);
});

test("the diffs of recorded plan requests are as recorded", () => {
  // By the index that the registration was answered with: a plan names the one it compared with.
  const registered = new Map<string, Job>();
  const key = (id: string, index: Json | undefined): string => `${id} ${index}`;
  let seen = 0;
  const misses: string[] = [];
  for (const exchange of exchanges()) {
    const answer = exchange.body as JsonObject;
    if (exchange.status !== 200 || exchange.method !== "PUT") continue;
    const job = jobOf(exchange.requestBody);
    if (job === null) continue;
    if (exchange.path === "/v1/jobs") registered.set(key(job.id, answer.JobModifyIndex), job);
    if (!exchange.path.endsWith("/plan") || !answer.Diff) continue;
    const before = registered.get(key(job.id, answer.JobModifyIndex)) ?? null;
    if (before === null && answer.JobModifyIndex !== 0) continue;
    seen++;
    const annotations = decodeStored(planAnnotationsSchema, answer.Annotations ?? null);
    const diff = diffJobs(before, job, { contextual: true });
    const found = firstDifference(jobDiffToWire(annotateDiff(diff, annotations)), answer.Diff);
    if (found !== null) misses.push(`${exchange.path} ${found}`);
  }
  console.log(`plan requests: ${seen - misses.length} of ${seen} equal`);
  assert.deepEqual(misses, []);
});

function jobOf(request: Json): Job | null {
  const body = request as JsonObject | null;
  if (body === null || typeof body !== "object" || !body.Job) return null;
  const { value, errors } = decodeInput(jobSchema, body.Job, { path: "Job" });
  return errors.length > 0 ? null : canonicalizeJob(value, { region: "global" });
}

test("a diff survives the wire", () => {
  const before = mockJob();
  const task = mockTask({ config: { run_for: "2h" }, env: { A: "1" } });
  const after = mockJob({ taskGroups: [mockTaskGroup({ count: 5, tasks: [task] })] });
  const diff = annotateDiff(diffJobs(before, after, { contextual: true }), null);
  assert.deepEqual(jobDiffFromWire(jobDiffToWire(diff)), diff);
  assert.deepEqual(diff.taskGroups[0]?.fields[0]?.annotations, ["forces create"]);
  assert.deepEqual(diff.taskGroups[0]?.tasks[0]?.annotations, ["forces create/destroy update"]);
});

test("equal jobs differ in nothing", () => {
  const diff = diffJobs(mockJob(), mockJob(), { contextual: false });
  assert.deepEqual(diff, { type: "None", id: "example", fields: [], objects: [], taskGroups: [] });
});
