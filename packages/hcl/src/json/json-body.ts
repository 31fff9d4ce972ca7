/**
 * A body written as JSON: an argument is a property; a block is a property with an object, or an
 * array of objects; each label is one level of objects.
 */

import {
  type Attribute,
  type Block,
  type BlockSchema,
  type Body,
  type BodyContent,
  type BodySchema,
  missingArgument,
} from "../body/body.ts";
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import type { Scope } from "../eval/scope.ts";
import { nameSuggestion } from "../name-suggestion.ts";
import { formatRange, type Range, rangeBetween } from "../source.ts";
import type { Expression } from "../syntax/ast.ts";
import { bool, NULL, number, UNKNOWN } from "../values/value.ts";
import { type JsonMember, type JsonNode, nodeStart } from "./node.ts";

const WRONG_TYPE = "Incorrect JSON value type";
/** A property of this name is a comment. */
const COMMENT = "//";

export class JsonBody implements Body {
  readonly #node: JsonNode;
  readonly #scope: Scope;
  readonly #hidden: ReadonlySet<string>;

  constructor(node: JsonNode, scope: Scope, hidden: ReadonlySet<string> = new Set()) {
    this.#node = node;
    this.#scope = scope;
    this.#hidden = hidden;
  }

  get missingItemRange(): Range {
    return this.#node.kind === "object" ? this.#node.closeRange : nodeStart(this.#node);
  }

