/** `condition ? a : b`: both results must have one type, which the chosen one is converted to. */
import type { Diagnostic } from "../diagnostic.ts";
import { rangeBetween } from "../source.ts";
import type { ConditionalExpression } from "../syntax/ast.ts";
import { canConvert, convert } from "../values/convert.ts";
import { BOOL, DYNAMIC, type ObjectType, type Type, typeName } from "../values/type.ts";
import { unify } from "../values/unify.ts";
import { boolOf, isKnown, isNull, unknownOf, type Value } from "../values/value.ts";
import { type EvaluationContext, evaluate, report } from "./evaluate.ts";

export function evaluateConditional(e: ConditionalExpression, context: EvaluationContext): Value {
  const trueDiagnostics: Diagnostic[] = [];
  const falseDiagnostics: Diagnostic[] = [];
  const whenTrue = evaluate(e.whenTrue, { ...context, diagnostics: trueDiagnostics });
  const whenFalse = evaluate(e.whenFalse, { ...context, diagnostics: falseDiagnostics });
  const type = conditionalType(whenTrue, whenFalse);
  if (type === null) {
    return report(
      context,
      rangeBetween(e.whenTrue.range, e.whenFalse.range),
      "Inconsistent conditional result types",
      `The true and false result expressions must have consistent types. ${conditionalMismatch(whenTrue.type, whenFalse.type)}.`,
    );
  }
  const condition = evaluate(e.condition, context);
  if (isNull(condition)) {
    const detail = "The condition value is null. Conditions must either be true or false.";
    report(context, e.condition.range, "Null condition", detail);
    return unknownOf(type);
  }
  if (!isKnown(condition)) return unknownOf(type);
  const converted = convert(condition, BOOL);
  if (!converted.ok) {
    const detail = "The condition expression must be of type bool.";
    report(context, e.condition.range, "Incorrect condition type", detail);
    return unknownOf(type);
  }
  const isTrue = boolOf(converted.value);
  context.diagnostics.push(...(isTrue ? trueDiagnostics : falseDiagnostics));
  const result = convert(isTrue ? whenTrue : whenFalse, type);
  if (result.ok) return result.value;
  const which = isTrue ? "true" : "false";
  const where = isTrue ? e.whenTrue.range : e.whenFalse.range;
  const detail = `The ${which} result value has the wrong type: ${result.message}.`;
  report(context, where, "Inconsistent conditional result types", detail);
  return unknownOf(type);
}

function conditionalType(whenTrue: Value, whenFalse: Value): Type | null {
  const isBareNull = (value: Value) => isNull(value) && value.type.kind === "dynamic";
  if (isBareNull(whenTrue)) return whenFalse.type;
  if (isBareNull(whenFalse)) return whenTrue.type;
  return unify([whenTrue.type, whenFalse.type], "unsafe");
}

/** Why the two results have no common type. */
function conditionalMismatch(whenTrue: Type, whenFalse: Type): string {
  if (whenTrue.kind === "object" && whenFalse.kind === "object") {
    const message = objectMismatch(whenTrue, whenFalse);
    if (message !== null) return message;
  }
  if (whenTrue.kind === "tuple" && whenFalse.kind === "tuple") {
    const message = tupleMismatch(whenTrue.elements, whenFalse.elements);
    if (message !== null) return message;
  }
  return `The 'true' value is ${typeName(whenTrue)}, but the 'false' value is ${typeName(whenFalse)}`;
}

function objectMismatch(whenTrue: ObjectType, whenFalse: ObjectType): string | null {
  for (const [name, type] of whenTrue.attributes) {
    const other = whenFalse.attributes.get(name);
    if (other === undefined) {
      return `The 'true' value includes object attribute "${name}", which is absent in the 'false' value`;
    }
    if (!areCompatible(type, other)) {
      return `Type mismatch for object attribute "${name}": ${conditionalMismatch(type, other)}`;
    }
  }
  for (const name of whenFalse.attributes.keys()) {
    if (!whenTrue.attributes.has(name)) {
      return `The 'false' value includes object attribute "${name}", which is absent in the 'true' value`;
    }
  }
  return null;
}

function tupleMismatch(whenTrue: readonly Type[], whenFalse: readonly Type[]): string | null {
  if (whenTrue.length !== whenFalse.length) {
    return `The 'true' tuple has length ${whenTrue.length}, but the 'false' tuple has length ${whenFalse.length}`;
  }
  for (const [i, type] of whenTrue.entries()) {
    const other = whenFalse[i] ?? DYNAMIC;
    if (!areCompatible(type, other)) {
      return `Type mismatch for tuple element ${i}: ${conditionalMismatch(type, other)}`;
    }
  }
  return null;
}

function areCompatible(a: Type, b: Type): boolean {
  return canConvert(a, b, "safe") || canConvert(b, a, "safe");
}
