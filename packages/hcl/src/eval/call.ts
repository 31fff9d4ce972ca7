/** Function calls: counting and converting arguments, and telling what went wrong inside. */
import { assert } from "@drover/base";
import type { Diagnostic } from "../diagnostic.ts";
import { nameSuggestion } from "../name-suggestion.ts";
import { formatRange } from "../source.ts";
import { type CallExpression, type Expression, startRange } from "../syntax/ast.ts";
import { convert } from "../values/convert.ts";
import { bool, isKnown, isNull, iterate, UNKNOWN, type Value } from "../values/value.ts";
import { type EvaluationContext, evaluate, report } from "./evaluate.ts";
import { FunctionError, type FunctionSpec, type Parameter } from "./scope.ts";
import { parseTypeConstraint } from "./type-constraint.ts";

export function evaluateCall(e: CallExpression, context: EvaluationContext): Value {
  const { functions } = context.scope;
  if (functions === null) {
    const detail = "Functions may not be called here.";
    return report(context, e.range, "Function calls not allowed", detail);
  }
  const spec = functions.get(e.name);
  if (spec === undefined) {
    const suggestion = nameSuggestion(e.name, functions.keys());
    const hint = suggestion === null ? "" : ` Did you mean "${suggestion}"?`;
    const detail = `There is no function named "${e.name}".${hint}`;
    return report(context, e.nameRange, "Call to unknown function", detail);
  }
  const args = expandArguments(e, context);
  if (args === null || !checkCount(e, spec, args, context)) return UNKNOWN;
  if (spec.special === "try") return evaluateTry(e, args, context);
  if (spec.special === "can") return evaluateCan(args, context);
  if (spec.special === "convert") return evaluateConvert(args, context);
  const mark = context.diagnostics.length;
  const values = args.map((argument, i) => {
    return evaluateArgument(argument, parameterAt(spec, i), context);
  });
  if (context.diagnostics.length > mark) return UNKNOWN;
  return callFunction(e, spec, { args, values }, context);
}

function parameterAt(spec: FunctionSpec, index: number): Parameter {
  const parameter = spec.parameters[index] ?? spec.variadic;
  assert(parameter !== undefined, "the number of arguments was checked");
  return parameter;
}

/** `f(list...)`: the elements of the list become arguments. Null when it is no list. */
function expandArguments(
  e: CallExpression,
  context: EvaluationContext,
): readonly Expression[] | null {
  const last = e.arguments.at(-1);
  if (!e.expandFinal || last === undefined) return e.arguments;
  const mark = context.diagnostics.length;
  const value = evaluate(last, context);
  if (context.diagnostics.length > mark) return null;
  const summary = "Invalid expanding argument value";
  if (isNull(value)) {
    const detail = "The expanding argument (indicated by ...) must not be null.";
    report(context, last.range, summary, detail);
    return null;
  }
  if (!isKnown(value)) return null;
  const { kind } = value.type;
  if (kind !== "tuple" && kind !== "list" && kind !== "set") {
    const detail =
      "The expanding argument (indicated by ...) must be of a tuple, list, or set type.";
    report(context, last.range, summary, detail);
    return null;
  }
  const expanded = iterate(value).map(([, element]): Expression => {
    return { kind: "literal", value: element, range: last.range };
  });
  return [...e.arguments.slice(0, -1), ...expanded];
}

function checkCount(
  e: CallExpression,
  spec: FunctionSpec,
  args: readonly Expression[],
  context: EvaluationContext,
): boolean {
  const count = spec.parameters.length;
  const missing = spec.parameters[args.length];
  if (missing !== undefined) {
    const qualifier = spec.variadic === undefined ? "" : " at least";
    const detail = `Function "${e.name}" expects${qualifier} ${count} argument(s). Missing value for "${missing.name}".`;
    report(context, e.closeRange, "Not enough function arguments", detail);
    return false;
  }
  const extra = args[count];
  if (spec.variadic === undefined && extra !== undefined) {
    const detail = `Function "${e.name}" expects only ${count} argument(s).`;
    report(context, startRange(extra), "Too many function arguments", detail);
    return false;
  }
  return true;
}

function evaluateArgument(
  argument: Expression,
  parameter: Parameter,
  context: EvaluationContext,
): Value {
  const value = evaluate(argument, context);
  const converted = convert(value, parameter.type);
  if (converted.ok) return converted.value;
  return reportArgument(argument, parameter, converted.message, context);
}

function reportArgument(
  argument: Expression,
  parameter: Parameter,
  message: string,
  context: EvaluationContext,
): Value {
  const detail = `Invalid value for "${parameter.name}" parameter: ${message}.`;
  return report(context, startRange(argument), "Invalid function argument", detail);
}

function callFunction(
  e: CallExpression,
  spec: FunctionSpec,
  call: { args: readonly Expression[]; values: readonly Value[] },
  context: EvaluationContext,
): Value {
  for (const [i, value] of call.values.entries()) {
    const argument = call.args[i];
    const parameter = parameterAt(spec, i);
    if (isNull(value) && parameter.allowNull !== true && argument !== undefined) {
      return reportArgument(argument, parameter, "argument must not be null", context);
    }
  }
  if (!call.values.every(isKnown)) return UNKNOWN;
  try {
    return spec.call(call.values);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    const blamed = error.argument === null ? undefined : call.args[error.argument];
    if (blamed !== undefined && error.argument !== null) {
      return reportArgument(blamed, parameterAt(spec, error.argument), error.message, context);
    }
    const detail = `Call to function "${e.name}" failed: ${error.message}.`;
    return report(context, startRange(e), "Error in function call", detail);
  }
}

/** The first argument that can be evaluated. */
function evaluateTry(
  e: CallExpression,
  args: readonly Expression[],
  context: EvaluationContext,
): Value {
  if (args.length === 0) {
    const detail = `Call to function "${e.name}" failed: at least one argument is required.`;
    return report(context, startRange(e), "Error in function call", detail);
  }
  const failures: Diagnostic[] = [];
  for (const argument of args) {
    const diagnostics: Diagnostic[] = [];
    const value = evaluate(argument, { ...context, diagnostics });
    if (diagnostics.length === 0) return value;
    failures.push(...diagnostics);
  }
  const list = failures.map((failure) => {
    const where = failure.range === null ? "" : ` (at ${formatPlace(failure)})`;
    return `\n- ${failure.summary}${where}\n  ${failure.detail}`;
  });
  const detail = `Call to function "${e.name}" failed: no expression succeeded:${list.join("")}\n\nAt least one expression must produce a successful result.`;
  return report(context, startRange(e), "Error in function call", detail);
}

function formatPlace(failure: Diagnostic): string {
  return failure.range === null ? "" : formatRange(failure.range);
}

function evaluateCan(args: readonly Expression[], context: EvaluationContext): Value {
  const diagnostics: Diagnostic[] = [];
  const [argument] = args;
  if (argument !== undefined) evaluate(argument, { ...context, diagnostics });
  return bool(diagnostics.length === 0);
}

/** `convert(value, type)`: the second argument is a type, not a value. */
function evaluateConvert(args: readonly Expression[], context: EvaluationContext): Value {
  const [argument, typeExpression] = args;
  if (argument === undefined || typeExpression === undefined) return UNKNOWN;
  const mark = context.diagnostics.length;
  const value = evaluate(argument, context);
  const type = parseTypeConstraint(typeExpression, context.diagnostics, { allowAny: true });
  if (context.diagnostics.length > mark || type === null) return UNKNOWN;
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  const parameter = { name: "value", type };
  return reportArgument(argument, parameter, converted.message, context);
}
