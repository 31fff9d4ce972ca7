/**
 * Recorded job files, read by our parser, against what the recorded server said of them: the text
 * of `job validate` (jobspec/errors/v-*) and the diff of `job plan` (jobspec/plan). It crosses
 * packages, so it lies here and not in one of them.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseJobFile } from "@drover/jobspec";
import {
  annotateDiff,
  canonicalizeJob,
  DEFAULT_VALIDATE_CONTEXT,
  decodeStored,
  diffJobs,
  formatWarnings,
  type Job,
  type Json,
  jobDiffToWire,
  planAnnotationsSchema,
  validateJob,
} from "@drover/model";
import { CLOSED_HOST } from "../support/closed-host.ts";

const SHARED = process.env.DROVER_SHARED ?? join(import.meta.dirname, "../../../shared");
const RECORDINGS = join(SHARED, "reference", "jobspec");
const REASON = existsSync(RECORDINGS) ? false : `no recordings at ${RECORDINGS}`;

/** Why our answer is another one on purpose, or why this is not the place to compare it. */
const MEANT: Readonly<Record<string, string>> = {
  "v-update-deadline-ge-progress": "accepted: the progress deadline becomes 0 (DESIGN §12.10)",
  "v-update-deadline-ge-progress-job": "accepted: the progress deadline becomes 0 (DESIGN §12.10)",
  "v-region-unknown": "the agent that was asked resolves regions",
};

interface RecordedCommand {
  readonly argv: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  readonly varies?: string;
}

/** The job as it would be stored; null when the file is not understood, which is a miss. */
function readJob(path: string, misses: string[]): Job | null {
  const { job, diagnostics } = parseJobFile({
    text: readFileSync(path, "utf8"),
    fileName: path,
    host: CLOSED_HOST,
  });
  if (job !== null && diagnostics.length === 0) return canonicalizeJob(job, { region: "global" });
  misses.push(`${path}: ${diagnostics.map(({ detail }) => detail).join("; ")}`);
  return null;
}

function readRecording(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** What the command prints for a validated job. */
function validateText(job: Job): string {
  const { error, warnings } = validateJob(job, DEFAULT_VALIDATE_CONTEXT);
  if (error !== "") return `Job validation errors:\n${error}\n`;
  const heading = warnings.length === 0 ? "" : `Job Warnings:\n${formatWarnings(warnings)}\n\n`;
  return `${heading}Job validation successful\n`;
}

function comparable(text: string, varies: string | undefined): string {
  return varies === "order" ? text.split("\n").sort().join("\n") : text;
}

test("job validate says what was recorded", { skip: REASON }, () => {
  const dir = join(RECORDINGS, "errors");
  const misses: string[] = [];
  let seen = 0;
  for (const file of readdirSync(dir).sort()) {
    const name = /^(v-.*)\.txt$/.exec(file)?.[1];
    if (name === undefined || name in MEANT) continue;
    const recorded = readRecording(join(dir, file)) as RecordedCommand;
    const [, verb, jobFile, ...flags] = recorded.argv;
    if (verb !== "validate" || jobFile === undefined || flags.length > 0) continue;
    seen++;
    const expected = comparable(recorded.stdout + recorded.stderr, recorded.varies);
    const job = readJob(join(dir, jobFile), misses);
    if (job === null) continue;
    const actual = comparable(validateText(job), recorded.varies);
    if (actual !== expected) misses.push(`${name}: ${actual}\ninstead of ${expected}`);
  }
  console.log(`job validate: ${seen - misses.length} of ${seen} equal`);
  assert.deepEqual(misses, []);
});

interface RecordedCase {
  readonly registered?: boolean;
  readonly steps: readonly string[];
}

test("job plan shows the recorded diff", { skip: REASON }, () => {
  const dir = join(RECORDINGS, "plan");
  const misses: string[] = [];
  const names = readdirSync(dir).sort();
  for (const name of names) {
    const { registered, steps } = readRecording(join(dir, name, "case.json")) as RecordedCase;
    const plan = readRecording(join(dir, name, "plan.json")) as Record<string, Json>;
    const next = readJob(join(dir, name, "new.nomad.hcl"), misses);
    const isNew = registered === false;
    const before = isNew ? null : readJob(join(dir, name, "old.nomad.hcl"), misses);
    if (before !== null && steps.includes("stop")) before.stop = true;
    const annotations = decodeStored(planAnnotationsSchema, plan.Annotations ?? null);
    const diff = annotateDiff(diffJobs(before, next, { contextual: true }), annotations);
    try {
      assert.deepEqual(jobDiffToWire(diff), plan.Diff);
    } catch (error) {
      misses.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`job plan: ${names.length - misses.length} of ${names.length} diffs equal`);
  assert.deepEqual(misses, []);
});
