/** What the parser makes of a file. Every node knows its place. */
import { type Range, rangeBetween } from "../source.ts";
import type { Value } from "../values/value.ts";

export interface BodySyntax {
  readonly attributes: ReadonlyMap<string, AttributeSyntax>;
  readonly blocks: readonly BlockSyntax[];
  readonly range: Range;
}

export interface AttributeSyntax {
  readonly name: string;
  readonly nameRange: Range;
  readonly expression: Expression;
  readonly range: Range;
}

export interface BlockSyntax {
  readonly type: string;
  readonly typeRange: Range;
  readonly labels: readonly string[];
  readonly labelRanges: readonly Range[];
  readonly openBraceRange: Range;
  readonly body: BodySyntax;
}

export type Step =
  | { readonly kind: "attribute"; readonly name: string; readonly range: Range }
  | { readonly kind: "index"; readonly key: Value; readonly range: Range };

export interface LiteralExpression {
  readonly kind: "literal";
  readonly value: Value;
  readonly range: Range;
}

/** A name and what is read from it: `var.image`, `attr.cpu[0]`. */
export interface VariableExpression {
  readonly kind: "variable";
  readonly root: string;
  readonly rootRange: Range;
  readonly steps: readonly Step[];
  readonly range: Range;
  /** When it stands alone between `${` and `}`: all that stands there, with its spaces. */
  readonly sequenceRange: Range | null;
}

/** Steps from a value that is not a name: `f().a`. */
export interface RelativeExpression {
  readonly kind: "relative";
  readonly source: Expression;
  readonly steps: readonly Step[];
  readonly range: Range;
}

export interface TemplateExpression {
  readonly kind: "template";
  readonly parts: readonly Expression[];
  readonly range: Range;
}

/** `"${x}"` is x itself, whatever its type. */
export interface TemplateWrapExpression {
  readonly kind: "templateWrap";
  readonly wrapped: Expression;
  readonly range: Range;
}

/** A `%{ for }` directive: the text of all rounds, joined. */
export interface TemplateJoinExpression {
  readonly kind: "templateJoin";
  readonly tuple: ForExpression;
  readonly range: Range;
}

export interface CallExpression {
  readonly kind: "call";
  readonly name: string;
  readonly nameRange: Range;
  readonly openRange: Range;
  readonly closeRange: Range;
  readonly arguments: readonly Expression[];
  /** The last argument is a list whose elements are the arguments: `f(list...)`. */
  readonly expandFinal: boolean;
  readonly range: Range;
}

export interface TupleExpression {
  readonly kind: "tuple";
  readonly items: readonly Expression[];
  readonly openRange: Range;
  readonly range: Range;
}

export interface ObjectItem {
  readonly key: Expression;
  /** In parentheses a bare name is a variable, not the key itself. */
  readonly keyIsComputed: boolean;
  readonly value: Expression;
}

export interface ObjectExpression {
  readonly kind: "object";
  readonly items: readonly ObjectItem[];
  readonly openRange: Range;
  readonly range: Range;
}

export interface ForExpression {
  readonly kind: "for";
  readonly makesObject: boolean;
  readonly keyName: string | null;
  readonly valueName: string;
  readonly collection: Expression;
  readonly key: Expression | null;
  readonly value: Expression;
  readonly condition: Expression | null;
  readonly group: boolean;
  readonly openRange: Range;
  readonly range: Range;
}

export interface ConditionalExpression {
  readonly kind: "conditional";
  readonly condition: Expression;
  readonly whenTrue: Expression;
  readonly whenFalse: Expression;
  readonly range: Range;
}

export type BinaryOperator =
  | "||"
  | "&&"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";

export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly range: Range;
}

export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: "-" | "!";
  readonly operatorRange: Range;
  readonly operand: Expression;
  readonly range: Range;
}

export interface ParenthesesExpression {
  readonly kind: "parentheses";
  readonly inner: Expression;
  readonly range: Range;
}

export interface IndexExpression {
  readonly kind: "index";
  readonly collection: Expression;
  readonly key: Expression;
  readonly bracketRange: Range;
  readonly range: Range;
}

/** `list[*].name`: `each` is evaluated with the element in place of its anonymous symbol. */
export interface SplatExpression {
  readonly kind: "splat";
  readonly source: Expression;
  readonly each: Expression;
  readonly markerRange: Range;
  readonly range: Range;
}

/** A string of a JSON file: a template where names are allowed, plain text elsewhere. */
export interface JsonStringExpression {
  readonly kind: "jsonString";
  readonly text: string;
  readonly range: Range;
}

export interface AnonymousExpression {
  readonly kind: "anonymous";
  readonly range: Range;
}

export type Expression =
  | LiteralExpression
  | VariableExpression
  | RelativeExpression
  | TemplateExpression
  | TemplateWrapExpression
  | TemplateJoinExpression
  | CallExpression
  | TupleExpression
  | ObjectExpression
  | ForExpression
  | ConditionalExpression
  | BinaryExpression
  | UnaryExpression
  | ParenthesesExpression
  | IndexExpression
  | SplatExpression
  | JsonStringExpression
  | AnonymousExpression;

/** Where an expression begins to say something: messages about its value point here. */
export function startRange(expression: Expression): Range {
  switch (expression.kind) {
    case "splat":
      return expression.markerRange;
    case "template":
      return startRange(expression.parts[0] ?? { kind: "anonymous", range: expression.range });
    case "templateWrap":
      return startRange(expression.wrapped);
    case "templateJoin":
      return startRange(expression.tuple);
    case "call":
      return rangeBetween(expression.nameRange, expression.openRange);
    case "tuple":
    case "object":
    case "for":
      return expression.openRange;
    case "conditional":
      return startRange(expression.condition);
    case "binary":
      return startRange(expression.left);
    case "index":
      return startRange(expression.collection);
    case "unary":
      return expression.operatorRange;
    case "variable":
    case "relative":
    case "parentheses":
    case "literal":
    case "jsonString":
    case "anonymous":
      return expression.range;
  }
}
