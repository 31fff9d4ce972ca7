/**
 * Writes out `dynamic "type" { for_each iterator labels content {} }`: the body that is read
 * through this one seems to have the blocks that its dynamic blocks make.
 */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { evaluate } from "../eval/evaluate.ts";
import { childScope, type Scope } from "../eval/scope.ts";
import type { Range } from "../source.ts";
import type { Expression } from "../syntax/ast.ts";
import { convert } from "../values/convert.ts";
import { STRING, typeName } from "../values/type.ts";
import {
  isIterable,
  isKnown,
  isNull,
  iterate,
  object,
  stringOf,
  type Value,
} from "../values/value.ts";
import {
  type Attribute,
  type Block,
  type BlockSchema,
  type Body,
  type BodyContent,
  type BodySchema,
  evaluateAttribute,
} from "./body.ts";

const DYNAMIC_SCHEMA: BlockSchema = { type: "dynamic", labels: ["type"] };

export class DynamicBody implements Body {
  readonly #original: Body;
  readonly #scope: Scope;
  readonly #hidden: ReadonlySet<string>;

  constructor(original: Body, scope: Scope, hidden: ReadonlySet<string> = new Set()) {
    this.#original = original;
    this.#scope = scope;
    this.#hidden = hidden;
  }

  get missingItemRange(): Range {
    return this.#original.missingItemRange;
  }

