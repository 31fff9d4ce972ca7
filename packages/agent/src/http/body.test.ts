import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "@drover/api";
import { readJson } from "./body.ts";
import { Fields } from "./fields.ts";

const read = (text: string) => readJson({ text: async () => text });

test("JSON is read", async () => {
  assert.deepEqual(await read('{"Job": {"ID": "a"}}'), { Job: { ID: "a" } });
});

const refused: readonly [string, string][] = [
  ["", "Request body is empty"],
  [" \n", "Request body is empty"],
  ['{"Job": ', "unexpected EOF"],
  ['{"Job": "no end', "unexpected EOF"],
  ['{"a": "\\"', "unexpected EOF"],
  ["[1, 2", "unexpected EOF"],
  ["job {}", "invalid character 'j' looking for beginning of value"],
  ['{"a": x}', "invalid character 'x' looking for beginning of value"],
  ["{x: 1}", "invalid character 'x' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a": 1 "b"}', "invalid character '\"' after object key:value pair"],
  ["[1 2]", "invalid character '2' after array element"],
  ["{} x", "invalid character 'x' after top-level value"],
];
for (const [text, message] of refused) {
  test(`${JSON.stringify(text)} is refused: ${message}`, async () => {
    await assert.rejects(read(text), new ApiError("bad-request", message));
  });
}

test("a body beyond the limit is refused before it is parsed", async () => {
  const text = "x".repeat((16 << 20) + 1);
  await assert.rejects(read(text), new ApiError("bad-request", "http: request body too large"));
});

test("members are found whatever the case of their names", () => {
  const fields = new Fields({ jobid: "a", EVALPRIORITY: 3 }, "api.T");
  assert.equal(fields.string("JobID"), "a");
  assert.equal(fields.number("EvalPriority"), 3);
  assert.equal(fields.number("Missing"), null);
  assert.equal(fields.boolean("Missing"), false);
});

const wrong: readonly [unknown, (fields: Fields) => unknown, string][] = [
  [
    { A: 1 },
    (f) => f.string("A"),
    "cannot unmarshal number into Go struct field T.A of type string",
  ],
  [
    { A: "1" },
    (f) => f.number("A"),
    "cannot unmarshal string into Go struct field T.A of type int",
  ],
  [
    { A: [] },
    (f) => f.boolean("A"),
    "cannot unmarshal array into Go struct field T.A of type bool",
  ],
  [
    { A: [1] },
    (f) => f.strings("A"),
    "cannot unmarshal number into Go struct field T.A of type string",
  ],
];
for (const [body, look, message] of wrong) {
  test(`${JSON.stringify(body)} ${message}`, () => {
    const fields = new Fields(body, "api.T");
    assert.throws(() => look(fields), new ApiError("bad-request", `json: ${message}`));
  });
}

test("a body that is no object is refused by its kind", () => {
  for (const [body, kind] of [
    [[], "array"],
    ["x", "string"],
    [true, "bool"],
    [1, "number"],
  ] as const) {
    const message = `json: cannot unmarshal ${kind} into Go value of type api.T`;
    assert.throws(() => new Fields(body, "api.T"), new ApiError("bad-request", message));
  }
});
