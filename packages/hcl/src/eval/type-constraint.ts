/** Reads a type written as an expression: `string`, `list(number)`, `object({a = bool})`. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { type Range, rangeBetween } from "../source.ts";
import type { CallExpression, Expression } from "../syntax/ast.ts";
import { parseExpressionText } from "../syntax/parse.ts";
import {
  BOOL,
  DYNAMIC,
  listOf,
  mapOf,
  NUMBER,
  objectOf,
  STRING,
  setOf,
  type Type,
  tupleOf,
} from "../values/type.ts";

const PRIMITIVES: Readonly<Record<string, Type>> = { bool: BOOL, string: STRING, number: NUMBER };
const COLLECTIONS: Readonly<Record<string, (element: Type) => Type>> = {
  list: listOf,
  set: setOf,
  map: mapOf,
};
const NEEDS_ELEMENT = "type constructor requires one argument specifying the element type.";
const OBJECT_NEEDS =
  "The object type constructor requires one argument specifying the attribute types and values as a map.";
const TUPLE_NEEDS =
  "The tuple type constructor requires one argument specifying the element types as a list.";

/** Null when it is no type; an exact type is wanted, so `any` is refused. */
export function parseTypeConstraint(
  expression: Expression,
  diagnostics: Diagnostic[],
  options: { allowAny: boolean } = { allowAny: false },
): Type | null {
  if (expression.kind === "jsonString") {
    const { name } = expression.range.source;
    const parsed = parseExpressionText({ name, text: expression.text });
    if (parsed.diagnostics.length === 0) {
      return parseTypeConstraint(parsed.expression, diagnostics, options);
    }
  }
  const fail = (where: Range, detail: string): null => {
    diagnostics.push(errorAt(where, "Invalid type specification", detail));
    return null;
  };
  const keyword = keywordOf(expression);
  if (keyword !== null) {
    const primitive = PRIMITIVES[keyword];
    if (primitive !== undefined) return primitive;
    if (keyword === "any" && options.allowAny) return DYNAMIC;
    return fail(expression.range, keywordProblem(keyword));
  }
  if (expression.kind !== "call") {
    return fail(
      expression.range,
      "A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).",
    );
  }
  return parseConstructor(expression, diagnostics, options, fail);
}

function keywordOf(expression: Expression): string | null {
  return expression.kind === "variable" && expression.steps.length === 0 ? expression.root : null;
}

function keywordProblem(keyword: string): string {
  if (keyword === "any") {
    return 'The keyword "any" cannot be used in this type specification: an exact type is required.';
  }
  if (keyword in COLLECTIONS) return `The ${keyword} ${NEEDS_ELEMENT}`;
  if (keyword === "object") return OBJECT_NEEDS;
  if (keyword === "tuple") return TUPLE_NEEDS;
  return `The keyword "${keyword}" is not a valid type specification.`;
}

function parseConstructor(
  call: CallExpression,
  diagnostics: Diagnostic[],
  options: { allowAny: boolean },
  fail: (where: Range, detail: string) => null,
): Type | null {
  const [argument, extra] = call.arguments;
  const last = call.arguments.at(-1);
  const argumentsRange =
    extra === undefined || last === undefined
      ? rangeBetween(call.openRange, call.closeRange)
      : rangeBetween(extra.range, last.range);
  const single = call.arguments.length === 1 ? argument : undefined;
  const collection = COLLECTIONS[call.name];
  if (collection !== undefined) {
    if (single === undefined) return fail(argumentsRange, `The ${call.name} ${NEEDS_ELEMENT}`);
    const element = parseTypeConstraint(single, diagnostics, options);
    return element === null ? null : collection(element);
  }
  if (call.name === "object") {
    if (single === undefined) return fail(argumentsRange, OBJECT_NEEDS);
    return parseObjectType(single, diagnostics, options, fail);
  }
  if (call.name === "tuple") {
    if (single === undefined) return fail(argumentsRange, TUPLE_NEEDS);
    if (single.kind !== "tuple") {
      return fail(single.range, "Tuple type constructor requires a list of element types.");
    }
    const elements = single.items.map((item) => parseTypeConstraint(item, diagnostics, options));
    return elements.every((element) => element !== null) ? tupleOf(elements) : null;
  }
  if (call.name in PRIMITIVES || call.name === "any") {
    const detail = `Primitive type keyword "${call.name}" does not expect arguments.`;
    return fail(argumentsRange, detail);
  }
  return fail(call.range, `Keyword "${call.name}" is not a valid type constructor.`);
}

function parseObjectType(
  expression: Expression,
  diagnostics: Diagnostic[],
  options: { allowAny: boolean },
  fail: (where: Range, detail: string) => null,
): Type | null {
  if (expression.kind !== "object") {
    return fail(
      expression.range,
      "Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.",
    );
  }
  const attributes = new Map<string, Type>();
  for (const item of expression.items) {
    const name = keywordOf(item.key);
    if (name === null) {
      return fail(item.key.range, "Object constructor map keys must be attribute names.");
    }
    const isOptional = item.value.kind === "call" && item.value.name === "optional";
    if (isOptional && !options.allowAny) {
      const detail =
        "Optional attribute modifier is only for type constraints, not for exact types.";
      return fail(item.value.range, detail);
    }
    const [inner] = item.value.kind === "call" && isOptional ? item.value.arguments : [item.value];
    const type = parseTypeConstraint(inner ?? item.value, diagnostics, options);
    if (type === null) return null;
    attributes.set(name, type);
  }
  return objectOf(attributes);
}