  withScope(scope: Scope): Body {
    return new DynamicBody(this.#original.withScope(scope), scope, this.#hidden);
  }

  content(schema: BodySchema, diagnostics: Diagnostic[]): BodyContent {
    const content = this.#original.content(extend(schema), diagnostics);
    const blocks = this.#expand(content.blocks, schema, { partial: false, diagnostics });
    return { attributes: content.attributes, blocks };
  }

  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostic[],
  ): { content: BodyContent; rest: Body } {
    const { content } = this.#original.partialContent(extend(schema), diagnostics);
    const blocks = this.#expand(content.blocks, schema, { partial: true, diagnostics });
    const hidden = new Set([...this.#hidden, ...schema.blocks.map((block) => block.type)]);
    const { rest } = this.#original.partialContent(schema, []);
    return {
      content: { attributes: content.attributes, blocks },
      rest: new DynamicBody(rest, this.#scope, hidden),
    };
  }

  justAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute> {
    return this.#original.justAttributes(diagnostics);
  }

  freeFormAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute> {
    return this.#original.freeFormAttributes(diagnostics);
  }

  #expand(
    raw: readonly Block[],
    schema: BodySchema,
    run: { partial: boolean; diagnostics: Diagnostic[] },
  ): Block[] {
    const wanted = new Map(schema.blocks.map((block) => [block.type, block]));
    return raw.flatMap((block): Block[] => {
      if (block.type !== "dynamic") {
        return [{ ...block, body: new DynamicBody(block.body, this.#scope) }];
      }
      const type = block.labels[0] ?? "";
      if (this.#hidden.has(type)) return [];
      const blockSchema = wanted.get(type);
      if (blockSchema !== undefined) {
        return expandDynamic({ schema: blockSchema, block, scope: this.#scope }, run.diagnostics);
      }
      if (!run.partial) {
        const detail = `Blocks of type "${type}" are not expected here.`;
        const where = block.labelRanges[0] ?? block.typeRange;
        run.diagnostics.push(errorAt(where, "Unsupported block type", detail));
      }
      return [];
    });
  }
}

function extend(schema: BodySchema): BodySchema {
  return { ...schema, blocks: [...schema.blocks, DYNAMIC_SCHEMA] };
}

interface DynamicSpec {
  /** What the blocks that it makes look like. */
  readonly schema: BlockSchema;
  readonly block: Block;
  readonly scope: Scope;
}

function expandDynamic(spec: DynamicSpec, diagnostics: Diagnostic[]): Block[] {
  const mark = diagnostics.length;
  const content = spec.block.body.content(dynamicSchema(spec.schema), diagnostics);
  if (diagnostics.length > mark) return [];
  const forEach = content.attributes.get("for_each");
  if (forEach === undefined) return [];
  const collection = evaluateForEach(forEach, diagnostics);
  const iterator = iteratorName(content.attributes.get("iterator"), spec, diagnostics);
  const labels = labelExpressions(content.attributes.get("labels"), spec.schema, diagnostics);
  const template = contentBlock(content.blocks, spec.block, diagnostics);
  if (diagnostics.length > mark || template === null || collection === null) return [];
  return iterate(collection).flatMap(([key, value]) => {
    const round = object(
      new Map([
        ["key", key],
        ["value", value],
      ]),
    );
    const scope = childScope(spec.scope, new Map([[iterator, round]]));
    const evaluated = evaluateLabels(labels, scope, diagnostics);
    if (evaluated === null) return [];
    return [
      {
        ...spec.block,
        type: spec.schema.type,
        labels: evaluated,
        labelRanges: labels.map((label) => label.range),
        body: new DynamicBody(template.body.withScope(scope), scope),
      },
    ];
  });
}

function dynamicSchema(schema: BlockSchema): BodySchema {
  return {
    attributes: [
      { name: "for_each", required: true },
      { name: "iterator" },
      { name: "labels", required: schema.labels.length > 0 },
    ],
    blocks: [{ type: "content", labels: [] }],
  };
}

function evaluateForEach(attribute: Attribute, diagnostics: Diagnostic[]): Value | null {
  const mark = diagnostics.length;
  const value = evaluateAttribute(attribute, diagnostics);
  if (diagnostics.length > mark || !isKnown(value)) return null;
  const fail = (detail: string): null => {
    const where = attribute.expression.range;
    diagnostics.push(errorAt(where, "Invalid dynamic for_each value", detail));
    return null;
  };
  if (isNull(value)) return fail("Cannot use a null value in for_each.");
  if (isIterable(value)) return value;
  const kind = typeName(value.type);
  return fail(`Cannot use a ${kind} value in for_each. An iterable collection is required.`);
}

function iteratorName(
  attribute: Attribute | undefined,
  spec: DynamicSpec,
  diagnostics: Diagnostic[],
): string {
  if (attribute === undefined) return spec.schema.type;
  const { expression } = attribute;
  if (expression.kind === "variable" && expression.steps.length === 0) return expression.root;
  const detail = "Dynamic iterator must be a single variable name.";
  diagnostics.push(errorAt(expression.range, "Invalid dynamic iterator name", detail));
  return spec.schema.type;
}

function labelExpressions(
  attribute: Attribute | undefined,
  schema: BlockSchema,
  diagnostics: Diagnostic[],
): readonly Expression[] {
  if (attribute === undefined) return [];
  const { expression } = attribute;
  if (expression.kind !== "tuple") {
    const detail = "A static list expression is required.";
    diagnostics.push(errorAt(expression.range, "Invalid expression", detail));
    return [];
  }
  const wanted = schema.labels.length;
  const detail = `Blocks of type "${schema.type}" require ${wanted} label(s).`;
  const extra = expression.items[wanted];
  if (extra !== undefined) {
    diagnostics.push(errorAt(extra.range, "Extraneous dynamic block label", detail));
  } else if (expression.items.length < wanted) {
    diagnostics.push(errorAt(expression.range, "Insufficient dynamic block labels", detail));
  }
  return expression.items;
}

function contentBlock(
  blocks: readonly Block[],
  dynamic: Block,
  diagnostics: Diagnostic[],
): Block | null {
  const [first, second] = blocks;
  if (first === undefined) {
    const detail =
      'A dynamic block must have a nested block of type "content" to describe the body of each generated block.';
    const where = dynamic.body.missingItemRange;
    diagnostics.push(errorAt(where, "Missing dynamic content block", detail));
    return null;
  }
  if (second !== undefined) {
    const detail = "Only one nested content block is allowed for each dynamic block.";
    diagnostics.push(errorAt(second.headerRange, "Extraneous dynamic content block", detail));
  }
  return first;
}

/** Null when one is no text. */
function evaluateLabels(
  expressions: readonly Expression[],
  scope: Scope,
  diagnostics: Diagnostic[],
): string[] | null {
  const mark = diagnostics.length;
  const labels = expressions.map((expression) => {
    const value = evaluate(expression, { scope, diagnostics });
    const fail = (detail: string): string => {
      diagnostics.push(errorAt(expression.range, "Invalid dynamic block label", detail));
      return "";
    };
    const converted = convert(value, STRING);
    if (!converted.ok) {
      return fail(`Cannot use this value as a dynamic block label: ${converted.message}.`);
    }
    if (isNull(value)) return fail("Cannot use a null value as a dynamic block label.");
    if (!isKnown(converted.value)) {
      return fail(
        "This value is not yet known. Dynamic block labels must be immediately-known values.",
      );
    }
    return stringOf(converted.value);
  });
  return diagnostics.length > mark ? null : labels;
}
