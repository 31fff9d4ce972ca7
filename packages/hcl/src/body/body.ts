/**
 * A body of attributes and blocks, whichever syntax it came in. A reader asks for what it knows
 * (`content`); what else stands there is an error.
 */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { type EvaluationContext, evaluate } from "../eval/evaluate.ts";
import type { Scope } from "../eval/scope.ts";
import { nameSuggestion } from "../name-suggestion.ts";
import type { Range } from "../source.ts";
import type { Expression } from "../syntax/ast.ts";
import type { Value } from "../values/value.ts";

export interface BodySchema {
  readonly attributes: readonly AttributeSchema[];
  readonly blocks: readonly BlockSchema[];
}

export interface AttributeSchema {
  readonly name: string;
  readonly required?: boolean;
}

export interface BlockSchema {
  readonly type: string;
  /** What each label means; as many labels are required. */
  readonly labels: readonly string[];
}

export interface Attribute {
  readonly name: string;
  readonly nameRange: Range;
  readonly range: Range;
  readonly expression: Expression;
  readonly scope: Scope;
}

export interface Block {
  readonly type: string;
  readonly typeRange: Range;
  readonly labels: readonly string[];
  readonly labelRanges: readonly Range[];
  /** Type and labels. */
  readonly headerRange: Range;
  readonly body: Body;
}

export interface BodyContent {
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** In the order of the file. */
  readonly blocks: readonly Block[];
}

export interface Body {
  /** Where something that is missing is reported. */
  readonly missingItemRange: Range;
  /** What `schema` asks for; everything else is reported. */
  content(schema: BodySchema, diagnostics: Diagnostic[]): BodyContent;
  /** What `schema` asks for; the rest is left to `rest`. */
  partialContent(
    schema: BodySchema,
    diagnostics: Diagnostic[],
  ): { content: BodyContent; rest: Body };
  /** Everything as attributes, where the names are not known beforehand; blocks are errors. */
  justAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute>;
  /**
   * As `justAttributes`, but blocks become tuples of objects and objects tuples of one, so that
   * both ways to write one mean the same.
   */
  freeFormAttributes(diagnostics: Diagnostic[]): ReadonlyMap<string, Attribute>;
  /** The same body, with other names to refer to. */
  withScope(scope: Scope): Body;
}

export function evaluateAttribute(attribute: Attribute, diagnostics: Diagnostic[]): Value {
  const context: EvaluationContext = { scope: attribute.scope, diagnostics };
  return evaluate(attribute.expression, context);
}

export function missingArgument(name: string, where: Range): Diagnostic {
  const detail = `The argument "${name}" is required, but no definition was found.`;
  return errorAt(where, "Missing required argument", detail);
}

/** `taken` are the names that the body already has: they are not suggested. */
export function unsupportedArgument(
  name: string,
  where: Range,
  schema: BodySchema,
  taken: ReadonlyMap<string, unknown>,
): Diagnostic {
  const candidates = schema.attributes.map((each) => each.name).filter((each) => !taken.has(each));
  const suggestion = nameSuggestion(name, candidates);
  let hint = "";
  if (suggestion !== null) hint = ` Did you mean "${suggestion}"?`;
  else if (schema.blocks.some((block) => block.type === name)) {
    hint = ` Did you mean to define a block of type "${name}"?`;
  }
  const detail = `An argument named "${name}" is not expected here.${hint}`;
  return errorAt(where, "Unsupported argument", detail);
}

export function unsupportedBlock(type: string, where: Range, schema: BodySchema): Diagnostic {
  const suggestion = nameSuggestion(
    type,
    schema.blocks.map((block) => block.type),
  );
  let hint = "";
  if (suggestion !== null) hint = ` Did you mean "${suggestion}"?`;
  else if (schema.attributes.some((attribute) => attribute.name === type)) {
    hint = ` Did you mean to define argument "${type}"? If so, use the equals sign to assign it a value.`;
  }
  const detail = `Blocks of type "${type}" are not expected here.${hint}`;
  return errorAt(where, "Unsupported block type", detail);
}
