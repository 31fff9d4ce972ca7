/** Text with `${…}` and `%{ for }` in it, and the strings of JSON files. */
import type {
  JsonStringExpression,
  TemplateExpression,
  TemplateJoinExpression,
} from "../syntax/ast.ts";
import { parseTemplateText } from "../syntax/parse.ts";
import { convert } from "../values/convert.ts";
import { STRING } from "../values/type.ts";
import {
  elementsOf,
  isKnown,
  isNull,
  string,
  stringOf,
  UNKNOWN,
  unknownOf,
  type Value,
} from "../values/value.ts";
import { type EvaluationContext, evaluate, report } from "./evaluate.ts";
import type { Scope } from "./scope.ts";

export function evaluateJsonString(e: JsonStringExpression, context: EvaluationContext): Value {
  if (!allowsNames(context.scope)) return string(e.text);
  // Sequences are looked for in the decoded text; places inside it are only roughly right.
  const { source } = e.range;
  const { expression, diagnostics } = parseTemplateText({ name: source.name, text: e.text });
  if (diagnostics.length > 0) {
    context.diagnostics.push(...diagnostics.map((each) => ({ ...each, range: e.range })));
    return UNKNOWN;
  }
  return evaluate(expression, context);
}

function allowsNames(from: Scope): boolean {
  for (let scope: Scope | null = from; scope !== null; scope = scope.parent) {
    if (scope.variables !== null) return true;
  }
  return false;
}

const INTERPOLATION = "Invalid template interpolation value";

export function evaluateTemplate(template: TemplateExpression, context: EvaluationContext): Value {
  let text = "";
  let known = true;
  for (const part of template.parts) {
    const value = evaluate(part, context);
    if (isNull(value)) {
      report(
        context,
        part.range,
        INTERPOLATION,
        "The expression result is null. Cannot include a null value in a string template.",
      );
      continue;
    }
    if (!isKnown(value)) {
      known = false;
      continue;
    }
    const converted = convert(value, STRING);
    if (converted.ok) text += stringOf(converted.value);
    else {
      const detail = `Cannot include the given value in a string template: ${converted.message}.`;
      report(context, part.range, INTERPOLATION, detail);
    }
  }
  return known ? string(text) : unknownOf(STRING);
}

export function evaluateJoin(join: TemplateJoinExpression, context: EvaluationContext): Value {
  const rounds = evaluate(join.tuple, context);
  if (!isKnown(rounds)) return unknownOf(STRING);
  let text = "";
  for (const round of elementsOf(rounds)) {
    if (!isKnown(round)) return unknownOf(STRING);
    const converted = convert(round, STRING);
    if (converted.ok && !isNull(converted.value)) text += stringOf(converted.value);
  }
  return string(text);
}
