/** Counts and percentages of the update and migrate blocks (DESIGN §12.2). */
import assert from "node:assert/strict";
import test from "node:test";
import { diffJobs } from "../diff/job.ts";
import { decodeInput } from "../schema/decode.ts";
import { encodeInput } from "../schema/encode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import { DEFAULT_VALIDATE_CONTEXT } from "../validate/context.ts";
import { validateJob } from "../validate/job.ts";
import { formatWarnings } from "../validate/warnings.ts";
import { jobToWire } from "../wire/job.ts";
import { canonicalizeJob } from "./canonicalize.ts";
import { type Job, jobSchema } from "./job.ts";
import { isSpecChanged } from "./spec-changed.ts";
import { withCount } from "./update.ts";
import { updateKind } from "./update-kind.ts";

const TASK = { Name: "t", Driver: "mock_driver", Config: { run_for: "1h" } };

interface Given {
  readonly count?: number;
  readonly type?: string;
  readonly job?: JsonObject;
  readonly group?: JsonObject;
}

function request({ count = 10, group = {}, job = {}, type = "service" }: Given): JsonObject {
  return {
    ID: "j",
    Type: type,
    ...job,
    TaskGroups: [{ Name: "g", Count: count, Tasks: [TASK], ...group }],
  };
}

function read(json: Json): { job: Job; errors: readonly string[] } {
  const { errors, value } = decodeInput(jobSchema, json, { path: "Job" });
  return { job: canonicalizeJob(value, { region: "global" }), errors };
}

function stored(given: Given): Job {
  const { errors, job } = read(request(given));
  assert.deepEqual(errors, []);
  return job;
}

function update(given: Given) {
  const found = stored(given).taskGroups[0]?.update;
  assert.ok(found);
  const { maxParallel, maxParallelPercent, maxSurge, maxSurgePercent } = found;
  return [maxParallel, maxParallelPercent, maxSurge, maxSurgePercent];
}

test("a percentage of max_parallel is rounded down and at least 1, one of max_surge up", () => {
  const part = (count: number, MaxParallel: string, MaxSurge: string) =>
    update({ count, group: { Update: { MaxParallel, MaxSurge } } });
  assert.deepEqual(part(10, "25%", "25%"), [2, 25, 3, 25]);
  assert.deepEqual(part(3, "25%", "25%"), [1, 25, 1, 25]);
  assert.deepEqual(part(4, "100%", "0%"), [4, 100, 0, 0]);
  assert.deepEqual(part(0, "50%", "50%"), [1, 50, 0, 50]);
});

test("a count that changes takes the percentages along", () => {
  const [group] = stored({ group: { Update: { MaxParallel: "25%", MaxSurge: "25%" } } }).taskGroups;
  assert.ok(group);
  const scaled = withCount(group, 40);
  assert.deepEqual(
    [scaled.count, scaled.update?.maxParallel, scaled.update?.maxSurge],
    [40, 10, 10],
  );
  const migrate = { MaxParallel: "50%" };
  const [leaving] = stored({ group: { Migrate: migrate } }).taskGroups;
  assert.equal(leaving?.migrate?.maxParallel, 5);
  const fixed = stored({ group: { Update: { MaxParallel: 3, MaxSurge: 1 } } }).taskGroups[0];
  assert.deepEqual(fixed && withCount(fixed, 40).update, fixed?.update);
});

test("what a group writes takes the place of what its job writes, in either form", () => {
  const job = { Update: { MaxParallel: "50%", MaxSurge: "50%" } };
  assert.deepEqual(update({ job }), [5, 50, 5, 50]);
  assert.deepEqual(update({ job, group: { Update: { MaxParallel: 2 } } }), [2, 0, 5, 50]);
  assert.deepEqual(update({ job, group: { Update: { MaxSurge: 0 } } }), [5, 50, 0, 0]);
  const counts = { Update: { MaxParallel: 3, MaxSurge: 3 } };
  const group = { Update: { MaxParallel: "20%", MaxSurge: "10%" } };
  assert.deepEqual(update({ job: counts, group }), [2, 20, 1, 10]);
});

test("answers show the count that a percentage comes to, and read back they are the same job", () => {
  const group = {
    Update: { MaxParallel: "25%", MaxSurge: "10%" },
    Migrate: { MaxParallel: "20%" },
  };
  const job = stored({ group });
  const wire = jobToWire(job) as { TaskGroups: { Update: JsonObject; Migrate: JsonObject }[] };
  const [shown] = wire.TaskGroups;
  assert.equal(shown?.Update.MaxParallel, 2);
  assert.equal(shown?.Update.MaxParallelPercent, 25);
  assert.equal(shown?.Update.MaxSurge, 1);
  assert.equal(shown?.Update.MaxSurgePercent, 10);
  assert.equal(shown?.Migrate.MaxParallel, 2);
  assert.equal(shown?.Migrate.MaxParallelPercent, 20);
  const again = read(wire as never);
  assert.deepEqual(again.errors, []);
  assert.equal(isSpecChanged(job, again.job), false);
});

