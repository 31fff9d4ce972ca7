/** Parses expressions: operators by precedence, then terms with what is read from them. */

import { rangeBetween } from "../source.ts";
import { parseNumber } from "../values/number.ts";
import { FALSE, NULL, number, TRUE, UNKNOWN } from "../values/value.ts";
import type { BinaryOperator, Expression } from "./ast.ts";
import { parseObject, parseTuple } from "./parse-collection.ts";
import { parseSteps } from "./parse-steps.ts";
import { parseTemplate } from "./parse-template.ts";
import type { ParserState } from "./parser-state.ts";
import type { Token } from "./token.ts";

/** Loosest first. */
const PRECEDENCE: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

export function parseExpression(p: ParserState): Expression {
  const mark = p.diagnostics.length;
  const condition = parseBinary(p, 0);
  if (p.isLostSince(mark) || p.peek().type !== "?") return condition;
  p.read();
  const trueMark = p.diagnostics.length;
  const whenTrue = parseExpression(p);
  if (p.isLostSince(trueMark)) return condition;
  const colon = p.peek();
  if (colon.type !== ":") {
    p.error(
      colon.range,
      "Missing false expression in conditional",
      "The conditional operator (...?...:...) requires a false expression, delimited by a colon.",
    );
    return condition;
  }
  p.read();
  const falseMark = p.diagnostics.length;
  const whenFalse = parseExpression(p);
  if (p.isLostSince(falseMark)) return condition;
  const range = rangeBetween(condition.range, whenFalse.range);
  return { kind: "conditional", condition, whenTrue, whenFalse, range };
}

function parseBinary(p: ParserState, level: number): Expression {
  const operators = PRECEDENCE[level];
  if (operators === undefined) return parseWithSteps(p);
  let mark = p.diagnostics.length;
  let left = parseBinary(p, level + 1);
  if (p.isLostSince(mark)) return left;
  while (operators.includes(p.peek().type)) {
    const operator = p.read().type as BinaryOperator;
    mark = p.diagnostics.length;
    const right = parseBinary(p, level + 1);
    if (p.isLostSince(mark)) return left;
    const range = rangeBetween(left.range, right.range);
    left = { kind: "binary", operator, left, right, range };
  }
  return left;
}

function parseWithSteps(p: ParserState): Expression {
  return parseSteps(p, parseTerm(p));
}

function parseTerm(p: ParserState): Expression {
  const start = p.peek();
  switch (start.type) {
    case "(":
      return parseParentheses(p);
    case "number":
      p.read();
      return parseNumberToken(p, start);
    case "identifier":
      return parseName(p);
    case "openQuote":
    case "openHeredoc":
      return parseTemplate(p);
    case "-":
    case "!": {
      p.read();
      const operand = parseWithSteps(p);
      const range = rangeBetween(start.range, operand.range);
      return { kind: "unary", operator: start.type, operatorRange: start.range, operand, range };
    }
    case "[":
      return parseTuple(p);
    case "{":
      return parseObject(p);
    default:
      return reportNoExpression(p, start);
  }
}

function reportNoExpression(p: ParserState, found: Token): Expression {
  if (found.type === "end") {
    p.firstError(
      found.range,
      "Missing expression",
      "Expected the start of an expression, but found the end of the file.",
    );
  } else {
    p.firstError(
      found.range,
      "Invalid expression",
      "Expected the start of an expression, but found an invalid expression token.",
    );
  }
  p.recovering = true;
  return { kind: "literal", value: UNKNOWN, range: found.range };
}

function parseParentheses(p: ParserState): Expression {
  const open = p.read();
  return p.withNewlines(false, () => {
    const mark = p.diagnostics.length;
    const inner = parseExpression(p);
    if (p.diagnostics.length > mark) {
      p.recoverTo(")");
      return inner;
    }
    const close = p.peek();
    if (close.type !== ")") {
      p.error(
        close.range,
        "Unbalanced parentheses",
        "Expected a closing parenthesis to terminate the expression.",
      );
      p.recovering = true;
    }
    p.read();
    return { kind: "parentheses", inner, range: rangeBetween(open.range, close.range) };
  });
}

