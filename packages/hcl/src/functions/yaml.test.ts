import assert from "node:assert/strict";
import test from "node:test";
import { FunctionError } from "../eval/scope.ts";
import { string, stringOf } from "../values/value.ts";
import { decodeJson, encodeJson } from "./json-text.ts";
import { yamlFunctions } from "./yaml.ts";
import { decodeYaml } from "./yaml-decode.ts";

function encoded(json: string): string {
  const spec = new Map(yamlFunctions()).get("yamlencode");
  assert.ok(spec !== undefined);
  return stringOf(spec.call([decodeJson(json)]));
}

const DECODED: readonly (readonly [yaml: string, json: string])[] = [
  ["", "null"],
  ["a: 1\nb: [x, y]\n", '{"a":1,"b":["x",true]}'],
  ["- a\n- - b\n  - c\n- d: 1\n  e: 2\n", '["a",["b","c"],{"d":1,"e":2}]'],
  ["a:\n- 1\n- 2\nb:\n  c: {d: 1, e: [f]}\n", '{"a":[1,2],"b":{"c":{"d":1,"e":["f"]}}}'],
  ["# note\na: yes # more\nb: 'it''s'\nc: \"x\\ty\"\n", '{"a":true,"b":"it\'s","c":"x\\ty"}'],
  ["a: |\n  one\n   two\n\nb: >-\n  x\n  y\n", '{"a":"one\\n two\\n","b":"x y"}'],
  ["a: &x 5\nb: *x\n", '{"a":5,"b":5}'],
  ["a: &m\n  k: 1\nb:\n  <<: *m\n  l: 2\n", '{"a":{"k":1},"b":{"k":1,"l":2}}'],
  [
    "n: 0x1F\nf: 1.50\ne: 1e3\nt: 12:30\nnil: ~\n",
    '{"e":1000,"f":1.5,"n":31,"nil":null,"t":"12:30"}',
  ],
  ["plain text", '"plain text"'],
  ["url: http://x/y#z\n", '{"url":"http://x/y#z"}'],
];

test("YAML is read as version 1.1 says", () => {
  for (const [yaml, json] of DECODED) assert.equal(encodeJson(decodeYaml(yaml)), json, yaml);
});

test("YAML that is broken is refused", () => {
  for (const yaml of ["a: [1, 2", "a: 1\n  b: 2\n", "a: *none\n", "a\n---\nb\n", "\ta: 1\n"]) {
    assert.throws(() => decodeYaml(yaml), FunctionError, yaml);
  }
});

test("values are written as YAML, keys quoted and in order", () => {
  assert.equal(
    encoded('{"b": [1, "two"], "a": {"c": true, "d": null}, "s": "multi\\nline"}'),
    '"a":\n  "c": true\n  "d": null\n"b":\n- 1\n- "two"\n"s": |-\n  multi\n  line\n',
  );
  assert.equal(encoded('"plain"'), '"plain"\n');
  assert.equal(encoded("[[1, [2]], {}, []]"), "- - 1\n  - - 2\n- {}\n- []\n");
  assert.equal(encoded('[{"a": 1, "b": [2]}]'), '- "a": 1\n  "b":\n  - 2\n');
  assert.equal(
    encodeJson(decodeYaml(encoded('{"k": "v\\n", "l": [{"m": []}]}'))),
    '{"k":"v\\n","l":[{"m":[]}]}',
  );
  assert.equal(encodeJson(string("<&>")), '"\\u003c\\u0026\\u003e"');
});