test("where none of it is used, nothing of it is sent, asked for or shown in diffs", () => {
  const plain = stored({ group: { Update: { MaxParallel: 2 } } });
  assert.doesNotMatch(JSON.stringify(jobToWire(plain)), /Surge|Percent/);
  const { value } = decodeInput(jobSchema, request({ group: { Update: { MaxParallel: 2 } } }), {});
  assert.doesNotMatch(JSON.stringify(encodeInput(jobSchema, value)), /Surge|Percent/);
  const other = stored({ group: { Update: { MaxParallel: 3 } } });
  assert.doesNotMatch(
    JSON.stringify(diffJobs(plain, other, { contextual: true })),
    /Surge|Percent/,
  );
});

test("a request that is written out again keeps its percentage", () => {
  const given = request({ group: { Update: { MaxParallel: "25%", MaxSurge: 2 } } });
  const { value } = decodeInput(jobSchema, given, {});
  const [group] = encodeInput(jobSchema, value).TaskGroups as { Update: JsonObject }[];
  assert.equal(group?.Update.MaxParallel, null);
  assert.equal(group?.Update.MaxParallelPercent, 25);
  assert.equal(group?.Update.MaxSurge, 2);
});

test("the diff of a plan shows both the percentage and what it comes to", () => {
  const before = stored({ group: { Update: { MaxParallel: 1 } } });
  const after = stored({ group: { Update: { MaxParallel: "30%", MaxSurge: 1 } } });
  const diff = diffJobs(before, after, { contextual: false });
  const fields = diff.taskGroups[0]?.objects.find(({ name }) => name === "Update")?.fields ?? [];
  assert.deepEqual(
    fields.map((field) => [field.type, field.name, field.old, field.new]),
    [
      ["Edited", "MaxParallel", "1", "3"],
      ["Added", "MaxParallelPercent", "", "30"],
      ["Added", "MaxSurge", "", "1"],
    ],
  );
  assert.equal(updateKind(before, after, "g"), "inPlace");
  assert.equal(isSpecChanged(before, after), true);
});

test("a bad percentage is named with its place", () => {
  const errors = (given: Given) => read(request(given)).errors;
  const bad = (text: string, min: number) => [
    `Job.TaskGroups.Update.${min === 1 ? "MaxParallel" : "MaxSurge"}: a percentage must be a ` +
      `whole number from ${min}% to 100%, not "${text}"`,
  ];
  for (const text of ["0%", "101%", "2.5%", "-1%", "many%", "%"]) {
    assert.deepEqual(errors({ group: { Update: { MaxParallel: text } } }), bad(text, 1));
  }
  assert.deepEqual(errors({ group: { Update: { MaxSurge: "200%" } } }), bad("200%", 0));
  assert.match(
    errors({ group: { Update: { MaxParallel: "many" } } })[0] ?? "",
    /cannot unmarshal string into Go struct field UpdateStrategy.*MaxParallel of type int/,
  );
});

test("what makes no sense is refused, and what is probably not meant is said", () => {
  const refused = (given: Given) =>
    validateJob(stored(given), DEFAULT_VALIDATE_CONTEXT).error || "accepted";
  assert.match(refused({ group: { Update: { MaxSurge: -1 } } }), /Max surge can not be less than/);
  assert.match(
    refused({ group: { Update: { MaxParallel: 0, MaxSurge: 1 } } }),
    /Max surge requires a Max parallel count greater than zero/,
  );
  assert.match(
    refused({ group: { Update: { MaxParallelPercent: 150 } } }),
    /Max parallel must be from 0% to 100% of the count: 150%/,
  );
  assert.match(
    refused({ type: "system", count: 1, group: { Update: { MaxSurge: 1 } } }),
    /Job type "system" does not allow max_surge/,
  );
  assert.equal(refused({ group: { Update: { MaxParallel: "25%", MaxSurge: "25%" } } }), "accepted");
  const warned = (given: Given) =>
    formatWarnings(validateJob(stored(given), DEFAULT_VALIDATE_CONTEXT).warnings);
  assert.match(
    warned({ group: { Update: { MaxParallel: 3, MaxSurge: 1 } } }),
    /max_surge \(1\) is less than max_parallel \(3\): at most 1 that serve are replaced at a time/,
  );
  const EphemeralDisk = { Sticky: true };
  assert.match(
    warned({ group: { EphemeralDisk, Update: { MaxSurge: 1 } } }),
    /max_surge has no effect/,
  );
});

test("a group's own 0% takes the place of an outer count", () => {
  const job = { Update: { MaxSurge: 2, MaxParallel: 2 } };
  assert.deepEqual(update({ job, group: { Update: { MaxSurge: "0%" } } }), [2, 0, 0, 0]);
});
