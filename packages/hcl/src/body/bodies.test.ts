import assert from "node:assert/strict";
import test from "node:test";
import { type Diagnostic, formatDiagnostic } from "../diagnostic.ts";
import type { Scope } from "../eval/scope.ts";
import { encodeJson } from "../functions/json-text.ts";
import { standardFunctions } from "../functions/standard.ts";
import { string, tuple } from "../values/value.ts";
import { type Body, evaluateAttribute } from "./body.ts";
import { DynamicBody } from "./dynamic.ts";
import { parseBodyText } from "./parse-body-text.ts";

const SCOPE: Scope = {
  variables: new Map([["names", tuple([string("a"), string("b")])]]),
  functions: standardFunctions(),
  parent: null,
};

function open(text: string, diagnostics: Diagnostic[] = []): Body {
  const parsed = parseBodyText({ name: "f.hcl", text }, SCOPE);
  diagnostics.push(...parsed.diagnostics);
  return new DynamicBody(parsed.body, SCOPE);
}

const SCHEMA = {
  attributes: [{ name: "id" }, { name: "count", required: true }],
  blocks: [
    { type: "port", labels: ["name"] },
    { type: "tag", labels: [] },
  ],
};

/** Blocks as `type labels: arguments`, and problems. */
function summarize(text: string): string[] {
  const diagnostics: Diagnostic[] = [];
  const content = open(text, diagnostics).content(SCHEMA, diagnostics);
  const blocks = content.blocks.map((block) => {
    const values = [...block.body.justAttributes(diagnostics).values()].map((attribute) => {
      return `${attribute.name}=${encodeJson(evaluateAttribute(attribute, diagnostics))}`;
    });
    return `${[block.type, ...block.labels].join(" ")}: ${values.join(" ")}`;
  });
  return [...content.attributes.keys(), ...blocks, ...diagnostics.map(formatDiagnostic)];
}

test("a body gives what the schema asks for, in the order of the file", () => {
  assert.deepEqual(summarize('count = 1\ntag {\n  v = 2\n}\nport "http" {}\n'), [
    "count",
    "tag: v=2",
    "port http: ",
  ]);
});

test("JSON bodies give the same", () => {
  const two = "\u0024{1 + 1}";
  const json = `{"//": "note", "count": 1, "tag": [{"v": "${two}"}, {}], "port": {"http": {}}}`;
  assert.deepEqual(summarize(json), ["count", "tag: v=2", "tag: ", "port http: "]);
});

test("dynamic blocks are written out, with labels and an iterator", () => {
  const text = `count = 1
dynamic "port" {
  for_each = names
  labels   = ["p-\${port.value}"]
  content {
    static = port.key
  }
}
dynamic "tag" {
  for_each = { x = 1 }
  iterator = each
  content {
    v = "\${each.key}\${each.value}"
  }
}
`;
  assert.deepEqual(summarize(text), [
    "count",
    "port p-a: static=0",
    "port p-b: static=1",
    'tag: v="x1"',
  ]);
});

test("what the schema does not ask for is reported with advice", () => {
  assert.deepEqual(summarize('idd = 1\ncount { }\nports "x" {}\nport {}\ntag "l" {}\n'), [
    'f.hcl:1,1-1: Missing required argument; The argument "count" is required, but no definition was found.',
    "f.hcl:4,6-7: Missing name for port; All port blocks must have 1 labels (name).",
    "f.hcl:5,5-8: Extraneous label for tag; No labels are expected for tag blocks.",
    'f.hcl:1,1-4: Unsupported argument; An argument named "idd" is not expected here. Did you mean "id"?',
    'f.hcl:2,1-6: Unsupported block type; Blocks of type "count" are not expected here. Did you mean to define argument "count"? If so, use the equals sign to assign it a value.',
    'f.hcl:3,1-6: Unsupported block type; Blocks of type "ports" are not expected here. Did you mean "port"?',
  ]);
});

test("partial reading leaves the rest to the next reader", () => {
  const diagnostics: Diagnostic[] = [];
  const schema = { attributes: [{ name: "a" }], blocks: [] };
  const { rest } = open("a = 1\nb = 2\n").partialContent(schema, diagnostics);
  assert.deepEqual([...rest.justAttributes(diagnostics).keys()], ["b"]);
  assert.deepEqual(diagnostics, []);
});

test("free-form bodies turn blocks and labels into values", () => {
  const text =
    'n = 1\no = { k = 1 }\nb {\n  x = 1\n}\nb {\n  c {}\n}\nl "one" "two" {\n  v = 2\n}\n';
  const diagnostics: Diagnostic[] = [];
  const attributes = [...open(text).freeFormAttributes(diagnostics).values()];
  const values = attributes.map((attribute) => {
    return `${attribute.name}=${encodeJson(evaluateAttribute(attribute, diagnostics))}`;
  });
  assert.deepEqual(values, [
    "n=1",
    'o=[{"k":1}]',
    'b=[{"x":1},{"c":[{}]}]',
    'l=[{"one":[{"two":[{"v":2}]}]}]',
  ]);
  assert.deepEqual(diagnostics, []);
});

test("broken JSON is reported with its place", () => {
  const problems = (text: string) => {
    return parseBodyText({ name: "f.json", text }, SCOPE).diagnostics.map(formatDiagnostic);
  };
  assert.deepEqual(problems('{"a": 1,}'), [
    "f.json:1,8-9: Trailing comma in object; JSON does not permit a trailing comma after the final property in an object.",
  ]);
  assert.deepEqual(problems('{"a": [1 2]}').slice(0, 1), [
    "f.json:1,10-11: Missing attribute seperator comma; A comma must appear between each value in an array.",
  ]);
  assert.deepEqual(problems('{"a": tru}').slice(0, 1), [
    'f.json:1,7-10: Invalid JSON keyword; "tru" is not a valid JSON keyword. Did you mean "true"?',
  ]);
});
