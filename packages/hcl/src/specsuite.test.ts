/** The language's own test suite: each case is a file, what to read from it, and the result. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { type Body, evaluateAttribute } from "./body/body.ts";
import { NativeBody } from "./body/native-body.ts";
import { type Diagnostic, hasErrors } from "./diagnostic.ts";
import { evaluate } from "./eval/evaluate.ts";
import type { Scope } from "./eval/scope.ts";
import { encodeJson } from "./functions/json-text.ts";
import { standardFunctions } from "./functions/standard.ts";
import { position } from "./source.ts";
import type { BlockSyntax, BodySyntax } from "./syntax/ast.ts";
import { parseFile } from "./syntax/parse.ts";
import { NULL, object, stringOf, tuple, type Value } from "./values/value.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const SHARED = process.env.DROVER_SHARED ?? join(REPOSITORY, "..", "shared");
const SUITE = join(SHARED, "conformance", "hcl", "specsuite", "tests");

function parse(path: string): { body: BodySyntax; diagnostics: Diagnostic[] } {
  return parseFile({ name: path, text: readFileSync(path, "utf8") });
}

function readValue(body: BodySyntax, name: string, scope: Scope): Value | undefined {
  const attribute = body.attributes.get(name);
  return attribute && evaluate(attribute.expression, { scope, diagnostics: [] });
}

/** Interprets a specification of what to read from a body. */
class SpecReader {
  readonly #scope: Scope;
  readonly diagnostics: Diagnostic[] = [];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  read(spec: BlockSyntax, body: Body): Value {
    const parts = this.#partsOf(spec);
    const schema = {
      attributes: parts.filter((p) => p.type === "attr").map((p) => ({ name: this.#name(p) })),
      blocks: parts
        .filter((p) => p.type.startsWith("block"))
        .map((p) => ({ type: this.#name(p), labels: p.type === "block_map" ? ["key"] : [] })),
    };
    const content = body.content(schema, this.diagnostics);
    const evaluateSpec = (part: BlockSyntax): Value => {
      if (part.type === "literal") return readValue(part.body, "value", this.#scope) ?? NULL;
      if (part.type === "object") {
        const entries = part.body.blocks.map((each): [string, Value] => {
          return [each.labels[0] ?? "", evaluateSpec(each)];
        });
        return object(new Map(entries));
      }
      const name = this.#name(part);
      if (part.type === "attr") {
        const attribute = content.attributes.get(name);
        return attribute ? evaluateAttribute(attribute, this.diagnostics) : NULL;
      }
      const blocks = content.blocks.filter((block) => block.type === name);
      const inner = part.body.blocks[0];
      const values = inner ? blocks.map((block) => this.read(inner, block.body)) : [];
      if (part.type === "block_list") return tuple(values);
      if (part.type === "block") return values[0] ?? NULL;
      const keyed = blocks.map((block, i): [string, Value] => {
        return [block.labels[0] ?? "", values[i] ?? NULL];
      });
      return object(new Map(keyed));
    };
    return evaluateSpec(spec);
  }

  #name(spec: BlockSyntax): string {
    const option = spec.type === "attr" ? "name" : "block_type";
    const written = readValue(spec.body, option, this.#scope);
    return written ? stringOf(written) : (spec.labels[0] ?? "");
  }

  #partsOf(spec: BlockSyntax): BlockSyntax[] {
    return spec.type === "object"
      ? spec.body.blocks.flatMap((each) => this.#partsOf(each))
      : [spec];
  }
}

function expectedPlaces(test: BodySyntax, scope: Scope): string[] {
  const list = test.blocks.find((block) => block.type === "diagnostics")?.body.blocks ?? [];
  return list
    .map(({ body }) => {
      const place = (type: string) => {
        const at = body.blocks.find((block) => block.type === type);
        const part = (name: string) => (at ? readValue(at.body, name, scope) : undefined) ?? NULL;
        return `${encodeJson(part("line"))}:${encodeJson(part("column"))}`;
      };
      return `${place("from")}-${place("to")}`;
    })
    .sort();
}

function places(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics
    .map(({ range }) => {
      if (range === null) return "nowhere";
      const [start, end] = [range.start, range.end].map((at) => position(range.source, at));
      return `${start?.line}:${start?.column}-${end?.line}:${end?.column}`;
    })
    .sort();
}

test("the language's test suite passes", () => {
  if (!existsSync(SUITE)) {
    console.log(`skipped: no test suite in ${SUITE}`);
    return;
  }
  const names = readdirSync(SUITE, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".t"))
    .map((name) => join(SUITE, name.slice(0, -2)));
  assert.ok(names.length > 10);
  for (const name of names) {
    const expected = parse(`${name}.t`).body;
    const spec = parse(`${name}.hcldec`).body;
    const { body, diagnostics } = parse(`${name}.hcl`);
    const bare: Scope = { variables: new Map(), functions: standardFunctions(), parent: null };
    const declared = spec.blocks.find((block) => block.type === "variables");
    const variables = new Map(
      [...(declared?.body.attributes.keys() ?? [])].map((key) => {
        return [key, (declared && readValue(declared.body, key, bare)) ?? NULL];
      }),
    );
    const scope: Scope = { ...bare, variables };
    const reader = new SpecReader(scope);
    const root = spec.blocks.find((block) => block.type !== "variables");
    const isRead = !hasErrors(diagnostics) && root !== undefined;
    const value = isRead ? reader.read(root, new NativeBody(body, scope)) : null;
    const problems = root?.type === "literal" ? [] : reader.diagnostics;
    assert.deepEqual(places([...diagnostics, ...problems]), expectedPlaces(expected, bare), name);
    const result = readValue(expected, "result", bare);
    if (result !== undefined && value !== null) {
      assert.equal(encodeJson(value), encodeJson(result), name);
    }
  }
  console.log(`language test suite: ${names.length} of ${names.length}`);
});
