/** A body in the native syntax. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import type { Scope } from "../eval/scope.ts";
import { type Range, rangeBetween, startOf } from "../source.ts";
import type { AttributeSyntax, BlockSyntax, BodySyntax } from "../syntax/ast.ts";
import { blocksAsExpression, blocksByType, objectAsTuple } from "./blocks-as-attributes.ts";
import {
  type Attribute,
  type Block,
  type BlockSchema,
  type Body,
  type BodyContent,
  type BodySchema,
  missingArgument,
  unsupportedArgument,
  unsupportedBlock,
} from "./body.ts";

/** What has been read already by `partialContent`. */
interface Hidden {
  readonly attributes: ReadonlySet<string>;
  readonly blocks: ReadonlySet<string>;
}

export class NativeBody implements Body {
  readonly #syntax: BodySyntax;
  readonly #scope: Scope;
  readonly #hidden: Hidden;

  constructor(
    syntax: BodySyntax,
    scope: Scope,
    hidden: Hidden = { attributes: new Set(), blocks: new Set() },
  ) {
    this.#syntax = syntax;
    this.#scope = scope;
    this.#hidden = hidden;
  }

  get missingItemRange(): Range {
    return startOf(this.#syntax.range);
  }

  withScope(scope: Scope): Body {
    return new NativeBody(this.#syntax, scope, this.#hidden);
  }

  content(schema: BodySchema, diagnostics: Diagnostic[]): BodyContent {
    const attributes = this.#attributes(schema, diagnostics);
    const blocks = this.#blocks(schema, diagnostics);
    this.#reportOthers(schema, attributes, diagnostics);
    return { attributes, blocks };
  }

  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostic[],
  ): { content: BodyContent; rest: Body } {
    const attributes = this.#attributes(schema, diagnostics);
    const blocks = this.#blocks(schema, diagnostics);
    const hidden = {
      attributes: new Set([
        ...this.#hidden.attributes,
        ...schema.attributes.map((attribute) => attribute.name),
      ]),
      blocks: new Set([...this.#hidden.blocks, ...schema.blocks.map((block) => block.type)]),
    };
    const rest = new NativeBody(this.#syntax, this.#scope, hidden);
    return { content: { attributes, blocks }, rest };
  }

  justAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute> {
    const [block] = this.#syntax.blocks;
    if (block !== undefined) {
      const detail = "Blocks are not allowed here.";
      diagnostics.push(errorAt(block.typeRange, `Unexpected "${block.type}" block`, detail));
    }
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of this.#syntax.attributes) {
      if (!this.#hidden.attributes.has(name)) attributes.set(name, this.#attribute(attribute));
    }
    return attributes;
  }

  freeFormAttributes(): ReadonlyMap<string, Attribute> {
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of this.#syntax.attributes) {
      if (this.#hidden.attributes.has(name)) continue;
      const expression = objectAsTuple(attribute.expression);
      attributes.set(name, { ...this.#attribute(attribute), expression });
    }
    for (const [type, blocks] of blocksByType(this.#syntax.blocks)) {
      const [first] = blocks;
      if (first === undefined || this.#hidden.blocks.has(type)) continue;
      attributes.set(type, {
        name: type,
        nameRange: first.typeRange,
        range: first.body.range,
        expression: blocksAsExpression(blocks),
        scope: this.#scope,
      });
    }
    return attributes;
  }

  #attribute(syntax: AttributeSyntax): Attribute {
    return { ...syntax, scope: this.#scope };
  }

  #attributes(schema: BodySchema, diagnostics: Diagnostic[]): Map<string, Attribute> {
    const found = new Map<string, Attribute>();
    for (const { name, required } of schema.attributes) {
      const attribute = this.#syntax.attributes.get(name);
      if (attribute !== undefined && !this.#hidden.attributes.has(name)) {
        found.set(name, this.#attribute(attribute));
      } else if (required === true) {
        diagnostics.push(missingArgument(name, this.missingItemRange));
      }
    }
    return found;
  }

  #blocks(schema: BodySchema, diagnostics: Diagnostic[]): Block[] {
    const wanted = new Map(schema.blocks.map((block) => [block.type, block]));
    return this.#syntax.blocks.flatMap((block) => {
      const blockSchema = wanted.get(block.type);
      if (blockSchema === undefined || this.#hidden.blocks.has(block.type)) return [];
      const problem = labelProblem(block, blockSchema);
      if (problem === null) return [this.#block(block)];
      diagnostics.push(problem);
      return [];
    });
  }

  #reportOthers(
    schema: BodySchema,
    taken: ReadonlyMap<string, Attribute>,
    diagnostics: Diagnostic[],
  ): void {
    const names = new Set(schema.attributes.map((attribute) => attribute.name));
    for (const [name, attribute] of this.#syntax.attributes) {
      if (this.#hidden.attributes.has(name) || names.has(name)) continue;
      diagnostics.push(unsupportedArgument(name, attribute.nameRange, schema, taken));
    }
    const types = new Set(schema.blocks.map((block) => block.type));
    for (const block of this.#syntax.blocks) {
      if (this.#hidden.blocks.has(block.type) || types.has(block.type)) continue;
      diagnostics.push(unsupportedBlock(block.type, block.typeRange, schema));
    }
  }

  #block(syntax: BlockSyntax): Block {
    const last = syntax.labelRanges.at(-1) ?? syntax.typeRange;
    return {
      type: syntax.type,
      typeRange: syntax.typeRange,
      labels: syntax.labels,
      labelRanges: syntax.labelRanges,
      headerRange: rangeBetween(syntax.typeRange, last),
      body: new NativeBody(syntax.body, this.#scope),
    };
  }
}

function labelProblem(block: BlockSyntax, schema: BlockSchema): Diagnostic | null {
  const { type } = block;
  const names = schema.labels;
  const extra = block.labelRanges[names.length];
  if (extra !== undefined) {
    const detail =
      names.length === 0
        ? `No labels are expected for ${type} blocks.`
        : `Only ${names.length} labels (${names.join(", ")}) are expected for ${type} blocks.`;
    return errorAt(extra, `Extraneous label for ${type}`, detail);
  }
  const missing = names[block.labels.length];
  if (missing === undefined) return null;
  const detail = `All ${type} blocks must have ${names.length} labels (${names.join(", ")}).`;
  return errorAt(block.openBraceRange, `Missing ${missing} for ${type}`, detail);
}
