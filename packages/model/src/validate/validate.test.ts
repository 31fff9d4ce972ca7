/** Compares validation with what the recorded server refused, accepted and warned about. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import { canonicalizeJob } from "../job/canonicalize.ts";
import { type JobInput, jobSchema } from "../job/job.ts";
import { decodeInput } from "../schema/decode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import {
  exchanges,
  listDir,
  readJson,
  readText,
  referenceDir,
} from "../testing/recordings.test.ts";
import { DEFAULT_VALIDATE_CONTEXT } from "./context.ts";
import { type JobValidation, validateJob } from "./job.ts";
import { cronProblem } from "./periodic.ts";
import { formatWarnings } from "./warnings.ts";

/** Not ours to check: the reason the recorded server gave lies outside the job or in Consul. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "connect-gateway-ingress": "the attached Consul refused the gateway",
  "connect-sidecar": "sidecar tasks are not injected yet",
  "connect-tproxy": "transparent proxies are not looked into yet",
  "job-all-attrs": "the region is the HTTP layer's to resolve",
  "job-multiregion": "the region is the HTTP layer's to resolve",
};

function validate(request: Json): JobValidation {
  const { value, errors } = decodeInput(jobSchema, request, { path: "Job" });
  assert.deepEqual(errors, []);
  return validateJob(canonicalizeJob(value, { region: "global" }), DEFAULT_VALIDATE_CONTEXT);
}

test("what the recorded server refused is refused with the same text", () => {
  const dir = referenceDir("jobspec");
  if (dir === null) return;
  const refused = readJson(dir, "canonical", "refused.json") as Record<string, JsonObject>;
  const misses: string[] = [];
  let seen = 0;
  for (const [name, { body }] of Object.entries(refused)) {
    if (name in ELSEWHERE) continue;
    seen++;
    const request = readJson(dir, "parse", `${name}.json`) as JsonObject;
    const { error } = validate(request.Job ?? null);
    if (error !== body) misses.push(`${name} ${JSON.stringify(error)} not ${JSON.stringify(body)}`);
  }
  console.log(`refused jobs: ${seen - misses.length} of ${seen} equal`);
  assert.deepEqual(misses, []);
});

test("what the recorded server stored is accepted with the same warnings", () => {
  const dir = referenceDir("jobspec");
  if (dir === null) return;
  const misses: string[] = [];
  const names = listDir(`${dir}/canonical`, ".canonical.json");
  for (const file of names) {
    const name = file.replace(".canonical.json", "");
    const request = (readJson(dir, "parse", `${name}.json`) as JsonObject).Job as JsonObject;
    const result = validate({ ...request, Namespace: null });
    const warnings = `${dir}/canonical/${name}.warnings.txt`;
    const expected = existsSync(warnings) ? readText(warnings) : "";
    if (result.error !== "" || formatWarnings(result.warnings) !== expected) {
      misses.push(`${name} ${JSON.stringify(result)}`);
    }
  }
  console.log(`stored jobs: ${names.length - misses.length} of ${names.length} as recorded`);
  assert.deepEqual(misses, []);
});

test("recorded validation requests get the recorded answer", () => {
  const misses: string[] = [];
  let seen = 0;
  for (const { path, requestBody, body } of exchanges()) {
    const answer = body as JsonObject;
    const request = (requestBody as JsonObject | null)?.Job;
    if (path !== "/v1/validate/job" || !request || answer.Error === undefined) continue;
    // Nomad refuses it; here the deadline becomes 0 (DESIGN §12.10).
    if (String(answer.Error).includes("Healthy deadline must be less than progress")) continue;
    seen++;
    const { errors, error, warnings } = validate(request);
    const actual = {
      Error: error,
      ValidationErrors: errors.length > 0 ? errors : null,
      warnings: formatWarnings(warnings),
    };
    const expected = {
      Error: answer.Error,
      ValidationErrors: answer.ValidationErrors,
      warnings: answer.Warnings,
    };
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      misses.push(`${JSON.stringify(actual)} not ${JSON.stringify(expected)}`);
    }
  }
  console.log(`validation requests: ${seen - misses.length} of ${seen} equal`);
  assert.deepEqual(misses, []);
});

const SEED = { HealthyDeadline: 600_000_000_000, MaxParallel: 2, MinHealthyTime: 30_000_000_000 };

function seedJob(update: JsonObject): JobInput {
  const task = { Name: "t", Driver: "docker", Config: { image: "x" } };
  const request = {
    ID: "j",
    Name: "j",
    Datacenters: ["dc1"],
    TaskGroups: [{ Name: "g", Count: 6, Update: update, Tasks: [task] }],
  };
  return decodeInput(jobSchema, request).value;
}

test("a long healthy deadline without a progress deadline is accepted and makes it zero", () => {
  const job = canonicalizeJob(seedJob(SEED), { region: "global" });
  assert.equal(job.taskGroups[0]?.update?.progressDeadline, 0);
  assert.equal(validateJob(job, DEFAULT_VALIDATE_CONTEXT).error, "");
});

test("a written progress deadline below the healthy one is refused", () => {
  const written = seedJob({ ...SEED, ProgressDeadline: 600_000_000_000 });
  const job = canonicalizeJob(written, { region: "global" });
  const { error } = validateJob(job, DEFAULT_VALIDATE_CONTEXT);
  assert.match(error, /Healthy deadline must be less than progress deadline: 10m0s > 10m0s/);
});

test("cron expressions", () => {
  for (const good of ["* * * * *", "@daily", "0 */2 1-5 JAN,FEB MON-FRI", "0 0 0 1 1 * 2030"]) {
    assert.equal(cronProblem(good), null, good);
  }
  assert.equal(cronProblem("* * * 13 *"), "syntax error in month field: '13'");
  assert.equal(cronProblem("* *"), "missing field(s)");
  assert.equal(cronProblem("*/0 * * * *"), "syntax error in minute field: '*/0'");
});
