import assert from "node:assert/strict";
import test from "node:test";
import { deploymentStateSchema } from "../cluster/deployment.ts";
import { jobSchema } from "../job/job.ts";
import { mockDeploymentState, mockJob } from "../testing/factories.ts";
import { decodeInput, decodeInstant, decodeStored } from "./decode.ts";
import { encode, encodeInput, encodeInstant } from "./encode.ts";
import {
  duration,
  instantNanos,
  instantSeconds,
  instantText,
  int,
  type Json,
  list,
  map,
  nullable,
  object,
  record,
  string,
} from "./field.ts";

const inner = record("Inner", { value: int({ omitEmpty: true }), text: string() });
const schema = record("Sample", {
  id: string({ wire: "ID" }),
  wait: duration({ plain: true }),
  at: instantText(),
  time: instantNanos(),
  seconds: instantSeconds(),
  names: list(string()),
  kept: list(string(), { keepEmpty: true }),
  labels: map(int()),
  part: nullable(object(inner)),
  asked: nullable(string({ requestOnly: true })),
  derived: string({ storedOnly: true }),
  own: string({ wire: null }),
});
const stored = {
  id: "a",
  wait: 5,
  at: 0,
  time: 1_700_000_000_123,
  seconds: 1_700_000_000_000,
  names: [],
  kept: [],
  labels: {},
  part: null,
  asked: null,
  derived: "d",
  own: "secret",
};

test("answers list members alphabetically, and empty lists, maps and instants as null", () => {
  const wire = encode(schema, stored);
  assert.equal(
    JSON.stringify(wire),
    '{"At":null,"Derived":"d","ID":"a","Kept":[],"Labels":null,"Names":null,"Part":null,' +
      '"Seconds":1700000000,"Time":1700000000123000000,"Wait":5}',
  );
});

test("answers are read back into the stored form, but for what never travels", () => {
  const full = { ...stored, names: ["x"], labels: { k: 1 }, part: { value: 0, text: "t" } };
  assert.deepEqual(decodeStored(schema, encode(schema, full)), { ...full, own: "" });
  assert.deepEqual(encode(inner, { value: 0, text: "" }), { Text: "" });
});

test("requests say null for what was not written, and zero where they cannot", () => {
  const { value, errors } = decodeInput(schema, {
    id: "a",
    NAMES: ["x"],
    Unknown: 1,
    Derived: "d",
  });
  assert.deepEqual(errors, []);
  assert.equal(value.derived, null);
  assert.deepEqual(encodeInput(schema, value), {
    Asked: null,
    At: null,
    ID: "a",
    Kept: null,
    Labels: null,
    Names: ["x"],
    Part: null,
    Seconds: null,
    Time: null,
    Wait: 0,
  });
});

test("instants have as many fraction digits as they need", () => {
  assert.equal(encodeInstant(1_700_000_000_000), "2023-11-14T22:13:20Z");
  assert.equal(encodeInstant(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
  assert.equal(encodeInstant(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
  assert.equal(encodeInstant(0), null);
  assert.equal(decodeInstant("2023-11-14T22:13:20.123456789Z"), 1_700_000_000_123);
  assert.equal(decodeInstant("0001-01-01T00:00:00Z"), 0);
  assert.equal(decodeInstant("soon"), 0);
});

test("a deployment without a deadline sends null, and its own bookkeeping not at all", () => {
  const wire = encode(deploymentStateSchema, mockDeploymentState({ extendedNames: ["a"] }));
  assert.equal(wire.RequireProgressBy, null);
  assert.equal("ExtendedNames" in wire, false);
});

const restart = { TaskGroups: [{ Tasks: [{ RestartPolicy: { Delay: "15s" } }] }] };
const WRONG: [Json, string][] = [
  [{ ID: 7 }, "number into Go struct field Job.Job.ID of type string"],
  [{ TaskGroups: "x" }, "string into Go struct field Job.Job.TaskGroups of type []*api.TaskGroup"],
  [
    restart,
    "string into Go struct field RestartPolicy.Job.TaskGroups.Tasks.RestartPolicy.Delay " +
      "of type time.Duration",
  ],
  [{ Priority: 1.5 }, "number 1.5 into Go struct field Job.Job.Priority of type int"],
  [{ Meta: [] }, "array into Go struct field Job.Job.Meta of type map[string]string"],
];
for (const [json, text] of WRONG) {
  test(`a wrong type is named: ${text}`, () => {
    const { errors } = decodeInput(jobSchema, json, { path: "Job" });
    assert.deepEqual(errors, [`json: cannot unmarshal ${text}`]);
  });
}

test("a body of the wrong kind is named by its own type", () => {
  const { errors, value } = decodeInput(jobSchema, [], { goType: "api.JobRegisterRequest" });
  const text = "json: cannot unmarshal array into Go value of type api.JobRegisterRequest";
  assert.deepEqual(errors, [text]);
  assert.equal(value.id, null);
});

test("a whole job survives the wire", () => {
  const job = mockJob({ meta: { a: "1" } });
  assert.deepEqual(decodeStored(jobSchema, encode(jobSchema, job)), job);
});