export function parseNumberToken(p: ParserState, token: Token): Expression {
  const value = parseNumber(token.text);
  if (value !== null) return { kind: "literal", value: number(value), range: token.range };
  p.error(
    token.range,
    "Invalid number literal",
    "Failed to recognize the value of this number literal.",
  );
  return { kind: "literal", value: UNKNOWN, range: token.range };
}

function parseName(p: ParserState): Expression {
  const name = p.read();
  const { range } = name;
  const next = p.peek().type;
  if (next === "(" || next === "::") return parseCall(p, name);
  if (name.text === "true") return { kind: "literal", value: TRUE, range };
  if (name.text === "false") return { kind: "literal", value: FALSE, range };
  if (name.text === "null") return { kind: "literal", value: NULL, range };
  return {
    kind: "variable",
    root: name.text,
    rootRange: range,
    steps: [],
    range,
    sequenceRange: null,
  };
}

/** Functions may stand in name spaces: `a::b::f(x)`. */
function parseFunctionName(p: ParserState, first: Token): { name: string; last: Token } | null {
  let name = first.text;
  let last = first;
  while (p.peek().type === "::") {
    p.read();
    const part = p.read();
    if (part.type !== "identifier") {
      p.firstError(
        part.range,
        "Missing function name",
        "Function scope resolution symbol :: must be followed by a function name in this scope.",
      );
      p.recoverTo("(");
      return null;
    }
    name += `::${part.text}`;
    last = part;
  }
  return { name, last };
}

function parseCall(p: ParserState, first: Token): Expression {
  const called = parseFunctionName(p, first);
  if (called === null) return { kind: "literal", value: UNKNOWN, range: first.range };
  const nameRange = rangeBetween(first.range, called.last.range);
  const open = p.read();
  if (open.type !== "(") {
    p.error(
      open.range,
      "Missing open parenthesis",
      "Function selector must be followed by an open parenthesis to begin the function call.",
    );
    p.recovering = true;
    return { kind: "literal", value: UNKNOWN, range: nameRange };
  }
  const items: Expression[] = [];
  const { close, expandFinal } = p.withNewlines(false, () => {
    return parseArguments(p, items, { name: first, open });
  });
  return {
    kind: "call",
    name: called.name,
    nameRange,
    openRange: open.range,
    closeRange: close.range,
    arguments: items,
    expandFinal,
    range: rangeBetween(nameRange, close.range),
  };
}

function parseArguments(
  p: ParserState,
  items: Expression[],
  call: { name: Token; open: Token },
): { close: Token; expandFinal: boolean } {
  for (;;) {
    if (p.peek().type === ")") return { close: p.read(), expandFinal: false };
    const mark = p.diagnostics.length;
    items.push(parseExpression(p));
    if (p.isLostSince(mark)) return { close: p.recoverTo(")"), expandFinal: false };
    const separator = p.read();
    if (separator.type === ")") return { close: separator, expandFinal: false };
    if (separator.type === "...") return { close: finishExpanded(p, separator), expandFinal: true };
    if (separator.type !== ",") {
      if (separator.type === "end") {
        p.error(
          rangeBetween(call.name.range, call.open.range),
          "Unterminated function call",
          "There is no closing parenthesis for this function call before the end of the file. This may be caused by incorrect parenthesis nesting elsewhere in this file.",
        );
      } else {
        p.error(
          separator.range,
          "Missing argument separator",
          "A comma is required to separate each function argument from the next.",
        );
      }
      return { close: p.recoverTo(")"), expandFinal: false };
    }
  }
}

function finishExpanded(p: ParserState, ellipsis: Token): Token {
  if (p.peek().type === ")") return p.read();
  p.firstError(
    ellipsis.range,
    "Missing closing parenthesis",
    "An expanded function argument (with ...) must be immediately followed by closing parentheses.",
  );
  return p.recoverTo(")");
}
