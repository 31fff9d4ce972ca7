/** The operators of spec §6.3. */
import assert from "node:assert/strict";
import test from "node:test";
import { mockNode } from "@drover/model/testing";
import { constraintText, escapesClass, meetsConstraint } from "./constraint.ts";
import { resolveTarget } from "./target.ts";

/** A reference as job files write it. */
const $ = (path: string) => `\${${path}}`;

const node = mockNode({
  name: "n1",
  nodeClass: "large",
  attributes: { "kernel.name": "linux", "cpu.numcores": "4", version: "1.4.2", tags: "a, b,c" },
  meta: { rack: "r1", ratio: "1.5" },
});

type Row = readonly [left: string, operand: string, right: string, expected: boolean];
const rows: readonly Row[] = [
  [$("attr.kernel.name"), "=", "linux", true],
  [$("attr.kernel.name"), "==", "windows", false],
  [$("attr.kernel.name"), "is", "linux", true],
  [$("attr.missing"), "=", "linux", false],
  [$("attr.kernel.name"), "!=", "windows", true],
  [$("attr.missing"), "!=", "linux", true],
  [$("attr.missing"), "not", "linux", true],
  [$("attr.kernel.name"), "not", "linux", false],
  [$("attr.cpu.numcores"), ">=", "4", true],
  [$("attr.cpu.numcores"), ">", "10", false],
  [$("attr.cpu.numcores"), "<", "10", true],
  [$("meta.ratio"), "<=", "1.5", true],
  [$("meta.ratio"), ">", "1.25", true],
  [$("meta.rack"), "<", "r2", true],
  [$("attr.missing"), "<", "1", false],
  [$("attr.version"), "version", ">= 1.0, < 2", true],
  [$("attr.version"), "semver", "> 1.4.2", false],
  [$("attr.kernel.name"), "regexp", "^li.*x$", true],
  [$("attr.kernel.name"), "regexp", "(?i)LINUX", true],
  [$("attr.kernel.name"), "regexp", "(", false],
  [$("attr.tags"), "set_contains", "a,c", true],
  [$("attr.tags"), "set_contains_all", "a,d", false],
  [$("attr.tags"), "set_contains_any", "d,b", true],
  [$("attr.tags"), "set_contains_any", "d", false],
  [$("attr.kernel.name"), "is_set", "", true],
  [$("attr.missing"), "is_set", "", false],
  [$("attr.missing"), "is_not_set", "", true],
  [$("node.class"), "=", "large", true],
  [$("node.unique.name"), "=", "n1", true],
  [$("node.datacenter"), "=", "dc1", true],
  [$("node.pool"), "=", "default", true],
  ["large", "=", $("node.class"), true],
  [$("attr.kernel.name"), "unheard of", "linux", false],
];

for (const [lTarget, operand, rTarget, expected] of rows) {
  test(`${lTarget} ${operand} ${rTarget} is ${expected}`, () => {
    assert.equal(meetsConstraint({ lTarget, operand, rTarget }, node), expected);
  });
}

test("a constraint reads as it is counted in the metrics", () => {
  const constraint = { lTarget: $("attr.kernel.name"), operand: "=", rTarget: "plan9" };
  assert.equal(constraintText(constraint), `${$("attr.kernel.name")} = plan9`);
});

test("only unique attributes escape the computed class", () => {
  const on = (lTarget: string) => escapesClass({ lTarget, operand: "=", rTarget: "x" });
  assert.equal(on($("node.unique.name")), true);
  assert.equal(on($("attr.unique.hostname")), true);
  assert.equal(on($("meta.unique.x")), true);
  assert.equal(on($("attr.kernel.name")), false);
});

test("inherited members of an object are no attributes", () => {
  assert.equal(resolveTarget($("attr.constructor"), node), undefined);
});
