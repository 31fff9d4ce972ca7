/** Finds the names that an expression refers to. */
import type { Expression, VariableExpression } from "../syntax/ast.ts";

/** In the order of the text; names that a `for` introduces are not among them. */
export function referencesOf(expression: Expression): VariableExpression[] {
  const found: VariableExpression[] = [];
  walk(expression, new Set(), found);
  return found;
}

function walk(e: Expression, bound: ReadonlySet<string>, found: VariableExpression[]): void {
  if (e.kind === "variable") {
    if (!bound.has(e.root)) found.push(e);
    return;
  }
  if (e.kind === "for") {
    walk(e.collection, bound, found);
    const inner = new Set([...bound, e.valueName, ...(e.keyName === null ? [] : [e.keyName])]);
    for (const part of [e.key, e.value, e.condition]) if (part !== null) walk(part, inner, found);
    return;
  }
  for (const child of childrenOf(e)) walk(child, bound, found);
}

function childrenOf(e: Exclude<Expression, { kind: "variable" | "for" }>): readonly Expression[] {
  switch (e.kind) {
    case "literal":
    case "jsonString":
    case "anonymous":
      return [];
    case "relative":
      return [e.source];
    case "template":
      return e.parts;
    case "templateWrap":
      return [e.wrapped];
    case "templateJoin":
      return [e.tuple];
    case "call":
      return e.arguments;
    case "tuple":
      return e.items;
    case "object":
      return e.items.flatMap((item) => {
        const isName = !item.keyIsComputed && item.key.kind === "variable";
        return isName ? [item.value] : [item.key, item.value];
      });
    case "conditional":
      return [e.condition, e.whenTrue, e.whenFalse];
    case "binary":
      return [e.left, e.right];
    case "unary":
      return [e.operand];
    case "parentheses":
      return [e.inner];
    case "index":
      return [e.collection, e.key];
    case "splat":
      return [e.source, e.each];
  }
}