  withScope(scope: Scope): Body {
    return new JsonBody(this.#node, scope, this.#hidden);
  }

  content(schema: BodySchema, diagnostics: Diagnostic[]): BodyContent {
    const { content } = this.partialContent(schema, diagnostics);
    const attributes = schema.attributes.map((each) => each.name);
    const known = new Set([...attributes, ...schema.blocks.map((each) => each.type)]);
    const candidates = [
      ...attributes.filter((name) => !content.attributes.has(name)),
      ...schema.blocks.map((each) => each.type),
    ];
    for (const { name, nameRange } of collectMembers(this.#node, null, [])) {
      if (name === COMMENT || known.has(name) || this.#hidden.has(name)) continue;
      const suggestion = nameSuggestion(name, candidates);
      const hint = suggestion === null ? "" : ` Did you mean "${suggestion}"?`;
      const detail = `No argument or block type is named "${name}".${hint}`;
      diagnostics.push(errorAt(nameRange, "Extraneous JSON object property", detail));
    }
    return content;
  }

  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostic[],
  ): { content: BodyContent; rest: Body } {
    const attributeNames = new Set(schema.attributes.map((each) => each.name));
    const blockSchemas = new Map(schema.blocks.map((each) => [each.type, each]));
    const attributes = new Map<string, Attribute>();
    const blocks: Block[] = [];
    for (const member of collectMembers(this.#node, null, diagnostics)) {
      if (this.#hidden.has(member.name)) continue;
      const blockSchema = blockSchemas.get(member.name);
      if (attributeNames.has(member.name)) this.#addAttribute(member, attributes, diagnostics);
      else if (blockSchema !== undefined) {
        this.#addBlocks(member, blockSchema, { labels: [], labelRanges: [], blocks, diagnostics });
      }
    }
    for (const { name, required } of schema.attributes) {
      if (required === true && !attributes.has(name)) {
        diagnostics.push(missingArgument(name, this.missingItemRange));
      }
    }
    const hidden = new Set([...this.#hidden, ...attributeNames, ...blockSchemas.keys()]);
    const rest = new JsonBody(this.#node, this.#scope, hidden);
    return { content: { attributes, blocks }, rest };
  }

  justAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute> {
    const attributes = new Map<string, Attribute>();
    if (this.#node.kind !== "object" && this.#node.kind !== "array") {
      const detail = "A JSON object is required here, setting the arguments for this block.";
      diagnostics.push(errorAt(nodeStart(this.#node), WRONG_TYPE, detail));
      return attributes;
    }
    for (const member of collectMembers(this.#node, null, diagnostics)) {
      if (member.name === COMMENT || this.#hidden.has(member.name)) continue;
      this.#addAttribute(member, attributes, diagnostics);
    }
    return attributes;
  }

  freeFormAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute> {
    return this.justAttributes(diagnostics);
  }

  #addAttribute(
    member: JsonMember,
    attributes: Map<string, Attribute>,
    diagnostics: Diagnostic[],
  ): void {
    const { name, nameRange } = member;
    const existing = attributes.get(name);
    if (existing !== undefined) {
      const detail = `The argument "${name}" was already set at ${formatRange(existing.range)}.`;
      diagnostics.push(errorAt(nameRange, "Duplicate argument", detail));
      return;
    }
    attributes.set(name, {
      name,
      nameRange,
      range: rangeBetween(nameRange, member.value.range),
      expression: nodeToExpression(member.value),
      scope: this.#scope,
    });
  }

  #addBlocks(
    member: JsonMember,
    schema: BlockSchema,
    run: {
      labels: readonly string[];
      labelRanges: readonly Range[];
      blocks: Block[];
      diagnostics: Diagnostic[];
    },
  ): void {
    const { value } = member;
    const label = schema.labels[run.labels.length];
    if (label !== undefined) {
      const members = collectMembers(value, label, run.diagnostics);
      if (members.length === 0) {
        const detail = `At least one object property is required, whose name represents the ${schema.type} block's ${label}.`;
        run.diagnostics.push(errorAt(nodeStart(value), "Missing block label", detail));
      }
      for (const each of members) {
        const labels = [...run.labels, each.name];
        const labelRanges = [...run.labelRanges, each.nameRange];
        const named = { ...each, nameRange: member.nameRange };
        this.#addBlocks(named, schema, { ...run, labels, labelRanges });
      }
      return;
    }
    if (value.kind === "null") return;
    if (value.kind !== "object" && value.kind !== "array") {
      const detail = `Either a JSON object or a JSON array is required, representing the contents of one or more "${schema.type}" blocks.`;
      run.diagnostics.push(errorAt(nodeStart(value), WRONG_TYPE, detail));
      return;
    }
    for (const body of value.kind === "array" ? value.items : [value]) {
      run.blocks.push({
        type: schema.type,
        typeRange: member.nameRange,
        labels: run.labels,
        labelRanges: run.labelRanges,
        headerRange: value.openRange,
        body: new JsonBody(body, this.#scope),
      });
    }
  }
}

/** Properties of an object, or of all objects of an array. */
function collectMembers(
  node: JsonNode,
  label: string | null,
  diagnostics: Diagnostic[],
): readonly JsonMember[] {
  const purpose =
    label === null
      ? "to define arguments and child blocks."
      : `to specify ${label} labels for this block.`;
  if (node.kind === "null") return [];
  if (node.kind === "object") return node.members;
  if (node.kind !== "array") {
    const detail = `Either a JSON object or JSON array of objects is required here, ${purpose}`;
    diagnostics.push(errorAt(nodeStart(node), WRONG_TYPE, detail));
    return [];
  }
  return node.items.flatMap((item) => {
    if (item.kind === "object") return item.members;
    const detail = `A JSON object is required here, ${purpose}`;
    diagnostics.push(errorAt(nodeStart(item), WRONG_TYPE, detail));
    return [];
  });
}

function nodeToExpression(node: JsonNode): Expression {
  const { range } = node;
  switch (node.kind) {
    case "object":
      return {
        kind: "object",
        items: node.members.map(({ name, nameRange, value }) => ({
          key: { kind: "jsonString", text: name, range: nameRange },
          keyIsComputed: true,
          value: nodeToExpression(value),
        })),
        openRange: node.openRange,
        range,
      };
    case "array": {
      const items = node.items.map(nodeToExpression);
      return { kind: "tuple", items, openRange: node.openRange, range };
    }
    case "string":
      return { kind: "jsonString", text: node.text, range };
    case "number":
      return { kind: "literal", value: number(node.value), range };
    case "bool":
      return { kind: "literal", value: bool(node.value), range };
    case "null":
      return { kind: "literal", value: NULL, range };
    case "invalid":
      return { kind: "literal", value: UNKNOWN, range };
  }
}
