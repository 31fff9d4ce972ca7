/**
 * Computes what an expression is worth. Problems are collected, not thrown: the value of a part
 * that failed is unknown, and the evaluation goes on, so that one run tells all mistakes.
 */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { nameSuggestion } from "../name-suggestion.ts";
import type { Range } from "../source.ts";
import type {
  BinaryExpression,
  Expression,
  ObjectExpression,
  SplatExpression,
  UnaryExpression,
  VariableExpression,
} from "../syntax/ast.ts";
import { convert } from "../values/convert.ts";
import { negate } from "../values/number.ts";
import { BOOL, NUMBER, STRING, type Type } from "../values/type.ts";
import {
  bool,
  boolOf,
  isKnown,
  isNull,
  iterate,
  list,
  number,
  numberOf,
  object,
  string,
  stringOf,
  tuple,
  UNKNOWN,
  unknownOf,
  type Value,
} from "../values/value.ts";
import { evaluateCall } from "./call.ts";
import { evaluateConditional } from "./conditional.ts";
import { evaluateFor } from "./for.ts";
import { applyOperator, operandType, resultType } from "./operators.ts";
import { findUnknownVariable, type Scope } from "./scope.ts";
import { applySteps, readIndex } from "./steps.ts";
import { evaluateJoin, evaluateJsonString, evaluateTemplate } from "./template.ts";

export interface EvaluationContext {
  readonly scope: Scope;
  readonly diagnostics: Diagnostic[];
  /** The element that a splat is at. */
  readonly anonymous?: Value;
}

export function report(
  context: EvaluationContext,
  where: Range,
  summary: string,
  detail: string,
): Value {
  context.diagnostics.push(errorAt(where, summary, detail));
  return UNKNOWN;
}

export function evaluate(expression: Expression, context: EvaluationContext): Value {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "variable":
      return evaluateVariable(expression, context);
    case "relative": {
      const source = evaluate(expression.source, context);
      return applySteps(source, expression.steps, context.diagnostics);
    }
    case "template":
      return evaluateTemplate(expression, context);
    case "templateWrap":
      return evaluate(expression.wrapped, context);
    case "templateJoin":
      return evaluateJoin(expression, context);
    case "call":
      return evaluateCall(expression, context);
    case "tuple":
      return tuple(expression.items.map((item) => evaluate(item, context)));
    case "object":
      return evaluateObject(expression, context);
    case "for":
      return evaluateFor(expression, context);
    case "conditional":
      return evaluateConditional(expression, context);
    case "binary":
      return evaluateBinary(expression, context);
    case "unary":
      return evaluateUnary(expression, context);
    case "parentheses":
      return evaluate(expression.inner, context);
    case "index": {
      const collection = evaluate(expression.collection, context);
      const key = evaluate(expression.key, context);
      return readIndex(collection, key, expression.bracketRange, context.diagnostics);
    }
    case "splat":
      return evaluateSplat(expression, context);
    case "jsonString":
      return evaluateJsonString(expression, context);
    case "anonymous":
      return context.anonymous ?? UNKNOWN;
  }
}

function evaluateVariable(reference: VariableExpression, context: EvaluationContext): Value {
  let namesAllowed = false;
  const names: string[] = [];
  for (let scope: Scope | null = context.scope; scope !== null; scope = scope.parent) {
    if (scope.variables === null) continue;
    namesAllowed = true;
    const value = scope.variables.get(reference.root);
    if (value !== undefined) return applySteps(value, reference.steps, context.diagnostics);
    names.push(...scope.variables.keys());
  }
  const unknownVariable = findUnknownVariable(context.scope);
  if (unknownVariable !== undefined) return unknownVariable(reference);
  if (!namesAllowed) {
    const detail = "Variables may not be used here.";
    return report(context, reference.rootRange, "Variables not allowed", detail);
  }
  const suggestion = nameSuggestion(reference.root, names);
  const hint = suggestion === null ? "" : ` Did you mean "${suggestion}"?`;
  const detail = `There is no variable named "${reference.root}".${hint}`;
  return report(context, reference.rootRange, "Unknown variable", detail);
}

