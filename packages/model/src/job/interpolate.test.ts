import assert from "node:assert/strict";
import test from "node:test";
import { mockNode } from "../testing/factories.ts";
import { environmentValues, interpolate, interpolateDeep, nodeValues } from "./interpolate.ts";

const ref = (name: string): string => `\${${name}}`;
const node = nodeValues(mockNode({ name: "n1", meta: { rack: "r7" } }));

test("known references are replaced and unknown ones stay", () => {
  const text = `a-${ref("meta.rack")}-${ref("node.unique.name")}-${ref("meta.none")}`;
  assert.equal(interpolate(text, node), `a-r7-n1-${ref("meta.none")}`);
  assert.equal(interpolate(ref(' meta["rack"] '), node), "r7");
});

test("an environment answers to both spellings, in any shape of value", () => {
  const values = environmentValues({ NOMAD_PORT_http: "2000" });
  const config = { args: [`-p=${ref("NOMAD_PORT_http")}`], n: 1, e: ref("env.NOMAD_PORT_http") };
  assert.deepEqual(interpolateDeep(config, values), { args: ["-p=2000"], n: 1, e: "2000" });
});
