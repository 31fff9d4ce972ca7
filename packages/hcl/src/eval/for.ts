/** `for` in values and in templates. */
import type { ForExpression } from "../syntax/ast.ts";
import { convert } from "../values/convert.ts";
import { BOOL, STRING, typeName } from "../values/type.ts";
import {
  boolOf,
  isIterable,
  isKnown,
  isNull,
  iterate,
  object,
  stringOf,
  tuple,
  UNKNOWN,
  type Value,
} from "../values/value.ts";
import { type EvaluationContext, evaluate, report } from "./evaluate.ts";
import { childScope } from "./scope.ts";

const INVALID_CONDITION = "Invalid 'for' condition";

export function evaluateFor(e: ForExpression, context: EvaluationContext): Value {
  const collection = evaluate(e.collection, context);
  const where = e.collection.range;
  if (isNull(collection)) {
    const detail = "A null value cannot be used as the collection in a 'for' expression.";
    return report(context, where, "Iteration over null value", detail);
  }
  if (!isKnown(collection)) return UNKNOWN;
  if (!isIterable(collection)) {
    const detail = `A value of type ${typeName(collection.type)} cannot be used as the collection in a 'for' expression.`;
    return report(context, where, "Iteration over non-iterable value", detail);
  }
  if (!checkCondition(e, context)) return UNKNOWN;
  return new ForRounds(e, context).run(iterate(collection));
}

/** Finds a condition that can never be a bool before it fails once per element. */
function checkCondition(e: ForExpression, context: EvaluationContext): boolean {
  if (e.condition === null) return true;
  const mark = context.diagnostics.length;
  const result = evaluate(e.condition, roundContext(e, context, [UNKNOWN, UNKNOWN]));
  if (isNull(result)) {
    const detail = "The value of the 'if' clause must not be null.";
    report(context, e.condition.range, "Condition is null", detail);
  } else {
    const converted = convert(result, BOOL);
    if (!converted.ok) {
      const detail = `The 'if' clause value is invalid: ${converted.message}.`;
      report(context, e.condition.range, INVALID_CONDITION, detail);
    }
  }
  return context.diagnostics.length === mark;
}

function roundContext(
  e: ForExpression,
  context: EvaluationContext,
  [key, value]: [Value, Value],
): EvaluationContext {
  const names = new Map<string, Value>();
  if (e.keyName !== null) names.set(e.keyName, key);
  names.set(e.valueName, value);
  return { ...context, scope: childScope(context.scope, names) };
}

class ForRounds {
  readonly #e: ForExpression;
  readonly #context: EvaluationContext;
  readonly #items: Value[] = [];
  readonly #entries = new Map<string, Value>();
  readonly #groups = new Map<string, Value[]>();
  #known = true;

  constructor(e: ForExpression, context: EvaluationContext) {
    this.#e = e;
    this.#context = context;
  }

  run(pairs: [Value, Value][]): Value {
    for (const pair of pairs) {
      const round = roundContext(this.#e, this.#context, pair);
      if (!this.#isIncluded(round)) continue;
      if (this.#e.key === null) this.#items.push(evaluate(this.#e.value, round));
      else this.#addEntry(round);
    }
    if (!this.#known) return UNKNOWN;
    if (this.#e.key === null) return tuple(this.#items);
    for (const [key, values] of this.#groups) this.#entries.set(key, tuple(values));
    return object(this.#entries);
  }

  /** Tells only the first of a kind: the others follow from it. */
  #fail(where: ForExpression["range"], summary: string, detail: string): void {
    if (this.#known) report(this.#context, where, summary, detail);
    this.#known = false;
  }

  #isIncluded(round: EvaluationContext): boolean {
    const { condition } = this.#e;
    if (condition === null) return true;
    const value = evaluate(condition, round);
    if (isNull(value)) {
      const detail = "The value of the 'if' clause must not be null.";
      this.#fail(condition.range, INVALID_CONDITION, detail);
      return false;
    }
    const converted = convert(value, BOOL);
    if (!converted.ok) {
      const detail = `The 'if' clause value is invalid: ${converted.message}.`;
      this.#fail(condition.range, INVALID_CONDITION, detail);
      return false;
    }
    if (!isKnown(converted.value)) {
      this.#known = false;
      return false;
    }
    return boolOf(converted.value);
  }

  #addEntry(round: EvaluationContext): void {
    const keyExpression = this.#e.key;
    if (keyExpression === null) return;
    const key = evaluate(keyExpression, round);
    if (isNull(key)) {
      const detail = "Key expression in 'for' expression must not produce a null value.";
      this.#fail(keyExpression.range, "Invalid object key", detail);
      return;
    }
    const converted = convert(key, STRING);
    if (!converted.ok) {
      const detail = `The key expression produced an invalid result: ${converted.message}.`;
      this.#fail(keyExpression.range, "Invalid object key", detail);
      return;
    }
    if (!isKnown(converted.value)) {
      this.#known = false;
      return;
    }
    this.#store(stringOf(converted.value), evaluate(this.#e.value, round), keyExpression.range);
  }

  #store(key: string, value: Value, where: ForExpression["range"]): void {
    if (this.#e.group) {
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, [value]);
      else group.push(value);
    } else if (this.#entries.has(key)) {
      report(
        this.#context,
        where,
        "Duplicate object key",
        `Two different items produced the key "${key}" in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.`,
      );
    } else this.#entries.set(key, value);
  }
}