function evaluateObject(expression: ObjectExpression, context: EvaluationContext): Value {
  const entries = new Map<string, Value>();
  let known = true;
  for (const item of expression.items) {
    const mark = context.diagnostics.length;
    const key = evaluateKey(item.key, item.keyIsComputed, context);
    const keyFailed = context.diagnostics.length > mark;
    const value = evaluate(item.value, context);
    const name = keyFailed ? null : keyName(key, item, context);
    if (name === null) known = false;
    else entries.set(name, value);
  }
  return known ? object(entries) : UNKNOWN;
}

/** A bare name is the key itself. */
function evaluateKey(key: Expression, isComputed: boolean, context: EvaluationContext): Value {
  if (isComputed) return evaluate(key, context);
  if (key.kind === "variable") {
    if (key.steps.length === 0) return string(key.root);
    return report(
      context,
      key.range,
      "Ambiguous attribute key",
      "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal name containing periods, wrap it in quotes to create a string literal.",
    );
  }
  if (key.kind === "literal" && (isNull(key.value) || key.value.type.kind === "bool")) {
    return string(String(key.value.data));
  }
  return evaluate(key, context);
}

function keyName(
  key: Value,
  item: { key: Expression; value: Expression },
  context: EvaluationContext,
): string | null {
  if (isNull(key)) {
    const detail = "Can't use a null value as a key.";
    report(context, item.value.range, "Null value as key", detail);
    return null;
  }
  const converted = convert(key, STRING);
  if (!converted.ok) {
    const detail = `Can't use this value as a key: ${converted.message}.`;
    report(context, item.key.range, "Incorrect key type", detail);
    return null;
  }
  return isKnown(converted.value) ? stringOf(converted.value) : null;
}

function evaluateBinary(e: BinaryExpression, context: EvaluationContext): Value {
  const mark = context.diagnostics.length;
  const type = operandType(e.operator);
  const givenLeft = evaluate(e.left, context);
  const givenRight = evaluate(e.right, context);
  const left = toOperand(givenLeft, type, { expression: e.left, name: "left" }, context);
  const right = toOperand(givenRight, type, { expression: e.right, name: "right" }, context);
  if (context.diagnostics.length > mark) return unknownOf(resultType(e.operator));
  const result = applyOperator(e.operator, left, right);
  if (typeof result !== "string") return result;
  report(context, e.range, "Operation failed", `Error during operation: ${result}.`);
  return unknownOf(resultType(e.operator));
}

function toOperand(
  value: Value,
  type: Type,
  operand: { expression: Expression; name: "left" | "right" | "unary" },
  context: EvaluationContext,
): Value {
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  const detail = `Unsuitable value for ${operand.name} operand: ${converted.message}.`;
  return report(context, operand.expression.range, "Invalid operand", detail);
}

function evaluateUnary(e: UnaryExpression, context: EvaluationContext): Value {
  const mark = context.diagnostics.length;
  const type = e.operator === "!" ? BOOL : NUMBER;
  const given = evaluate(e.operand, context);
  const operand = toOperand(given, type, { expression: e.operand, name: "unary" }, context);
  if (context.diagnostics.length > mark || !isKnown(operand)) return unknownOf(type);
  if (isNull(operand)) {
    const detail = "Error during operation: argument must not be null.";
    report(context, e.range, "Operation failed", detail);
    return unknownOf(type);
  }
  return e.operator === "!" ? bool(!boolOf(operand)) : number(negate(numberOf(operand)));
}

function evaluateSplat(e: SplatExpression, context: EvaluationContext): Value {
  const mark = context.diagnostics.length;
  const source = evaluate(e.source, context);
  if (context.diagnostics.length > mark) return UNKNOWN;
  const { kind } = source.type;
  const isSequence = kind === "tuple" || kind === "list" || kind === "set";
  if (isNull(source)) {
    if (!isSequence) return tuple([]);
    const detail = "Splat expressions (with the * symbol) cannot be applied to null sequences.";
    return report(context, e.source.range, "Splat of null value", detail);
  }
  if (!isKnown(source)) return UNKNOWN;
  const elements = isSequence ? iterate(source).map(([, element]) => element) : [source];
  const results = elements.map((element) => evaluate(e.each, { ...context, anonymous: element }));
  const [first] = results;
  const isList = kind === "list" || kind === "set";
  if (isList && first !== undefined) return list(first.type, results);
  return tuple(results);
}
