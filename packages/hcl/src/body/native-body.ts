/** A body in the native syntax, with `dynamic` blocks written out. */
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
import { expandDynamic } from "./dynamic.ts";

const DYNAMIC_SCHEMA: BlockSchema = { type: "dynamic", labels: ["type"] };

export interface NativeBodyOptions {
  readonly scope: Scope;
  /** `dynamic "x" {}` makes blocks of type x. */
  readonly dynamicBlocks: boolean;
}

export class NativeBody implements Body {
  readonly #syntax: BodySyntax;
  readonly #options: NativeBodyOptions;
  readonly #hidden: ReadonlySet<string>;

  constructor(
    syntax: BodySyntax,
    options: NativeBodyOptions,
    hidden: ReadonlySet<string> = new Set(),
  ) {
    this.#syntax = syntax;
    this.#options = options;
    this.#hidden = hidden;
  }

  get missingItemRange(): Range {
    return startOf(this.#syntax.range);
  }

  withScope(scope: Scope): Body {
    return new NativeBody(this.#syntax, { ...this.#options, scope }, this.#hidden);
  }

  content(schema: BodySchema, diagnostics: Diagnostic[]): BodyContent {
    const attributes = this.#attributes(schema, diagnostics);
    const raw = this.#rawBlocks(schema, diagnostics);
    const full = this.#options.dynamicBlocks
      ? { ...schema, blocks: [...schema.blocks, DYNAMIC_SCHEMA] }
      : schema;
    this.#reportOthers(full, attributes, diagnostics);
    return { attributes, blocks: this.#expand(raw, schema, { partial: false, diagnostics }) };
  }

  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostic[],
  ): { content: BodyContent; rest: Body } {
    const attributes = this.#attributes(schema, diagnostics);
    const raw = this.#rawBlocks(schema, diagnostics);
    const blocks = this.#expand(raw, schema, { partial: true, diagnostics });
    const hidden = new Set(this.#hidden);
    for (const attribute of schema.attributes) hidden.add(attribute.name);
    for (const block of schema.blocks) hidden.add(block.type);
    const rest = new NativeBody(this.#syntax, this.#options, hidden);
    return { content: { attributes, blocks }, rest };
  }

  allAttributes(): ReadonlyMap<string, Attribute> {
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of this.#syntax.attributes) {
      if (this.#hidden.has(name)) continue;
      const expression = objectAsTuple(attribute.expression);
      attributes.set(name, { ...this.#attribute(attribute), expression });
    }
    for (const [type, blocks] of blocksByType(this.#syntax.blocks)) {
      const [first] = blocks;
      if (first === undefined || this.#hidden.has(type)) continue;
      attributes.set(type, {
        name: type,
        nameRange: first.typeRange,
        range: first.body.range,
        expression: blocksAsExpression(blocks),
        scope: this.#options.scope,
      });
    }
    return attributes;
  }

  #attribute(syntax: AttributeSyntax): Attribute {
    return { ...syntax, scope: this.#options.scope };
  }

  #attributes(schema: BodySchema, diagnostics: Diagnostic[]): Map<string, Attribute> {
    const found = new Map<string, Attribute>();
    for (const { name, required } of schema.attributes) {
      const attribute = this.#syntax.attributes.get(name);
      if (attribute !== undefined && !this.#hidden.has(name)) {
        found.set(name, this.#attribute(attribute));
      } else if (required === true) {
        diagnostics.push(missingArgument(name, this.missingItemRange));
      }
    }
    return found;
  }

  /** Blocks that the schema asks for, and `dynamic` ones, with the right number of labels. */
  #rawBlocks(schema: BodySchema, diagnostics: Diagnostic[]): BlockSyntax[] {
    const wanted = new Map(schema.blocks.map((block) => [block.type, block]));
    if (this.#options.dynamicBlocks) wanted.set("dynamic", DYNAMIC_SCHEMA);
    return this.#syntax.blocks.filter((block) => {
      const blockSchema = wanted.get(block.type);
      if (blockSchema === undefined || this.#hidden.has(block.type)) return false;
      const problem = labelProblem(block, blockSchema);
      if (problem !== null) diagnostics.push(problem);
      return problem === null;
    });
  }

  #reportOthers(
    schema: BodySchema,
    taken: ReadonlyMap<string, Attribute>,
    diagnostics: Diagnostic[],
  ): void {
    const names = new Set(schema.attributes.map((attribute) => attribute.name));
    for (const [name, attribute] of this.#syntax.attributes) {
      if (this.#hidden.has(name) || names.has(name)) continue;
      diagnostics.push(unsupportedArgument(name, attribute.nameRange, schema, taken));
    }
    const types = new Set(schema.blocks.map((block) => block.type));
    for (const block of this.#syntax.blocks) {
      if (this.#hidden.has(block.type) || types.has(block.type)) continue;
      diagnostics.push(unsupportedBlock(block.type, block.typeRange, schema));
    }
  }

  #expand(
    raw: readonly BlockSyntax[],
    schema: BodySchema,
    run: { partial: boolean; diagnostics: Diagnostic[] },
  ): Block[] {
    const wanted = new Map(schema.blocks.map((block) => [block.type, block]));
    return raw.flatMap((block): Block[] => {
      if (block.type !== "dynamic" || !this.#options.dynamicBlocks) return [this.#block(block)];
      const realType = block.labels[0] ?? "";
      if (this.#hidden.has(realType)) return [];
      const blockSchema = wanted.get(realType);
      if (blockSchema !== undefined) {
        const spec = { schema: blockSchema, block: this.#block(block), scope: this.#options.scope };
        return expandDynamic(spec, run.diagnostics);
      }
      if (!run.partial) {
        const detail = `Blocks of type "${realType}" are not expected here.`;
        const where = block.labelRanges[0] ?? block.typeRange;
        run.diagnostics.push(errorAt(where, "Unsupported block type", detail));
      }
      return [];
    });
  }

  #block(syntax: BlockSyntax): Block {
    const last = syntax.labelRanges.at(-1) ?? syntax.typeRange;
    return {
      type: syntax.type,
      typeRange: syntax.typeRange,
      labels: syntax.labels,
      labelRanges: syntax.labelRanges,
      headerRange: rangeBetween(syntax.typeRange, last),
      body: new NativeBody(syntax.body, this.#options),
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
