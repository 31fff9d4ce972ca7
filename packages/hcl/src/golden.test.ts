/** Expressions and files whose values and problems were noted down from another implementation. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { formatDiagnostic } from "./diagnostic.ts";
import { evaluate } from "./eval/evaluate.ts";
import type { Scope } from "./eval/scope.ts";
import { encodeJson } from "./functions/json-text.ts";
import { standardFunctions } from "./functions/standard.ts";
import { parseExpressionText, parseFile } from "./syntax/parse.ts";
import { NUMBER, objectOf, STRING, typeName } from "./values/type.ts";
import {
  integer,
  isWhollyKnown,
  list,
  map,
  NULL,
  nullOf,
  object,
  set,
  string,
  tuple,
} from "./values/value.ts";

interface Golden {
  readonly input: string;
  readonly value: string;
  readonly problems: readonly string[];
}

/** Blocks of lines: the input, `= value`, `! problem` …; lines with `#` are comments. */
function readGoldens(file: string): Golden[] {
  const path = fileURLToPath(new URL(`../testdata/${file}`, import.meta.url));
  const blocks = readFileSync(path, "utf8").split("\n\n").slice(1);
  return blocks.map((block) => {
    const [input = "", ...lines] = block.trimEnd().split("\n");
    const marked = (mark: string) =>
      lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
    const problems = marked("!").map((line) => JSON.parse(`"${line}"`) as string);
    return { input, value: marked("=")[0] ?? "", problems };
  });
}

function goldenScope(): Scope {
  const one = new Map([["a", NUMBER]]);
  const variables = new Map([
    ["l", tuple([string("b"), string("a"), string("b")])],
    ["n", list(NUMBER, [integer(3), integer(1)])],
    [
      "m",
      map(
        NUMBER,
        new Map([
          ["x", integer(1)],
          ["y", integer(2)],
        ]),
      ),
    ],
    [
      "o",
      object(
        new Map([
          ["a", integer(1)],
          ["s", string("t")],
          ["z", NULL],
        ]),
      ),
    ],
    ["s", set(STRING, [string("q"), string("p")])],
    ["null_s", nullOf(STRING)],
    [
      "lo",
      list(
        objectOf(one),
        [1, 2].map((each) => object(new Map([["a", integer(each)]]))),
      ),
    ],
  ]);
  return { variables, functions: standardFunctions(), parent: null };
}

test("expressions have the values and problems that are written down", () => {
  const scope = goldenScope();
  const goldens = readGoldens("expressions.txt");
  assert.ok(goldens.length > 900);
  for (const { input, value, problems } of goldens) {
    const { expression, diagnostics } = parseExpressionText({ name: "e", text: input });
    const result = diagnostics.length === 0 ? evaluate(expression, { scope, diagnostics }) : null;
    const isKnown = result !== null && isWhollyKnown(result);
    const text = isKnown ? `${encodeJson(result)} (${typeName(result.type)})` : "unknown";
    // An empty list of any type is told apart by no one.
    const withoutAny = (each: string) => each.replace(/(list|set|map) of dynamic|dynamic/, "any");
    assert.deepEqual(diagnostics.map(formatDiagnostic), problems, input);
    assert.equal(withoutAny(text), withoutAny(value), input);
  }
});

test("broken files are reported as it is written down", () => {
  const goldens = readGoldens("syntax.txt");
  assert.ok(goldens.length > 200);
  for (const { input, problems } of goldens) {
    const text = JSON.parse(input) as string;
    const { diagnostics } = parseFile({ name: "f.hcl", text });
    assert.deepEqual(diagnostics.map(formatDiagnostic), problems, input);
  }
});
