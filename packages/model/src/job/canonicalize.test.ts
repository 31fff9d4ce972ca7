/** Compares stored jobs with those that the recorded server made of the same files. */
import assert from "node:assert/strict";
import test from "node:test";
import { decodeInput } from "../schema/decode.ts";
import { encodeInput } from "../schema/encode.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import {
  firstDifference,
  listDir,
  readJson,
  referenceDir,
  visitObjects,
} from "../testing/recordings.test.ts";
import { jobToWire } from "../wire/job.ts";
import { canonicalizeJob } from "./canonicalize.ts";
import { jobSchema } from "./job.ts";

/** Known misses: see README. */
const MISSES = new Set<string>([]);

function masked(json: JsonObject): JsonObject {
  const copy = JSON.parse(JSON.stringify(json)) as JsonObject;
  copy.Status = "<status>";
  visitObjects(copy, (object) => {
    if ("Target" in object && "Policy" in object) object.ID = "";
  });
  return copy;
}

function canonicalizeRequest(json: Json): JsonObject {
  const { value, errors } = decodeInput(jobSchema, json, { path: "Job" });
  assert.deepEqual(errors, []);
  return jobToWire(canonicalizeJob(value, { region: "global" }));
}

test("a registered job is stored as recorded", () => {
  const dir = referenceDir("jobspec");
  if (dir === null) return;
  const names = listDir(`${dir}/canonical`, ".canonical.json");
  const misses: string[] = [];
  for (const file of names) {
    const name = file.replace(".canonical.json", "");
    const request = readJson(dir, "parse", `${name}.json`) as JsonObject;
    const actual = masked(canonicalizeRequest(request.Job ?? null));
    const expected = masked(readJson(dir, "canonical", file) as JsonObject);
    const found = firstDifference(actual, expected);
    if (found !== null && !MISSES.has(name)) misses.push(`${name} ${found}`);
  }
  console.log(`canonical: ${names.length - misses.length} of ${names.length} equal`);
  assert.deepEqual(misses, []);
});

test("a request is written back as it was read", () => {
  const dir = referenceDir("jobspec", "parse");
  if (dir === null) return;
  const names = listDir(dir, ".json").filter((name) => !/\.(args|nomad)\.json$/.test(name));
  const misses: string[] = [];
  for (const name of names) {
    const request = (readJson(dir, name) as JsonObject).Job as JsonObject;
    const { value, errors } = decodeInput(jobSchema, request, { path: "Job" });
    assert.deepEqual(errors, [], name);
    const found = firstDifference(encodeInput(jobSchema, value), request);
    if (found !== null) misses.push(`${name} ${found}`);
  }
  console.log(`requests: ${names.length - misses.length} of ${names.length} equal`);
  assert.deepEqual(misses, []);
});
